import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, truncateSync, utimesSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, test } from 'node:test'
import fc from 'fast-check'
import type { LogEntry, LogStreamName } from './entry.ts'
import { LOG_STREAM } from './log-format.ts'
import { type LogQuery, WHOLE_LOG } from './log-query.ts'
import { LogReader } from './log-reader.ts'
import { LOG_START } from './position.ts'
import { readLog } from './read-log.ts'
import { encodeGap, encodeLogRecord, SegmentWriter } from './segment-writer.fixture.ts'
import { segmentPath } from './segments.ts'

const live = new AbortController().signal

async function read(directory: string, query: Partial<LogQuery> = {}, over = true): Promise<LogEntry[]> {
  const entries: LogEntry[] = []
  for await (const page of readLog(directory, { ...WHOLE_LOG, ...query }, { end: undefined, over }, live))
    entries.push(...page)
  return entries
}

function bytesOf(entries: readonly LogEntry[], stream?: LogStreamName): Buffer {
  return Buffer.concat(
    entries.flatMap((entry) => (entry.kind === 'chunk' && (!stream || entry.stream === stream) ? [entry.data] : [])),
  )
}

const textOf = (entries: readonly LogEntry[], stream?: LogStreamName): string => bytesOf(entries, stream).toString()
const gapsOf = (entries: readonly LogEntry[]): string[] =>
  entries.flatMap((entry) => (entry.kind === 'gap' ? [entry.reason] : []))

