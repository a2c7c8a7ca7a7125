import { appendFileSync, mkdirSync, rmSync, statSync } from 'node:fs'
import { crc32 } from 'node:zlib'
import { LOG_FIELD, LOG_GAP_BYTES, LOG_HEADER_BYTES, LOG_MIN_RECORD_BYTES, LOG_STREAM } from './log-format.ts'
import type { LogPosition } from './position.ts'
import { segmentPath } from './segments.ts'

/** A record as the monitor writes it. */
export function encodeLogRecord(stream: number, timeNs: bigint, payload: Uint8Array): Buffer {
  const length = LOG_MIN_RECORD_BYTES + payload.length
  const bytes = Buffer.alloc(length)
  bytes.writeUInt32LE(length, LOG_FIELD.length)
  bytes.writeUInt8(stream, LOG_FIELD.stream)
  bytes.writeBigUInt64LE(timeNs, LOG_FIELD.timeNs)
  bytes.writeUInt32LE(crc32(payload), LOG_FIELD.crc)
  bytes.set(payload, LOG_HEADER_BYTES)
  bytes.writeUInt32LE(length, length - 4)
  return bytes
}

/** The payload of a gap record. */
export function encodeGap(bytes: bigint, stream: number, errno: number): Buffer {
  const payload = Buffer.alloc(LOG_GAP_BYTES)
  payload.writeBigUInt64LE(bytes, 0)
  payload.writeUInt32LE(stream, 8)
  payload.writeUInt32LE(errno, 12)
  return payload
}

/** Writes segments as a monitor does, for tests. */
export class SegmentWriter {
  readonly directory: string
  #segment = 1
  #time = 1_700_000_000_000_000_000n

  constructor(directory: string) {
    this.directory = directory
    mkdirSync(directory, { recursive: true })
  }

  /** Where the log ends. */
  get end(): LogPosition {
    const file = statSync(segmentPath(this.directory, this.#segment), { throwIfNoEntry: false })
    return { segment: this.#segment, offset: file?.size ?? 0 }
  }

  out(data: string | Uint8Array, timeNs?: bigint): this {
    return this.record(LOG_STREAM.stdout, data, timeNs)
  }

  err(data: string | Uint8Array, timeNs?: bigint): this {
    return this.record(LOG_STREAM.stderr, data, timeNs)
  }

  record(stream: number, data: string | Uint8Array, timeNs = ++this.#time): this {
    return this.raw(encodeLogRecord(stream, timeNs, typeof data === 'string' ? Buffer.from(data) : data))
  }

  /** Bytes as they are, at the end of the current segment. */
  raw(bytes: Uint8Array): this {
    appendFileSync(segmentPath(this.directory, this.#segment), bytes)
    return this
  }

  /** Begins the next segment; keeps the last `keep`, the new one included. */
  rotate(keep = Number.POSITIVE_INFINITY): this {
    this.raw(new Uint8Array(0))
    this.#segment += 1
    this.raw(new Uint8Array(0))
    if (this.#segment - keep >= 1) rmSync(segmentPath(this.directory, this.#segment - keep), { force: true })
    return this
  }
}
