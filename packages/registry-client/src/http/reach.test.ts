import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { isLoopbackName, maySendTo, type Reach, reachOf } from './reach.ts'

test('tells where addresses lead, in every spelling', () => {
  const expected: [string, Reach][] = [
    ['8.8.8.8', 'public'],
    ['2606:4700::1', 'public'],
    ['10.1.2.3', 'private'],
    ['172.16.0.1', 'private'],
    ['192.168.0.1', 'private'],
    ['100.100.100.200', 'private'],
    ['fd00::1', 'private'],
    ['127.0.0.1', 'loopback'],
    ['127.255.1.2', 'loopback'],
    ['0.0.0.0', 'loopback'],
    ['::1', 'loopback'],
    ['::', 'loopback'],
    ['::ffff:127.0.0.1', 'loopback'],
    ['::ffff:10.0.0.1', 'private'],
    ['64:ff9b::7f00:1', 'loopback'],
    ['64:ff9b::808:808', 'public'],
    ['169.254.169.254', 'link-local'],
    ['fe80::1', 'link-local'],
    ['224.0.0.1', 'link-local'],
    ['255.255.255.255', 'link-local'],
    ['2002:7f00:1::', 'link-local'],
    ['nonsense', 'link-local'],
    ['', 'link-local'],
  ]
  for (const [address, reach] of expected) assert.equal(reachOf(address), reach, address)
})

test('lets nobody send us nearer than it stands itself', () => {
  const reaches: Reach[] = ['public', 'private', 'loopback', 'link-local']
  const allowed = reaches.flatMap((from) => reaches.filter((to) => maySendTo(from, to)).map((to) => `${from} ${to}`))
  assert.deepEqual(allowed, [
    'public public',
    'private public',
    'private private',
    'loopback public',
    'loopback private',
    'loopback loopback',
    'link-local public',
    'link-local link-local',
  ])
})

test('takes no text for an address of the world that is none', () => {
  fc.assert(
    fc.property(
      fc.ipV4(),
      (address) => void assert.ok(['public', 'private', 'loopback', 'link-local'].includes(reachOf(address))),
    ),
  )
  fc.assert(fc.property(fc.string(), (text) => void assert.ok(!isLoopbackName(`${text}.test`))))
})