describe('reading a log', () => {
  let root: string
  let log: SegmentWriter
  beforeEach(() => {
    root = mkdtempSync(join(tmpdir(), 'caisson-log-'))
    log = new SegmentWriter(join(root, 'log'))
  })
  afterEach(() => rmSync(root, { recursive: true }))

  test('finds nothing in a log that is not there', async () => {
    assert.deepEqual(await read(join(root, 'none')), [])
    assert.deepEqual(await read(join(root, 'none'), { tail: 3 }), [])
  })

  test('gives every byte back over all segments, binary ones too', async () => {
    const all = Buffer.from(Array.from({ length: 70_000 }, (_, index) => (index * 7) & 0xff))
    for (let at = 0; at < all.length; at += 997) {
      log.out(all.subarray(at, at + 997))
      if (at % 9_970 === 0) log.rotate()
    }
    assert.deepEqual(bytesOf(await read(log.directory)), all)
  })

  test('reads records longer than a page', async () => {
    const long = Buffer.alloc(900_000, 'x')
    log.out('a\n').out(long).out('\nz\n')
    assert.equal(bytesOf(await read(log.directory)).length, 2 + long.length + 3)
    assert.equal(textOf(await read(log.directory, { tail: 2 })).length, long.length + 3)
  })

  test('reads a line of ten megabytes that is spread over segments', async () => {
    log.out('before\n')
    for (let piece = 0; piece < 160; piece += 1) {
      log.out(Buffer.alloc(65_536, 'l'))
      if (piece % 50 === 49) log.rotate()
    }
    log.out('\nafter\n')
    const tail = await read(log.directory, { tail: 2 })
    assert.equal(bytesOf(tail).length, 160 * 65_536 + 1 + 6)
    assert.equal(textOf(await read(log.directory, { tail: 1 })), 'after\n')
  })

  test('chooses streams', async () => {
    log.out('one\n').err('two\n').out('three\n')
    assert.equal(textOf(await read(log.directory, { streams: new Set(['stderr']) })), 'two\n')
  })

  test('chooses by time, from since on and before until', async () => {
    for (let time = 10n; time < 20n; time += 1n) log.out(`${time} `, time)
    assert.equal(textOf(await read(log.directory, { sinceNs: 13n, untilNs: 16n })), '13 14 15 ')
  })

  test('passes over segments that are older than since without reading them', async () => {
    const old = BigInt(Date.now() - 3_600_000) * 1_000_000n
    const recent = BigInt(Date.now()) * 1_000_000n
    log.out('old\n', old).rotate().out('new\n', recent)
    // Damage in the old segment would be told of if it were read.
    log.raw(new Uint8Array(0))
    truncateSync(segmentPath(log.directory, 1), 20)
    utimesSync(segmentPath(log.directory, 1), Number(old / 1_000_000_000n), Number(old / 1_000_000_000n))
    const entries = await read(log.directory, { sinceNs: recent - 60_000_000_000n })
    assert.equal(textOf(entries), 'new\n')
    assert.deepEqual(gapsOf(entries), [])
  })

  test('ends a segment at a torn tail, tells of it and goes on with the next', async () => {
    const torn = encodeLogRecord(LOG_STREAM.stdout, 1n, Buffer.from('lost'))
    log.out('kept\n').raw(torn.subarray(0, 20)).rotate().out('next\n')
    const entries = await read(log.directory)
    assert.equal(textOf(entries), 'kept\nnext\n')
    assert.deepEqual(gapsOf(entries), ['damaged'])
  })

  test('tells of a torn tail at the end only when nobody writes any more', async () => {
    log.out('kept\n').raw(Buffer.alloc(40))
    assert.deepEqual(gapsOf(await read(log.directory, {}, false)), [])
    assert.deepEqual(gapsOf(await read(log.directory, {}, true)), ['damaged'])
  })

  test('looks at nothing behind the end that was recorded', async () => {
    log.out('kept\n')
    const { end } = log
    log.raw(Buffer.alloc(40, 1))
    const entries: LogEntry[] = []
    for await (const page of readLog(log.directory, WHOLE_LOG, { end, over: true }, live)) entries.push(...page)
    assert.equal(textOf(entries), 'kept\n')
    assert.deepEqual(gapsOf(entries), [])
  })

  test('tells of damage before the end that was recorded', async () => {
    log.out('kept\n').out('lost\n')
    const { end } = log
    truncateSync(segmentPath(log.directory, 1), end.offset - 3)
    const entries: LogEntry[] = []
    for await (const page of readLog(log.directory, WHOLE_LOG, { end, over: true }, live)) entries.push(...page)
    assert.equal(textOf(entries), 'kept\n')
    assert.deepEqual(gapsOf(entries), ['damaged'])
  })

  test('believes nothing behind a record whose checksum is wrong', async () => {
    const wrong = encodeLogRecord(LOG_STREAM.stdout, 1n, Buffer.from('flipped\n'))
    wrong.writeUInt8(0x21, 25)
    log.out('one\ntwo\n').raw(wrong).out('behind\n').rotate().out('three\n')
    assert.equal(textOf(await read(log.directory)), 'one\ntwo\nthree\n')
    assert.equal(textOf(await read(log.directory, { tail: 2 })), 'two\nthree\n')
  })

  test('tells of segments that were dropped', async () => {
    log.out('1\n').rotate(2).out('2\n').rotate(2).out('3\n').rotate(2).out('4\n')
    const entries = await read(log.directory)
    assert.equal(textOf(entries), '3\n4\n')
    assert.deepEqual(gapsOf(entries), ['rotated'])
    assert.equal(entries[0]?.kind, 'gap')
    assert.deepEqual(gapsOf(await read(log.directory, { tail: 2 })), [])
  })

  test('passes gap records on', async () => {
    log
      .out('a')
      .record(LOG_STREAM.gap, encodeGap(10n, LOG_STREAM.stdout, 28))
      .out('b')
    const [, gap] = await read(log.directory)
    assert.ok(gap?.kind === 'gap')
    assert.deepEqual([gap.bytes, gap.reason, gap.stream], [10, 'disk_full', 'stdout'])
  })

  test('goes on behind a place', async () => {
    log.out('one\n').out('two\n').rotate().out('three\n')
    const [first] = await read(log.directory)
    assert.ok(first?.kind === 'chunk')
    assert.equal(textOf(await read(log.directory, { after: first.next })), 'two\nthree\n')
  })

  test('does not wait for what is written while it reads', async () => {
    log.out('one\n')
    const entries: LogEntry[] = []
    for await (const page of readLog(log.directory, WHOLE_LOG, { end: undefined, over: false }, live)) {
      entries.push(...page)
      log.out('more\n')
    }
    assert.equal(textOf(entries), 'one\n')
  })

  test('reads an open segment to its end after it was dropped', async () => {
    const big = Buffer.alloc(100_000, 'b')
    log.out('a').out(big).out(big).out('c')
    await using reader = new LogReader(log.directory, LOG_START)
    const entries = [...(await reader.next({ final: false }))]
    log.rotate(1).rotate(1).out('d')
    for (let page = await reader.next({ final: false }); page.length > 0; page = await reader.next({ final: false }))
      entries.push(...page)
    assert.equal(bytesOf(entries).length, 1 + 200_000 + 1 + 1)
    assert.deepEqual(gapsOf(entries), ['rotated'])
  })
})

