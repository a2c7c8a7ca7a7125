import assert from 'node:assert/strict'
import { test } from 'node:test'
import { CaissonError } from '@caisson/api'
import type { ContainerSpec, MountSpec } from '../container/spec.ts'
import { someContainer } from '../fake-access.fixture.ts'
import { plannedMounts } from './planned-mounts.ts'

const bind = (target: string, readOnly = false): MountSpec => ({
  ...{ kind: 'bind', source: '/host', target, readOnly, propagation: 'rprivate' },
  ...{ recursive: true, createSource: false, options: [] },
})
const memory = (target: string): MountSpec => ({
  ...{ kind: 'tmpfs', target, readOnly: false, sizeBytes: 0, mode: 0o1777, options: [] },
})
const spec = (mounts: MountSpec[], volumesFrom: string[] = []): ContainerSpec => ({
  ...someContainer('c').spec,
  mounts,
  volumesFrom,
})
const other = (mounts: MountSpec[]) => () => someContainer('other', { spec: spec(mounts) })
const seen = (mounts: readonly MountSpec[]) => mounts.map(({ kind, target, readOnly }) => [kind, target, readOnly])

test('what was asked for comes before what others have, and that before what the image wants', () => {
  const mounts = plannedMounts(spec([memory('/a')], ['other']), ['/a', '/b', '/c/'], other([bind('/a'), bind('/b')]))
  assert.deepEqual(seen(mounts), [
    ['tmpfs', '/a', false],
    ['bind', '/b', false],
    ['volume', '/c', false],
  ])
})

test('what is deeper is mounted later, and what is at one depth in its order', () => {
  const mounts = plannedMounts(spec([bind('/z/y/x'), bind('/z'), bind('/b')]), ['/z/y'], other([]))
  assert.deepEqual(
    mounts.map(({ target }) => target),
    ['/z', '/b', '/z/y', '/z/y/x'],
  )
})

test('of another container come volumes and binds, read-only when one of the two says so', () => {
  const theirs = other([bind('/a', true), bind('/b'), memory('/m')])
  assert.deepEqual(seen(plannedMounts(spec([], ['other:rw']), [], theirs)), [
    ['bind', '/a', true],
    ['bind', '/b', false],
  ])
  assert.deepEqual(
    seen(plannedMounts(spec([], ['other:ro']), [], theirs)).map(([, , readOnly]) => readOnly),
    [true, true],
  )
})

test('an image cannot ask for a volume where none can be', () => {
  for (const path of ['', '/', '/../..', 'data', '/a\0b', `/${'x'.repeat(5_000)}`])
    assert.throws(
      () => plannedMounts(spec([]), [path], other([])),
      (error) => error instanceof CaissonError && error.reason === 'IMAGE_VOLUME_INVALID',
      path,
    )
})
