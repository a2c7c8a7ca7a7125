import { LineCounter, type TailStart } from './line-counter.ts'
import { isCounted, type LogQuery } from './log-query.ts'
import { toLogEntry } from './log-record.ts'
import { LOG_START, type LogPosition } from './position.ts'
import { SegmentFile } from './segment-file.ts'
import { listSegments } from './segments.ts'

/** Finds where the last `lines` lines of what a query counts begin, in a log that ends at `end`. */
export async function findTail(
  directory: string,
  query: LogQuery,
  lines: number,
  end: LogPosition,
): Promise<TailStart> {
  let counter = new LineCounter(lines)
  let beginning = end
  for (const number of (await listSegments(directory)).toReversed()) {
    if (number > end.segment) continue
    if (counter.done) break
    await using file = await SegmentFile.open(directory, number)
    // Dropped meanwhile, with all before it.
    if (!file) break
    counter = await countSegment(file, counter, query, number === end.segment ? end.offset : await file.size())
    beginning = { segment: number, offset: 0 }
  }
  return counter.result(beginning.segment === 1 ? LOG_START : beginning, end)
}

async function countSegment(
  file: SegmentFile,
  before: LineCounter,
  query: LogQuery,
  end: number,
): Promise<LineCounter> {
  const counted = await countBackward(file, before.copy(), query, end)
  if (counted) return counted
  // The segment is cut off or damaged: only what is readable from its beginning is in the log.
  const readable = await file.validEnd(end)
  return (await countBackward(file, before, query, readable)) ?? before
}

/** Undefined when something that is no record was met. */
async function countBackward(
  file: SegmentFile,
  counter: LineCounter,
  query: LogQuery,
  end: number,
): Promise<LineCounter | undefined> {
  for await (const records of file.backward(end)) {
    if (records === 'torn') return undefined
    for (const record of records) {
      const entry = toLogEntry(record, { segment: file.number, offset: record.offset })
      if (entry?.kind !== 'chunk' || !isCounted(entry, query)) continue
      counter.add(entry)
      if (counter.done) return counter
    }
  }
  return counter
}
