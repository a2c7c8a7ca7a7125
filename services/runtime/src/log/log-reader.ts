import type { LogEntry, LogGap } from './entry.ts'
import { toLogEntry } from './log-record.ts'
import { comparePositions, type LogPosition } from './position.ts'
import { SegmentFile, type SegmentPage } from './segment-file.ts'
import { listSegments } from './segments.ts'

/** How far a log may be read. */
export interface LogBound {
  /** Nothing behind this place is looked at. Absent: whatever is there. */
  readonly until?: LogPosition
  /** Nothing comes after it any more: what is there and cannot be read is damage, not a record that is being written. */
  readonly final: boolean
}

/** Reads a log forwards, over all of its segments, a page at a time. Not for two callers at once. */
export class LogReader implements AsyncDisposable {
  readonly #directory: string
  #position: LogPosition
  #file: SegmentFile | undefined
  #damageTold: LogPosition | undefined

  constructor(directory: string, from: LogPosition) {
    this.#directory = directory
    this.#position = from
  }

  /** What was read ends here. */
  get position(): LogPosition {
    return this.#position
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#file?.[Symbol.asyncDispose]()
    this.#file = undefined
  }

  /** The next entries, at most a page of them; none when there are no more for now. */
  async next(bound: LogBound): Promise<readonly LogEntry[]> {
    for (;;) {
      if (bound.until && comparePositions(this.#position, bound.until) >= 0) return []
      const entries = (await this.#open()) ?? (await this.#read(bound))
      if (entries === 'end') return this.#damage(bound)
      if (entries.length > 0) return entries
    }
  }

  /** Sees to an open file. Returns entries when segments are missing, and 'end' when there is no segment yet. */
  async #open(): Promise<readonly LogEntry[] | 'end' | undefined> {
    if (this.#file) return undefined
    const { segment } = this.#position
    this.#file = await SegmentFile.open(this.#directory, segment)
    if (this.#file) return undefined
    const found = (await listSegments(this.#directory)).find((number) => number >= segment)
    if (found === undefined) return 'end'
    if (found === segment) return []
    return this.#moveTo(found)
  }

  async #read(bound: LogBound): Promise<readonly LogEntry[] | 'end'> {
    const { file, limit } = { file: this.#file, limit: bound.until }
    const here = this.#position
    if (!file) return []
    const mayGrow = limit === undefined || limit.segment === here.segment
    const page = await file.page(here.offset, mayGrow ? limit?.offset : undefined)
    if (page.stop === 'none') return this.#take(page)
    if (limit?.segment === here.segment) return 'end'
    const later = (await listSegments(this.#directory)).find((number) => number > here.segment)
    if (later === undefined) return 'end'
    // A later segment exists, so this one does not change any more: what came since it was looked at is the rest.
    const rest = await file.page(here.offset)
    if (rest.stop === 'none') return this.#take(rest)
    const damage = rest.stop === 'end' ? [] : [gap(here, 'damaged')]
    return [...damage, ...(await this.#moveTo(later))]
  }

  #take(page: SegmentPage): readonly LogEntry[] {
    const { segment } = this.#position
    this.#position = { segment, offset: page.next }
    const entries: LogEntry[] = []
    for (const record of page.records) {
      const entry = toLogEntry(record, { segment, offset: record.offset })
      if (entry) entries.push(entry)
    }
    return entries
  }

  async #moveTo(segment: number): Promise<readonly LogEntry[]> {
    const before = this.#position
    const missing = segment > before.segment + (this.#file ? 1 : 0)
    await this[Symbol.asyncDispose]()
    this.#position = { segment, offset: 0 }
    return missing ? [gap(before, 'rotated')] : []
  }

  /** Tells once of what is there at the end of a log that is over and cannot be read. */
  async #damage(bound: LogBound): Promise<readonly LogEntry[]> {
    if (!bound.final || this.#damageTold) return []
    const here = this.#position
    const expected = bound.until && comparePositions(here, bound.until) < 0
    const unread = expected || (this.#file !== undefined && (await this.#file.size()) > here.offset)
    if (!unread) return []
    this.#damageTold = here
    return [gap(here, 'damaged')]
  }
}

function gap(at: LogPosition, reason: LogGap['reason']): LogGap {
  return { kind: 'gap', at, timeNs: 0n, bytes: 0, reason }
}
