import assert from 'node:assert/strict'
import { test } from 'node:test'
import { SeccompFilterCache } from './filter-cache.ts'
import { parseKernelVersion, parseSeccompProfile } from './profile.ts'

const rule = { names: ['read'], action: 'SCMP_ACT_ALLOW' }

test('reads an OCI profile and the oldest form of Docker', () => {
  const profile = parseSeccompProfile({
    defaultAction: 'SCMP_ACT_ERRNO',
    defaultErrnoRet: 38,
    flags: ['SECCOMP_FILTER_FLAG_LOG', 'SECCOMP_FILTER_FLAG_SPEC_ALLOW'],
    architectures: ['SCMP_ARCH_X86_64'],
    syscalls: [
      { name: 'read', action: 'SCMP_ACT_ALLOW' },
      { ...rule, args: null, includes: {}, excludes: {} },
    ],
    somethingNew: true,
  })
  assert.equal(profile.defaultErrno, 38)
  assert.equal(profile.flags, 6)
  assert.deepEqual(
    profile.rules.map((each) => each.names),
    [['read'], ['read']],
  )
})

test('refuses malformed profiles and says where', () => {
  const bad: [unknown, RegExp][] = [
    [null, /profile is not an object/],
    [[], /profile is not an object/],
    [{}, /defaultAction/],
    [{ defaultAction: 'ALLOW' }, /defaultAction is ALLOW/],
    [{ defaultAction: 'SCMP_ACT_NOTIFY' }, /listener/],
    [{ defaultAction: 'SCMP_ACT_ALLOW', defaultErrnoRet: 1 }, /makes no sense/],
    [{ defaultAction: 'SCMP_ACT_ERRNO', defaultErrnoRet: 4096 }, /4096/],
    [{ defaultAction: 'SCMP_ACT_ALLOW', flags: ['toString'] }, /toString/],
    [{ defaultAction: 'SCMP_ACT_ALLOW', syscalls: {} }, /not a list/],
    [{ defaultAction: 'SCMP_ACT_ALLOW', syscalls: Array(5000).fill(rule) }, /at most 4096/],
    [{ defaultAction: 'SCMP_ACT_ALLOW', syscalls: [{ ...rule, names: [] }] }, /syscalls\[0\].names/],
    [{ defaultAction: 'SCMP_ACT_ALLOW', syscalls: [{ ...rule, names: [3] }] }, /names\[0\]/],
    [{ defaultAction: 'SCMP_ACT_ALLOW', syscalls: [{ ...rule, errnoRet: 1 }] }, /errnoRet/],
    [{ defaultAction: 'SCMP_ACT_ALLOW', syscalls: [{ ...rule, args: [{ index: 6 }] }] }, /index/],
    [{ defaultAction: 'SCMP_ACT_ALLOW', syscalls: [{ ...rule, args: [{ index: 0, op: 'EQ', value: 1 }] }] }, /op/],
    [
      { defaultAction: 'SCMP_ACT_ALLOW', syscalls: [{ ...rule, args: [{ index: 0, op: 'SCMP_CMP_EQ', value: -1 }] }] },
      /value/,
    ],
    [
      {
        defaultAction: 'SCMP_ACT_ALLOW',
        syscalls: [{ ...rule, args: [{ index: 0, op: 'SCMP_CMP_EQ', value: 2 ** 60 }] }],
      },
      /value/,
    ],
    [{ defaultAction: 'SCMP_ACT_ALLOW', syscalls: [{ ...rule, includes: { minKernel: 'new' } }] }, /minKernel/],
  ]
  for (const [json, message] of bad) {
    assert.throws(() => parseSeccompProfile(json), { reason: 'SECCOMP_PROFILE_INVALID', message })
  }
})

test('reads kernel versions as far as they matter', () => {
  assert.deepEqual(parseKernelVersion('6.18.44-fc'), [6, 18])
  assert.deepEqual(parseKernelVersion('4.8'), [4, 8])
  assert.equal(parseKernelVersion('six'), undefined)
})

test('compiles a profile once for the same capabilities, in whatever order', () => {
  const cache = new SeccompFilterCache()
  const options = { architecture: 'SCMP_ARCH_X86_64', kernel: [6, 18] } as const
  const json = { defaultAction: 'SCMP_ACT_ERRNO', syscalls: [rule] }
  const first = cache.compile(parseSeccompProfile(json), { ...options, capabilities: new Set(['CAP_A', 'CAP_B']) })
  const again = cache.compile(parseSeccompProfile(json), { ...options, capabilities: new Set(['CAP_B', 'CAP_A']) })
  const other = cache.compile(parseSeccompProfile(json), { ...options, capabilities: new Set(['CAP_A']) })
  assert.equal(first, again)
  assert.notEqual(first, other)
})
