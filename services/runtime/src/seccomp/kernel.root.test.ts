import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { release, tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { takes32BitCalls } from '@caisson/testkit'
import { nativeArchitecture, syscallTable } from './architecture.ts'
import { simulate } from './bpf-simulator.fixture.ts'
import { type CompileOptions, compileSeccomp } from './compile.ts'
import { DEFAULT_SECCOMP_PROFILE } from './default-profile.ts'
import { parseKernelVersion } from './profile.ts'

const compiler = spawnSync('cc', ['--version']).status === 0
const skip = compiler && process.platform === 'linux' ? false : 'needs Linux and a C compiler'
const source = new URL('../../native/test/probe/seccomp_probe.c', import.meta.url).pathname

const ALLOW = 0x7fff_0000
/** What stands for "allowed" where a call may have no effect. */
const MARK_ERRNO = 3001
const CALL_BYTES = 56

const options: CompileOptions = {
  architecture: nativeArchitecture(),
  capabilities: new Set(),
  kernel: parseKernelVersion(release()) ?? [5, 10],
}
const native = syscallTable(options.architecture)

let folder = ''
let probe = ''
before(() => {
  if (skip !== false) return
  folder = mkdtempSync(join(tmpdir(), 'caisson-seccomp-'))
  probe = join(folder, 'probe')
  const built = spawnSync('cc', ['-std=gnu11', '-O1', '-Wall', '-Wextra', '-Werror', '-o', probe, source], {
    encoding: 'utf8',
  })
  assert.equal(built.status, 0, built.stderr)
})
after(() => {
  if (folder !== '') rmSync(folder, { recursive: true })
})

interface Call {
  readonly isI386?: boolean
  readonly number: number
  readonly args: readonly bigint[]
}

function writeFilter(name: string, program: Uint8Array): string {
  const path = join(folder, name)
  writeFileSync(path, program)
  return path
}

/** The program with every ALLOW turned into an error number of its own. */
function harmless(program: Uint8Array): Uint8Array {
  const copy = Buffer.from(program)
  for (let at = 0; at < copy.length; at += 8) {
    const isAllow = copy.readUInt16LE(at) === 0x06 && copy.readUInt32LE(at + 4) === ALLOW
    if (isAllow) copy.writeUInt32LE(0x0005_0000 + MARK_ERRNO, at + 4)
  }
  return copy
}

function ask(program: Uint8Array, calls: readonly Call[]): number[] {
  const input = Buffer.alloc(calls.length * CALL_BYTES)
  calls.forEach((call, n) => {
    input.writeUInt32LE(call.isI386 ? 1 : 0, n * CALL_BYTES)
    input.writeUInt32LE(call.number, n * CALL_BYTES + 4)
    call.args.forEach((arg, i) => void input.writeBigUInt64LE(arg, n * CALL_BYTES + 8 + i * 8))
  })
  const answered = spawnSync(probe, [writeFilter('filter', program)], { input, maxBuffer: 1 << 20 })
  assert.equal(answered.status, 0, String(answered.stderr))
  return calls.map((_call, n) => answered.stdout.readInt32LE(n * 4))
}

const values = [
  0n,
  1n,
  2n,
  8n,
  38n,
  40n,
  0x5412n,
  0x541cn,
  0x1_0000_0028n,
  0x1_0000_5412n,
  0x7e02_0000n,
  0x1000_0011n,
  1n << 63n,
]

test('answers in the kernel as in the simulator, for every number from 0 to 600', { skip }, () => {
  const program = harmless(compileSeccomp(DEFAULT_SECCOMP_PROFILE, options).program)
  // The kernel lets uretprobe and uprobe pass every filter, and kills who calls them without a probe.
  const unfiltered = ['uretprobe', 'uprobe'].map((name) => native.numbers.get(name))
  const numbers = Array.from({ length: 601 }, (_unused, number) => number).filter(
    (number) => !unfiltered.includes(number),
  )
  const calls = values.flatMap((value) => numbers.map((number) => ({ number, args: Array(6).fill(value) as bigint[] })))
  const answers = ask(program, calls)
  const expected = calls.map(({ number, args }) => simulate(program, { audit: native.audit, number, args }) & 0xffff)
  assert.deepEqual(answers, expected)
  assert.ok(answers.includes(MARK_ERRNO) && answers.includes(1) && answers.includes(38))
})

const skip32 = skip || (takes32BitCalls() ? false : 'this kernel takes no 32-bit system calls')

test('keeps 32-bit calls out, and with them the socket multiplexer', { skip: skip32 }, () => {
  const calls = [1, 4, 11, 102, 359].map((number) => ({ isI386: true, number, args: [40n, 1n, 0n, 0n, 0n, 0n] }))
  const closed = harmless(compileSeccomp(DEFAULT_SECCOMP_PROFILE, options).program)
  assert.deepEqual(ask(closed, calls), [38, 38, 38, 38, 38])
  const opened = harmless(
    compileSeccomp(DEFAULT_SECCOMP_PROFILE, { ...options, extraArchitectures: ['SCMP_ARCH_X86'] }).program,
  )
  assert.deepEqual(ask(opened, calls), [MARK_ERRNO, MARK_ERRNO, MARK_ERRNO, 1, 1])
})

test('lets an ordinary program run under the default filter', { skip }, () => {
  const filter = writeFilter('real', compileSeccomp(DEFAULT_SECCOMP_PROFILE, options).program)
  const run = spawnSync(probe, [filter, '/bin/sh', '-c', 'echo "$(cat /etc/hostname | wc -l)"; ls / >/dev/null'], {
    encoding: 'utf8',
  })
  assert.equal(run.status, 0, run.stderr)
  assert.match(run.stdout, /^\d+\n$/)
  const refused = spawnSync(probe, [filter, '/usr/bin/unshare', '-U', 'true'], { encoding: 'utf8' })
  assert.match(refused.stderr, /Operation not permitted/)
})
