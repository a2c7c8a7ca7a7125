import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { type SeccompArchitecture, syscallTable } from './architecture.ts'
import { assertLoadable, simulate } from './bpf-simulator.fixture.ts'
import { type CompileOptions, compileSeccomp } from './compile.ts'
import { DEFAULT_SECCOMP_PROFILE } from './default-profile.ts'
import { parseSeccompProfile, type SeccompProfile } from './profile.ts'
import { readProfile } from './profile-reading.fixture.ts'

const X86_64 = 0xc000_003e
const I386 = 0x4000_0003
const ALLOW = 0x7fff_0000
const EPERM = 0x0005_0001
const ENOSYS = 0x0005_0026
const NO_ARGS = [0n, 0n, 0n, 0n, 0n, 0n]
const DEFAULT: CompileOptions = { architecture: 'SCMP_ARCH_X86_64', capabilities: new Set(), kernel: [6, 18] }

const NAMES: Readonly<Record<number, string>> = {
  0: 'SCMP_ACT_KILL',
  2147483648: 'SCMP_ACT_KILL_PROCESS',
  196608: 'SCMP_ACT_TRAP',
  327680: 'SCMP_ACT_ERRNO',
  2146435072: 'SCMP_ACT_TRACE',
  2147221504: 'SCMP_ACT_LOG',
  2147418112: 'SCMP_ACT_ALLOW',
}

/** A SECCOMP_RET_* value in the words of readProfile. */
function inWords(value: number): string {
  const name = NAMES[(value & 0xffff_0000) >>> 0] ?? assert.fail(`returns ${value}`)
  return name === 'SCMP_ACT_ERRNO' || name === 'SCMP_ACT_TRACE' ? `${name} ${value & 0xffff}` : name
}

function assertMeans(profile: SeccompProfile, options: CompileOptions, args: readonly (readonly bigint[])[]): void {
  const { program } = compileSeccomp(profile, options)
  assertLoadable(program)
  const { audit } = syscallTable(options.architecture)
  for (const set of args) {
    for (let number = 0; number <= 600; number++) {
      const got = inWords(simulate(program, { audit, number, args: set }))
      assert.equal(got, readProfile(profile, options, { number, args: set }), `call ${number} with ${set}`)
    }
  }
}

const word = fc.oneof(
  fc.bigInt(0n, 0xffff_ffff_ffff_ffffn),
  fc.constantFrom(0n, 1n, 8n, 37n, 38n, 39n, 40n, 41n, 0x20008n, 0x5412n, 0x541cn, 0xffff_ffffn, 0x1_0000_0026n),
  fc.constantFrom(0x1_0000_5412n, 0x7e02_0000n, 0x1000_0000n, 0x1200_0011n, 0xffff_ffff_ffff_ffffn),
)
const callArgs = fc.tuple(word, word, word, word, word, word)

const CAPABILITIES = ['CAP_SYS_ADMIN', 'CAP_SYS_PTRACE', 'CAP_SYS_CHROOT', 'CAP_SYS_TIME', 'CAP_BPF', 'CAP_SYSLOG']

test('compiles the default profile to what it says, for every number from 0 to 600', () => {
  const options = fc.record({
    architecture: fc.constantFrom<SeccompArchitecture>('SCMP_ARCH_X86_64', 'SCMP_ARCH_AARCH64', 'SCMP_ARCH_X86'),
    capabilities: fc.subarray(CAPABILITIES).map((names) => new Set(names)),
    kernel: fc.constantFrom<[number, number]>([4, 4], [4, 8], [5, 0], [6, 18]),
  })
  fc.assert(
    fc.property(options, fc.array(callArgs, { minLength: 1, maxLength: 4 }), (chosen, args) => {
      // On its own the 32-bit interface has one rule more, which readProfile does not know.
      const isNarrow = chosen.architecture === 'SCMP_ARCH_X86'
      const rules = DEFAULT_SECCOMP_PROFILE.rules.map((rule) => ({
        ...rule,
        names: rule.names.filter((name) => !(isNarrow && name === 'socketcall')),
      }))
      assertMeans({ ...DEFAULT_SECCOMP_PROFILE, rules }, chosen, args)
    }),
    { numRuns: 60 },
  )
})

const action = fc.constantFrom(
  'SCMP_ACT_ALLOW',
  'SCMP_ACT_ERRNO',
  'SCMP_ACT_KILL_PROCESS',
  'SCMP_ACT_LOG',
  'SCMP_ACT_TRAP',
)
const operator = fc.constantFrom('EQ', 'NE', 'LT', 'LE', 'GT', 'GE', 'MASKED_EQ').map((name) => `SCMP_CMP_${name}`)
const condition = fc.record({ index: fc.nat(5), op: operator, value: word, valueTwo: word })
const names = fc.uniqueArray(fc.constantFrom(...syscallTable('SCMP_ARCH_X86_64').numbers.keys(), 'no_such_call'), {
  minLength: 1,
  maxLength: 30,
})
const rule = fc.record({ names, action, args: fc.array(condition, { maxLength: 3 }) })
const anyProfile = fc.record({ defaultAction: action, syscalls: fc.array(rule, { maxLength: 12 }) })

