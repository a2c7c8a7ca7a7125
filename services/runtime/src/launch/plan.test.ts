import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import fc from 'fast-check'
import type { PlanRecord } from './plan.ts'
import { decodePlan } from './plan-decode.ts'
import { encodePlan } from './plan-encode.ts'
import * as format from './plan-format.ts'

const header = readFileSync(new URL('../../native/src/plan.h', import.meta.url), 'utf8')

/** Names and values of an enum of plan.h, with C's rule that a member without a value follows the one before. */
function enumOf(name: string): Map<string, number> {
  const body = new RegExp(`enum ${name} \\{([^}]*)\\}`).exec(header)?.[1] ?? assert.fail(`plan.h has no enum ${name}`)
  const members = new Map<string, number>()
  let next = 0
  for (const member of body.replaceAll(/\/\*[\s\S]*?\*\//g, '').split(',')) {
    const [key, value] = member.split('=').map((part) => part.trim())
    if (!key) continue
    if (value !== undefined) next = Number(value)
    members.set(key, next++)
  }
  return members
}

function defineOf(name: string): number {
  const value = new RegExp(`#define ${name}\\s+(\\S+)`).exec(header)?.[1] ?? assert.fail(`plan.h has no ${name}`)
  return Number(value.replace(/u$/, ''))
}

const snake = (name: string): string => name.replaceAll(/[A-Z]/g, (letter) => `_${letter}`).toUpperCase()

test('has the record numbers of plan.h, no more and no fewer', () => {
  const ours = Object.entries(format.RECORD_NUMBER).map(([name, number]) => [`PLAN_${snake(name)}`, number])
  assert.deepEqual(Object.fromEntries(ours), Object.fromEntries(enumOf('plan_record')))
})

test('knows which records plan.h allows once', () => {
  const once = [...header.matchAll(/^\tPLAN_(\w+)(?: = \d+)?,\s*\/\* \[1\]/gm)].map((match) => match[1])
  assert.deepEqual(Object.keys(format.ONCE).map(snake).sort(), once.sort())
})

test('has the flags and kinds of plan.h', () => {
  assert.equal(format.PLAN_MAGIC, defineOf('PLAN_MAGIC'))
  assert.equal(format.PLAN_VERSION, defineOf('PLAN_VERSION'))
  assert.equal(format.PLAN_MAX_RECORDS, defineOf('PLAN_MAX_RECORDS'))
  assert.deepEqual(Object.values(format.PLAN_KIND), [...enumOf('plan_kind').values()])
  assert.deepEqual(Object.values(format.USAGE_KIND), [...enumOf('plan_usage').values()])
  assert.deepEqual(Object.values(format.MOUNT_KIND), [...enumOf('plan_mount_kind').values()])
  const flags = (prefix: string, of: Record<string, number>, rename: Record<string, string> = {}) => {
    for (const [name, value] of Object.entries(of)) {
      assert.equal(value, defineOf(`${prefix}_${rename[name] ?? snake(name)}`), `${prefix} ${name}`)
    }
  }
  flags('PLAN_LAUNCH', format.LAUNCH_FLAG)
  flags('PLAN_CGROUP', format.CGROUP_FLAG)
  flags('PLAN_STDIO', format.STDIO_FLAG)
  flags('PLAN_LOG', format.LOG_FLAG)
  const plain = { readOnly: 'RDONLY', noSuid: 'NOSUID', noDev: 'NODEV', noExec: 'NOEXEC', noAtime: 'NOATIME' }
  flags('PLAN_MOUNT', format.MOUNT_FLAG, { ...plain, noSymFollow: 'NOSYMFOLLOW' })
})

test('writes a header and padded records byte for byte', () => {
  const bytes = encodePlan([
    { type: 'launch', kind: format.PLAN_KIND.create, flags: 5 },
    { type: 'argv', value: 'é' },
    { type: 'rlimit', resource: 7, soft: 1024n, hard: 0xffff_ffff_ffff_ffffn },
    { type: 'init' },
    { type: 'execTarget', pid: -2, startTime: 3n, namespaces: 0x4000_0000 },
  ])
  const expected =
    '43504c4e 01000000 78000000 05000000' +
    '0100 0000 08000000 01000000 05000000' +
    '4300 0000 03000000 c3a900 0000000000' +
    '4900 0000 18000000 07000000 00000000 0004000000000000 ffffffffffffffff' +
    '4d00 0000 00000000' +
    '0600 0000 14000000 feffffff 0300000000000000 0000004000000000 00000000'
  assert.equal(Buffer.from(bytes).toString('hex'), expected.replaceAll(' ', ''))
})

test('writes the strings of an overlay behind their count, the topmost lower first', () => {
  const bytes = encodePlan([
    { type: 'rootOverlay', flags: 1, upperDir: '/u', workDir: '/w', options: '', lowers: ['/b', '/a'] },
  ])
  assert.equal(
    Buffer.from(bytes.subarray(24)).toString('latin1'),
    `\x01\0\0\0\x02\0\0\0/u\0/w\0\0/b\0/a\0${'\0'.repeat(3)}`,
  )
})

test('refuses what the format cannot hold, and names the record', () => {
  const refused = (record: PlanRecord, word: RegExp) => {
    assert.throws(
      () => encodePlan([record]),
      (error: Error) => word.test(error.message) && error.message.includes(record.type),
    )
  }
  refused({ type: 'argv', value: 'a\0b' }, /NUL/)
  refused({ type: 'env', value: 'A=\ud800' }, /not Unicode/)
  refused({ type: 'umask', mask: -1 }, /-1/)
  refused({ type: 'umask', mask: 2 ** 32 }, /4294967296/)
  refused({ type: 'umask', mask: 0.5 }, /0.5/)
  refused({ type: 'oomScoreAdj', value: 2 ** 31 }, /2147483648/)
  refused({ type: 'rlimit', resource: 1, soft: -1n, hard: 0n }, /-1/)
  refused({ type: 'log', segmentBytes: 2 ** 60, segments: 1, flags: 0 }, /whole number/)
  refused({ type: 'seccomp', flags: 0, program: new Uint8Array(9) }, /9 bytes/)
  refused({ type: 'env', value: `A=${'x'.repeat(5 << 20)}` }, /larger/)
})

test('refuses a second record of a kind that stands once', () => {
  const twice: PlanRecord[] = [
    { type: 'hostname', name: 'a' },
    { type: 'hostname', name: 'b' },
  ]
  assert.throws(() => encodePlan(twice), /hostname stands twice/)
})

const text = fc.string({ unit: 'binary', maxLength: 40 }).map((value) => value.replaceAll('\0', ''))
const u32 = fc.nat(0xffff_ffff)
const u64 = fc.bigInt(0n, 0xffff_ffff_ffff_ffffn)
const repeatable: fc.Arbitrary<PlanRecord> = fc.oneof(
  fc.record({ type: fc.constant('argv' as const), value: text }),
  fc.record({ type: fc.constantFrom('uidMap' as const, 'gidMap' as const), inside: u32, outside: u32, count: u32 }),
  fc.record({ type: fc.constant('rlimit' as const), resource: u32, soft: u64, hard: u64 }),
  fc.record({ type: fc.constant('cgroupWrite' as const), flags: u32, path: text, value: text }),
  fc.record({ type: fc.constant('mount' as const), kind: u32, flags: u32, target: text, source: text, options: text }),
  fc.record({
    type: fc.constant('devNode' as const),
    mode: u32,
    major: u32,
    minor: u32,
    uid: u32,
    gid: u32,
    name: text,
  }),
)
const single: fc.Arbitrary<PlanRecord> = fc.oneof(
  fc.record({ type: fc.constant('oomScoreAdj' as const), value: fc.integer() }),
  fc.record({ type: fc.constant('stdio' as const), flags: u32, rows: fc.nat(65535), columns: fc.nat(65535) }),
  fc.record({ type: fc.constant('log' as const), segmentBytes: fc.maxSafeNat(), segments: u32, flags: u32 }),
  fc.record({
    type: fc.constant('rootOverlay' as const),
    flags: u32,
    upperDir: text,
    workDir: text,
    options: text,
    lowers: fc.array(text),
  }),
)

test('reads back what it wrote, whatever the values', () => {
  fc.assert(
    fc.property(fc.array(repeatable), single, (many, one) => {
      const records = [...many, one].map((record) => ({ ...record }))
      assert.deepEqual(decodePlan(encodePlan(records)), records)
    }),
  )
})

test('reads no plan that is cut, longer than it says, or of an unknown record', () => {
  const whole = encodePlan([{ type: 'hostname', name: 'box' }])
  for (let end = 0; end < whole.length; end++) assert.throws(() => decodePlan(whole.subarray(0, end)))
  assert.throws(() => decodePlan(Buffer.concat([whole, Buffer.alloc(8)])))
  const unknown = Uint8Array.from(whole)
  unknown[16] = 15
  assert.throws(() => decodePlan(unknown), /no known type/)
})
