import { type FileHandle, open } from 'node:fs/promises'
import { LOG_MAX_RECORD_BYTES, LOG_MIN_RECORD_BYTES, LOG_TRAILER_BYTES } from './log-format.ts'
import { decodeLogRecord, type LogRecord } from './log-record.ts'
import { ignoringMissing, segmentPath } from './segments.ts'

/** Bytes that are read at once. */
export const LOG_PAGE_BYTES = 128 << 10

/** A record and where in its segment it begins. */
export interface PlacedRecord extends LogRecord {
  readonly offset: number
}

/** What one step through a segment gave. */
export interface SegmentPage {
  readonly records: readonly PlacedRecord[]
  /** Where the next step begins. */
  readonly next: number
  /** Without records, why: nothing there, a record that is not whole, or something that is no record. */
  readonly stop: 'none' | 'end' | 'partial' | 'torn'
}

/** An open segment. It can be read to its end even when it is dropped meanwhile. */
export class SegmentFile implements AsyncDisposable {
  readonly number: number
  readonly #handle: FileHandle

  private constructor(number: number, handle: FileHandle) {
    this.number = number
    this.#handle = handle
  }

  /** Opens a segment; undefined when it is not there. */
  static async open(directory: string, number: number): Promise<SegmentFile | undefined> {
    const handle = await ignoringMissing(open(segmentPath(directory, number), 'r'))
    return handle && new SegmentFile(number, handle)
  }

  async size(): Promise<number> {
    return (await this.#handle.stat()).size
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#handle.close()
  }

  /** The records from `offset` on, as many as a page holds and at least one if there is one before `limit`. */
  async page(offset: number, limit = Number.POSITIVE_INFINITY): Promise<SegmentPage> {
    for (let want = LOG_PAGE_BYTES; ; ) {
      const asked = Math.max(0, Math.min(want, limit - offset))
      const bytes = await this.#read(offset, asked)
      const { records, used, need } = decodeAll(bytes, offset)
      if (records.length > 0) return { records, next: offset + used, stop: 'none' }
      if (need === undefined) return { records, next: offset, stop: 'torn' }
      if (bytes.length < need && bytes.length < want)
        return { records, next: offset, stop: bytes.length === 0 ? 'end' : 'partial' }
      want = need
    }
  }

  /** Where the records that can be read from the beginning on end. */
  async validEnd(limit = Number.POSITIVE_INFINITY): Promise<number> {
    for (let offset = 0; ; ) {
      const page = await this.page(offset, limit)
      if (page.stop !== 'none') return offset
      offset = page.next
    }
  }

  /**
   * The records before `end`, the last first, page by page. The last page is 'torn' when there is no record that ends
   * where one should.
   */
  async *backward(end: number): AsyncGenerator<readonly PlacedRecord[] | 'torn'> {
    let want = LOG_PAGE_BYTES
    for (let offset = end; offset > 0; ) {
      const from = Math.max(0, offset - want)
      const bytes = await this.#read(from, offset - from)
      const records = bytes.length === offset - from ? decodeBackward(bytes, from) : 'torn'
      if (typeof records === 'number' && records <= offset) {
        want = records
        continue
      }
      if (typeof records === 'string' || typeof records === 'number') {
        yield 'torn'
        return
      }
      want = LOG_PAGE_BYTES
      offset = records.at(-1)?.offset ?? 0
      yield records
    }
  }

  async #read(offset: number, length: number): Promise<Buffer> {
    const bytes = Buffer.allocUnsafe(length)
    let filled = 0
    while (filled < length) {
      const { bytesRead } = await this.#handle.read(bytes, filled, length - filled, offset + filled)
      if (bytesRead === 0) break
      filled += bytesRead
    }
    return bytes.subarray(0, filled)
  }
}

/** All whole records; without any, `need` says how many bytes the first takes, or nothing when it is none. */
function decodeAll(bytes: Buffer, base: number): { records: PlacedRecord[]; used: number; need?: number } {
  const records: PlacedRecord[] = []
  for (let at = 0; ; ) {
    const decoded = decodeLogRecord(bytes, at)
    if (decoded === 'torn') return { records, used: at }
    if ('need' in decoded) return { records, used: at, need: decoded.need }
    records.push({ ...decoded, offset: base + at })
    at += decoded.length
  }
}

/**
 * The records that end with `bytes`, the last first; a number when the last one is that many bytes long and does not fit.
 * Stops before a record that is not whole or not right when it has at least one.
 */
function decodeBackward(bytes: Buffer, base: number): PlacedRecord[] | number | 'torn' {
  const records: PlacedRecord[] = []
  for (let end = bytes.length; end > 0; ) {
    const step = recordEndingAt(bytes, end)
    if (typeof step !== 'object') return records.length > 0 ? records : step
    records.push({ ...step, offset: base + end - step.length })
    end -= step.length
  }
  return records
}

function recordEndingAt(bytes: Buffer, end: number): LogRecord | number | 'torn' {
  if (end < LOG_TRAILER_BYTES) return LOG_MIN_RECORD_BYTES
  const length = bytes.readUInt32LE(end - LOG_TRAILER_BYTES)
  if (length < LOG_MIN_RECORD_BYTES || length > LOG_MAX_RECORD_BYTES) return 'torn'
  if (length > end) return length
  const decoded = decodeLogRecord(bytes.subarray(0, end), end - length)
  return decoded === 'torn' || 'need' in decoded ? 'torn' : decoded
}