test('compiles any profile to what it says', () => {
  fc.assert(
    fc.property(anyProfile, callArgs, callArgs, (json, first, second) => {
      assertMeans(parseSeccompProfile(json), DEFAULT, [first, second])
    }),
    { numRuns: 150 },
  )
})

test('keeps long programs within the reach of their jumps', () => {
  const syscalls = [...syscallTable('SCMP_ARCH_X86_64').numbers.keys()].slice(0, 330).map((name, n) => ({
    names: [name],
    action: 'SCMP_ACT_ALLOW',
    args: [{ index: n % 6, op: 'SCMP_CMP_GT', value: n * 7919 }],
  }))
  const profile = parseSeccompProfile({ defaultAction: 'SCMP_ACT_ERRNO', syscalls })
  assertMeans(profile, DEFAULT, [NO_ARGS, [900n, 5000n, 2_000_000n, 1n << 40n, 800_000n, 12n]])
})

test('refuses a profile that compiles to more than the kernel takes', () => {
  const syscalls = [...syscallTable('SCMP_ARCH_X86_64').numbers.keys()].slice(0, 330).map((name, n) => ({
    names: [name],
    action: 'SCMP_ACT_ALLOW',
    args: [0, 1, 2, 3].map((index) => ({ index, op: 'SCMP_CMP_GT', value: n * 7919 })),
  }))
  const profile = parseSeccompProfile({ defaultAction: 'SCMP_ACT_ERRNO', syscalls })
  assert.throws(() => compileSeccomp(profile, DEFAULT), { reason: 'SECCOMP_PROFILE_INVALID', message: /4096/ })
})

const answer = (options: CompileOptions, audit: number, number: number, ...args: bigint[]): number =>
  simulate(compileSeccomp(DEFAULT_SECCOMP_PROFILE, options).program, { audit, number, args: [...args, ...NO_ARGS] })

const native = (name: string, ...args: bigint[]): number =>
  answer(DEFAULT, X86_64, syscallTable('SCMP_ARCH_X86_64').numbers.get(name) ?? assert.fail(name), ...args)

test('refuses with EPERM what escapes are made of', () => {
  const refused =
    'io_uring_setup userfaultfd bpf perf_event_open keyctl add_key request_key open_by_handle_at kexec_load ' +
    'kexec_file_load init_module finit_module delete_module mount umount2 fsopen open_tree open_tree_attr move_mount ' +
    'mount_setattr unshare setns process_madvise pidfd_getfd kcmp quotactl acct swapon syslog iopl chroot'
  for (const name of refused.split(' ')) assert.equal(native(name), EPERM, name)
  assert.equal(native('clone', 0x1000_0000n), EPERM)
  assert.equal(native('clone', 0x0120_0011n), ALLOW)
  assert.equal(native('clone3'), ENOSYS)
})

test('looks at the half of an argument that the kernel looks at', () => {
  for (const high of [0n, 1n << 32n, 0xffff_ffffn << 32n]) {
    assert.equal(native('socket', high | 38n), EPERM)
    assert.equal(native('socket', high | 40n), EPERM)
    assert.equal(native('socket', high | 2n), ALLOW)
    assert.equal(native('ioctl', 0n, high | 0x5412n), EPERM)
    assert.equal(native('ioctl', 0n, high | 0x541cn), EPERM)
    assert.equal(native('ioctl', 0n, high | 0x5413n), ALLOW)
  }
})

test('answers ENOSYS to newer calls, x32 and other interfaces', () => {
  for (let number = 470; number <= 600; number++) assert.equal(answer(DEFAULT, X86_64, number), ENOSYS)
  for (const number of [0x4000_0000, 0x4000_0029, 0x7fff_ffff, 0xffff_ffff]) {
    assert.equal(answer(DEFAULT, X86_64, number), ENOSYS)
  }
  for (const number of [1, 102, 359]) assert.equal(answer(DEFAULT, I386, number), ENOSYS)
})

test('denies x32 under a profile that allows by default', () => {
  const profile = parseSeccompProfile({ defaultAction: 'SCMP_ACT_ALLOW' })
  const { program } = compileSeccomp(profile, DEFAULT)
  assert.equal(simulate(program, { audit: X86_64, number: 0x4000_0029, args: NO_ARGS }), ENOSYS)
  assert.equal(simulate(program, { audit: X86_64, number: 599, args: NO_ARGS }), ALLOW)
})

test('lets 32-bit calls in where asked, but not the socket multiplexer', () => {
  const options = { ...DEFAULT, extraArchitectures: ['SCMP_ARCH_X86' as const] }
  assert.equal(answer(options, I386, 4), ALLOW)
  assert.equal(answer(options, I386, 102), EPERM)
  assert.equal(answer(options, I386, 359, 40n), EPERM)
  assert.equal(answer(options, I386, 359, 2n), ALLOW)
  assert.equal(answer(options, X86_64, 0), ALLOW)
})

test('is short: the default profile takes fewer than 110 instructions', () => {
  assert.ok(compileSeccomp(DEFAULT_SECCOMP_PROFILE, DEFAULT).program.length / 8 < 110)
})
