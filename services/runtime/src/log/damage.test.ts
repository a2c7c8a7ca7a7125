import assert from 'node:assert/strict'
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import fc from 'fast-check'
import type { LogEntry } from './entry.ts'
import { LOG_FIELD, LOG_HEADER_BYTES, LOG_MIN_RECORD_BYTES } from './log-format.ts'
import { WHOLE_LOG } from './log-query.ts'
import { readLog } from './read-log.ts'
import { SegmentWriter } from './segment-writer.fixture.ts'
import { segmentPath } from './segments.ts'

const live = new AbortController().signal

/** What a log was written with, segment by segment. */
type Segments = readonly (readonly string[])[]

interface Damage {
  readonly segment: number
  readonly at: number
  readonly kind: 'flip' | 'cut' | 'zero' | 'append'
}

const segments = fc.array(
  fc.array(fc.string({ unit: fc.constantFrom('a', 'b', '\n'), minLength: 1, maxLength: 40 }), { maxLength: 6 }),
  { minLength: 1, maxLength: 4 },
)
const damage = fc.array(
  fc.record<Damage>({
    segment: fc.integer({ min: 1, max: 4 }),
    at: fc.nat(400),
    kind: fc.constantFrom('flip', 'cut', 'zero', 'append'),
  }),
  { maxLength: 4 },
)

function write(directory: string, written: Segments): void {
  const log = new SegmentWriter(directory)
  log.raw(new Uint8Array(0))
  for (const [index, chunks] of written.entries()) {
    if (index > 0) log.rotate()
    for (const chunk of chunks) log.out(chunk)
  }
}

/** Stream and time of a record are under no checksum: what they say is believed. */
function isChecked(chunks: readonly string[], place: number): boolean {
  let at = 0
  for (const chunk of chunks) {
    const inside = place - at
    at += LOG_MIN_RECORD_BYTES + chunk.length
    if (place < at)
      return (
        inside < LOG_FIELD.stream ||
        (inside >= LOG_FIELD.crc && inside < LOG_FIELD.crc + 4) ||
        inside >= LOG_HEADER_BYTES
      )
  }
  return true
}

function harm(directory: string, chunks: readonly string[], { segment, at, kind }: Damage): void {
  const path = segmentPath(directory, segment)
  if (!existsSync(path)) return
  const bytes = readFileSync(path)
  const place = bytes.length === 0 ? 0 : at % bytes.length
  if (kind === 'append') writeFileSync(path, Buffer.concat([bytes, Buffer.alloc((at % 60) + 1, at)]))
  else if (kind === 'cut') writeFileSync(path, bytes.subarray(0, place))
  else if (bytes.length > 0) {
    if (kind === 'flip' && !isChecked(chunks, place)) return
    if (kind === 'flip') bytes.writeUInt8(bytes.readUInt8(place) ^ (1 << (at % 8)), place)
    else bytes.fill(0, place)
    writeFileSync(path, bytes)
  }
}

async function read(directory: string, tail?: number): Promise<LogEntry[]> {
  const entries: LogEntry[] = []
  const query = tail === undefined ? WHOLE_LOG : { ...WHOLE_LOG, tail }
  for await (const page of readLog(directory, query, { end: undefined, over: true }, live)) entries.push(...page)
  return entries
}

const textOf = (entries: readonly LogEntry[]): string =>
  entries.map((entry) => (entry.kind === 'chunk' ? entry.data.toString('latin1') : '')).join('')

describe('a damaged log', () => {
  let root: string
  let count = 0
  before(() => {
    root = mkdtempSync(join(tmpdir(), 'caisson-damage-'))
  })
  after(() => rmSync(root, { recursive: true }))

  test('gives nothing that was not written, and says where something is missing', async () => {
    await fc.assert(
      fc.asyncProperty(segments, damage, fc.nat(8), async (written, damages, lines) => {
        const directory = join(root, String(count++))
        write(directory, written)
        for (const one of damages) harm(directory, written[one.segment - 1] ?? [], one)
        const entries = await read(directory)
        for (const [index, chunks] of written.entries()) {
          const of = entries.filter((entry) => entry.at.segment === index + 1)
          const found = of.flatMap((entry) => (entry.kind === 'chunk' ? [entry.data.toString('latin1')] : []))
          assert.deepEqual(found, chunks.slice(0, found.length), `segment ${index + 1}`)
          const isCutBetweenRecords = damages.some(({ kind, segment }) => kind === 'cut' && segment === index + 1)
          if (found.length < chunks.length && !isCutBetweenRecords)
            assert.ok(of.some((entry) => entry.kind === 'gap' && entry.reason === 'damaged'))
        }
        // Behind damage in a segment's middle the last lines may still be found from its end.
        const tail = await read(directory, lines)
        for (const [index, chunks] of written.entries())
          assert.ok(chunks.join('').includes(textOf(tail.filter((entry) => entry.at.segment === index + 1))))
        assert.equal(textOf(await read(directory, 1_000)), textOf(entries))
      }),
      { numRuns: 150 },
    )
  })
})