describe('the last lines of a log', () => {
  let root: string
  beforeEach(() => {
    root = mkdtempSync(join(tmpdir(), 'caisson-log-'))
  })
  afterEach(() => rmSync(root, { recursive: true }))

  test('count a line without an end', async () => {
    const log = new SegmentWriter(join(root, 'log'))
    log.out('one\ntwo\nthr').out('ee')
    assert.equal(textOf(await read(log.directory, { tail: 1 })), 'three')
    assert.equal(textOf(await read(log.directory, { tail: 2 })), 'two\nthree')
    assert.equal(textOf(await read(log.directory, { tail: 0 })), '')
    assert.equal(textOf(await read(log.directory, { tail: 9 })), 'one\ntwo\nthree')
  })

  test('are those of both streams in the order of their ends', async () => {
    const log = new SegmentWriter(join(root, 'log'))
    log.out('a1\na2 begins').err('e1\n').out(' and ends\n').err('e2\n')
    const two = await read(log.directory, { tail: 2 })
    assert.equal(textOf(two, 'stdout'), 'a2 begins and ends\n')
    assert.equal(textOf(two, 'stderr'), 'e2\n')
    const three = await read(log.directory, { tail: 3 })
    assert.equal(textOf(three, 'stderr'), 'e1\ne2\n')
    const only = await read(log.directory, { tail: 1, streams: new Set(['stdout']) })
    assert.equal(textOf(only), 'a2 begins and ends\n')
  })

  test('are cut by time after they were counted, and counted before until', async () => {
    const log = new SegmentWriter(join(root, 'log'))
    for (let time = 10n; time < 20n; time += 1n) log.out(`${time}\n`, time)
    assert.equal(textOf(await read(log.directory, { tail: 3, sinceNs: 18n })), '18\n19\n')
    assert.equal(textOf(await read(log.directory, { tail: 2, untilNs: 15n })), '13\n14\n')
  })

  test('are the same as those found by splitting everything', async () => {
    const chunk = fc.record({
      stream: fc.constantFrom<LogStreamName>('stdout', 'stderr'),
      text: fc.string({ unit: fc.constantFrom('a', 'b', '\n'), maxLength: 6 }),
      rotate: fc.integer({ min: 0, max: 5 }),
    })
    let count = 0
    await fc.assert(
      fc.asyncProperty(fc.array(chunk, { maxLength: 30 }), fc.nat(12), async (chunks, lines) => {
        const log = new SegmentWriter(join(root, `log-${count++}`))
        for (const { stream, text, rotate } of chunks) {
          if (stream === 'stdout') log.out(text)
          else log.err(text)
          if (rotate === 0) log.rotate()
        }
        const entries = await read(log.directory, { tail: lines })
        const expected = lastLines(chunks, lines)
        assert.equal(textOf(entries, 'stdout'), expected.stdout)
        assert.equal(textOf(entries, 'stderr'), expected.stderr)
      }),
      { numRuns: 300 },
    )
  })
})

/** The plain way: all lines with the place of their end, sorted by it. */
function lastLines(chunks: readonly { stream: LogStreamName; text: string }[], count: number) {
  const lines: { stream: LogStreamName; text: string; end: number }[] = []
  const open = { stdout: '', stderr: '' }
  const last = { stdout: 0, stderr: 0 }
  let place = 0
  for (const { stream, text } of chunks)
    for (const character of text) {
      open[stream] += character
      last[stream] = ++place
      if (character !== '\n') continue
      lines.push({ stream, text: open[stream], end: place })
      open[stream] = ''
    }
  for (const stream of ['stdout', 'stderr'] as const)
    if (open[stream] !== '') lines.push({ stream, text: open[stream], end: last[stream] })
  const wanted = lines.sort((a, b) => a.end - b.end).slice(Math.max(0, lines.length - count))
  const of = (stream: LogStreamName): string =>
    wanted.flatMap((line) => (line.stream === stream ? [line.text] : [])).join('')
  return { stdout: of('stdout'), stderr: of('stderr') }
}
