import assert from 'node:assert/strict'
import { test } from 'node:test'
import { CaissonError } from '@caisson/api'
import { backingOf } from './driver-options.ts'
import type { VolumeDriver } from './volume.ts'

const backing = (options: Record<string, string>, driver: VolumeDriver = 'local', quotaBytes = 0) =>
  backingOf({ driver, options, quotaBytes })

function reason(work: () => unknown): string {
  try {
    work()
  } catch (error) {
    return error instanceof CaissonError ? error.reason : String(error)
  }
  return 'taken'
}

test('a local volume is a directory of the engine, one of the host, or memory', () => {
  assert.deepEqual(backing({}), { kind: 'directory' })
  assert.deepEqual(backing({ type: 'none', o: 'bind,ro', device: '/srv' }), {
    kind: 'host',
    path: '/srv',
    readOnly: true,
  })
  assert.deepEqual(backing({ type: 'tmpfs', device: 'tmpfs', o: 'size=1m,uid=1000' }), {
    kind: 'tmpfs',
    options: ['size=1m', 'uid=1000'],
  })
})

test('memory takes its size from a quota, unless an option says it', () => {
  assert.deepEqual(backing({}, 'tmpfs', 4096), { kind: 'tmpfs', options: ['size=4096'] })
  assert.deepEqual(backing({ size: '1m' }, 'tmpfs', 4096), { kind: 'tmpfs', options: ['size=1m'] })
})

test('an option that cannot be kept is refused, and none reaches mount unread', () => {
  const cases: Record<string, string>[] = [
    { type: 'nfs', o: 'addr=192.0.2.1', device: ':/x' },
    { type: 'ext4', device: '/dev/sda1' },
    { type: 'none', o: 'bind,suid', device: '/srv' },
    { type: 'none', o: 'bind', device: 'srv' },
    { type: 'none', o: 'bind', device: '/srv/../etc' },
    { type: 'tmpfs', o: 'size=1m,exec' },
    { type: 'tmpfs', o: 'size=1m\n' },
    { constructor: 'x' },
  ]
  for (const options of cases)
    assert.equal(
      reason(() => backing(options)),
      'VOLUME_OPTION_UNSUPPORTED',
      JSON.stringify(options),
    )
  assert.equal(
    reason(() => backing({ size: '1m,exec' }, 'tmpfs')),
    'VOLUME_OPTION_UNSUPPORTED',
  )
  assert.equal(
    reason(() => backing({}, 'local', 1)),
    'QUOTA_UNSUPPORTED',
  )
})
