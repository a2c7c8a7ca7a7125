import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Container, ContainerState } from '@caisson/api/container'
import { SandboxMode } from '@caisson/api/network'
import { idsOf, networksOf } from './networks-of.ts'

const container = (network: object, more: object = {}): Container =>
  Container.fromPartial({ state: ContainerState.EXITED, spec: { network }, ...more })

test('names the networks that a container is on, running or not', () => {
  assert.deepEqual(networksOf(container({ mode: SandboxMode.BRIDGE })), ['bridge'])
  const attachments = [{ network: '' }, { network: 'front' }]
  const sandbox = { endpoints: [{ networkId: 'b1' }, { networkId: 'f1' }] }
  assert.deepEqual(networksOf(container({ mode: SandboxMode.BRIDGE, attachments })), ['bridge', 'front'])
  assert.deepEqual(networksOf(container({ mode: SandboxMode.BRIDGE, attachments }, { sandbox })), [
    ...['bridge', 'front'],
    ...['b1', 'f1'],
  ])
  assert.deepEqual(networksOf(container({ mode: SandboxMode.HOST })), ['host'])
  assert.deepEqual(networksOf(container({ mode: SandboxMode.NONE })), ['none'])
})

test('one that was taken out of its last network is on none, and so is one that shares, or is broken', () => {
  assert.deepEqual(networksOf(container({ mode: SandboxMode.BRIDGE, unconnected: true })), [])
  assert.deepEqual(networksOf(container({ mode: SandboxMode.SHARED, container: 'web' })), [])
  assert.deepEqual(networksOf(container({ mode: SandboxMode.BRIDGE }, { state: ContainerState.BROKEN })), [])
})

test('a name comes before the beginning of an id', () => {
  const known = [
    { id: 'abcdef', name: 'front' },
    { id: '123456', name: 'abc' },
  ]
  const meant = (reference: string): string[] => [...idsOf(known, [reference])]
  assert.deepEqual([meant('front'), meant('abc'), meant('abcd')], [['abcdef'], ['123456'], ['abcdef']])
  assert.deepEqual([meant('nowhere'), meant('')], [[], []])
})
