import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parseMountOptions } from './mount-options.ts'
import { checkMountTarget } from './mount-target.ts'
import { MOUNT_FLAG } from './plan-format.ts'

const { readOnly, noSuid, noDev, noExec, noAtime, noSymFollow, recursive, idmap } = MOUNT_FLAG

test('knows every option that the runtime spec says a runtime must know, or says why not', () => {
  const must =
    'async atime bind defaults dev diratime dirsync exec iversion lazytime loud noatime nodev nodiratime noexec ' +
    'noiversion nolazytime norelatime nostrictatime nosuid private rbind relatime remount ro rprivate rshared rslave ' +
    'runbindable rw shared silent slave strictatime suid sync unbindable'
  const refused = new Set(['remount', 'runbindable', 'unbindable'])
  for (const option of must.split(' ')) {
    if (refused.has(option)) {
      assert.throws(() => parseMountOptions('/t', 'bind', [option]), { reason: 'MOUNT_OPTION_INVALID' })
      continue
    }
    if (/^r?(?:slave|shared)$/.test(option)) {
      assert.equal(parseMountOptions('/t', 'bind', [option]).propagation, option.replace(/^r/, ''))
      continue
    }
    const { data } = parseMountOptions('/t', 'tmpfs', [option])
    assert.deepEqual(data, ['sync', 'dirsync', 'lazytime'].includes(option) ? [option] : [])
  }
})

test('lets the last word on a flag count', () => {
  const flags = (...options: string[]): number => parseMountOptions('/t', 'tmpfs', options).flags
  assert.equal(flags('ro', 'nosuid', 'nodev', 'noexec'), readOnly | noSuid | noDev | noExec)
  assert.equal(flags('ro', 'rw', 'nosuid', 'suid', 'noatime', 'relatime'), 0)
  assert.equal(flags('rw', 'ro', 'noatime', 'nosymfollow'), readOnly | noAtime | noSymFollow)
  assert.equal(flags('rbind', 'rro', 'ridmap'), recursive | readOnly | idmap)
})

test('tells binds from file systems, and passes unknown options to the latter only', () => {
  assert.deepEqual(parseMountOptions('/t', 'none', ['rbind', 'ro']), {
    flags: recursive | readOnly,
    isBind: true,
    subpath: '',
    data: [],
  })
  assert.deepEqual(parseMountOptions('/t', 'tmpfs', ['size=1m', 'mode=755', 'huge']).data, [
    'size=1m',
    'mode=755',
    'huge',
  ])
  assert.throws(() => parseMountOptions('/t', 'bind', ['size=1m']), { reason: 'MOUNT_OPTION_INVALID' })
  for (const option of ['', 'a b', 'a=\n', 'a=\0', '=x', 'tmpcopyup', '__proto__x y']) {
    assert.throws(() => parseMountOptions('/t', 'tmpfs', [option]), { reason: 'MOUNT_OPTION_INVALID' }, option)
  }
})

test('refuses places that the kernel speaks from', () => {
  const bad = [
    ['/proc', 'bind'],
    ['/proc/', 'tmpfs'],
    ['//proc', 'bind'],
    ['/x/../proc', 'bind'],
    ['//proc/../proc', 'bind'],
    ['proc', 'tmpfs'],
    ['/proc/self', 'bind'],
    ['/proc/1/attr', 'bind'],
    ['/proc/self/attr/exec', 'proc'],
    ['/proc/sys', 'bind'],
    ['/sys', 'bind'],
    ['/sys/fs/cgroup', 'bind'],
    ['/sys/fs/cgroup/memory', 'cgroup'],
    ['/sys/fs/../fs/cgroup/x', 'tmpfs'],
    ['/', 'bind'],
    ['', 'bind'],
    ['/..', 'tmpfs'],
    ['/a\0b', 'tmpfs'],
    [`/${'a'.repeat(5000)}`, 'tmpfs'],
  ]
  for (const [destination = '', type = ''] of bad) {
    assert.throws(
      () => checkMountTarget(destination, type),
      { reason: 'MOUNT_TARGET_INVALID' },
      destination.slice(0, 40),
    )
  }
})

test('allows the kernel’s own file systems, and ordinary places in one spelling', () => {
  assert.equal(checkMountTarget('/proc', 'proc'), '/proc')
  assert.equal(checkMountTarget('/sys', 'sysfs'), '/sys')
  assert.equal(checkMountTarget('/sys/fs/cgroup', 'cgroup2'), '/sys/fs/cgroup')
  assert.equal(checkMountTarget('/proc/meminfo', 'bind'), '/proc/meminfo')
  assert.equal(checkMountTarget('data/', 'bind'), '/data')
  assert.equal(checkMountTarget('/a/./b/../c//', 'bind'), '/a/c')
  assert.equal(checkMountTarget('/processes', 'bind'), '/processes')
  assert.equal(checkMountTarget('/../../etc', 'bind'), '/etc')
})
