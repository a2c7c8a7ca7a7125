import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { LinuxNamespaceType } from '@caisson/oci'
import fc from 'fast-check'
import {
  adjustCapabilities,
  capabilitiesRecord,
  DEFAULT_CAPABILITIES,
  DOCKER_CAPABILITIES,
  parseCapability,
} from './capabilities.ts'
import { rlimitRecords, withDefaultRlimits } from './rlimits.ts'
import { sysctlRecords } from './sysctls.ts'

const own = new Set<LinuxNamespaceType>(['network', 'ipc', 'uts'])

test('sets only kernel settings that a namespace of the container keeps', () => {
  const good = {
    'net.ipv4.ip_forward': '1',
    'kernel.sem': '1 2\t3 4',
    'fs.mqueue.msg_max': '5',
    'kernel.domainname': 'x',
  }
  assert.deepEqual(
    sysctlRecords(good, own).map((record) => record.type === 'sysctl' && record.file),
    ['net/ipv4/ip_forward', 'kernel/sem', 'fs/mqueue/msg_max', 'kernel/domainname'],
  )
  for (const key of [
    'kernel.core_pattern',
    'vm.overcommit_memory',
    'kernel.msgmaxx',
    'fs.file-max',
    'user.max_x',
    'netx.a',
  ]) {
    assert.throws(() => sysctlRecords({ [key]: '1' }, own), { reason: 'SYSCTL_DENIED' }, key)
  }
  assert.throws(() => sysctlRecords({ 'net.core.somaxconn': '1' }, new Set(['ipc'])), {
    reason: 'SYSCTL_DENIED',
    message: /network/,
  })
})

test('refuses malformed kernel settings', () => {
  const keys = [
    '',
    'net',
    'net.',
    '.net',
    'net..ipv4',
    'net/ipv4/x',
    'net.ipv4/../x',
    'net.a+b',
    'net.a=b',
    'net.a\nb',
    'net.a b',
    'NET.a',
  ]
  for (const key of keys) assert.throws(() => sysctlRecords({ [key]: '1' }, own), { reason: 'SYSCTL_INVALID' }, key)
  for (const value of ['', '1\n2', 'a=b', 'a+b', '|/bin/x', '\0', 'x'.repeat(2000)]) {
    assert.throws(() => sysctlRecords({ 'net.a': value }, own), { reason: 'SYSCTL_INVALID' }, value.slice(0, 20))
  }
})

test('never makes a path out of a kernel setting that leaves /proc/sys', () => {
  fc.assert(
    fc.property(fc.string({ unit: fc.constantFrom(...'net.ipv4/+= \n\0-_'.split('')), maxLength: 20 }), (tail) => {
      let files: string[]
      try {
        files = sysctlRecords({ [`net.${tail}`]: '1' }, own).map((record) =>
          record.type === 'sysctl' ? record.file : '',
        )
      } catch {
        return
      }
      assert.match(files[0] ?? '', /^net(\/[A-Za-z0-9_-]+)+$/)
    }),
    { numRuns: 2000 },
  )
})

test('reads capabilities in any spelling and adjusts them as Docker does', () => {
  assert.equal(parseCapability('net_raw'), 'CAP_NET_RAW')
  assert.equal(parseCapability('CAP_NET_RAW'), 'CAP_NET_RAW')
  for (const bad of ['', 'NET', 'CAP_', 'ALL', 'toString', 'CAP_CAP_CHOWN']) {
    assert.throws(() => parseCapability(bad), { reason: 'CAPABILITY_UNKNOWN' })
  }
  assert.equal(DEFAULT_CAPABILITIES.length, 11)
  assert.equal(DOCKER_CAPABILITIES.length, 14)
  assert.deepEqual(adjustCapabilities(DEFAULT_CAPABILITIES, ['NET_ADMIN'], ['ALL']), ['CAP_NET_ADMIN'])
  assert.deepEqual(adjustCapabilities([], ['chown', 'kill'], ['KILL']), ['CAP_CHOWN'])
  assert.equal(adjustCapabilities([], ['all'], []).length, 41)
  assert.equal(adjustCapabilities([], ['ALL'], ['SYS_ADMIN']).includes('CAP_SYS_ADMIN'), false)
  const { bounding, ambient } = capabilitiesRecord({ bounding: ['CAP_CHOWN', 'CAP_CHECKPOINT_RESTORE'] })
  assert.equal(bounding, (1n << 40n) | 1n)
  assert.equal(ambient, 0n)
})

test('reads resource limits', () => {
  const asked = [
    { type: 'RLIMIT_NOFILE', soft: 10, hard: -1 },
    { type: 'RLIMIT_RTTIME', soft: 1, hard: 0xffff_ffff_ffff_ffffn },
  ]
  assert.deepEqual(rlimitRecords(asked), [
    { type: 'rlimit', resource: 7, soft: 10n, hard: 0xffff_ffff_ffff_ffffn },
    { type: 'rlimit', resource: 15, soft: 1n, hard: 0xffff_ffff_ffff_ffffn },
  ])
  const all = withDefaultRlimits(asked)
  assert.equal(all.filter(({ type }) => type === 'RLIMIT_NOFILE').length, 1)
  assert.ok(all.some(({ type }) => type === 'RLIMIT_CORE'))
  const bad = [
    [{ type: 'RLIMIT_X', soft: 1, hard: 1 }],
    [{ type: 'NOFILE', soft: 1, hard: 1 }],
    [{ type: 'RLIMIT_CPU', soft: 2, hard: 1 }],
    [{ type: 'RLIMIT_CPU', soft: -1, hard: 1 }],
    [{ type: 'RLIMIT_CPU', soft: 0.5, hard: 1 }],
    [{ type: 'RLIMIT_CPU', soft: 0, hard: 2 ** 64 }],
    [
      { type: 'RLIMIT_CPU', soft: 1, hard: 1 },
      { type: 'RLIMIT_CPU', soft: 1, hard: 1 },
    ],
  ]
  for (const limits of bad) assert.throws(() => rlimitRecords(limits), { reason: 'RLIMIT_INVALID' })
})
