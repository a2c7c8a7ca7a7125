import { constants } from 'node:os'
import { crc32 } from 'node:zlib'
import type { LogEntry, LogGapReason, LogStreamName } from './entry.ts'
import {
  LOG_FIELD,
  LOG_GAP_BYTES,
  LOG_HEADER_BYTES,
  LOG_MAX_RECORD_BYTES,
  LOG_MIN_RECORD_BYTES,
  LOG_STREAM,
  LOG_TRAILER_BYTES,
} from './log-format.ts'
import type { LogPosition } from './position.ts'

/** A record whose lengths and checksum are right. */
export interface LogRecord {
  readonly length: number
  /** LOG_STREAM, or a number of a newer version. */
  readonly stream: number
  readonly timeNs: bigint
  /** Shares memory with what it was read from. */
  readonly payload: Buffer
}

/** What is found at a place: a record, the start of one that needs more bytes, or no record at all. */
export type LogDecoded = LogRecord | { readonly need: number } | 'torn'

/** Reads the record that begins at `at`. `bytes` may end in the middle of it. */
export function decodeLogRecord(bytes: Buffer, at: number): LogDecoded {
  const left = bytes.length - at
  if (left < LOG_TRAILER_BYTES) return { need: LOG_MIN_RECORD_BYTES }
  const length = bytes.readUInt32LE(at + LOG_FIELD.length)
  if (length < LOG_MIN_RECORD_BYTES || length > LOG_MAX_RECORD_BYTES) return 'torn'
  if (left < length) return { need: length }
  const end = at + length - LOG_TRAILER_BYTES
  if (bytes.readUInt32LE(end) !== length) return 'torn'
  const payload = bytes.subarray(at + LOG_HEADER_BYTES, end)
  if (crc32(payload) !== bytes.readUInt32LE(at + LOG_FIELD.crc)) return 'torn'
  return {
    length,
    stream: bytes.readUInt8(at + LOG_FIELD.stream),
    timeNs: bytes.readBigUInt64LE(at + LOG_FIELD.timeNs),
    payload,
  }
}

/** A record as an entry. Undefined for a kind that this version does not know: it is passed over. */
export function toLogEntry(record: LogRecord, at: LogPosition): LogEntry | undefined {
  if (record.stream === LOG_STREAM.gap) return toGap(record, at)
  const stream = streamName(record.stream)
  if (!stream) return undefined
  const next = { segment: at.segment, offset: at.offset + record.length }
  return { kind: 'chunk', at, next, stream, timeNs: record.timeNs, data: record.payload }
}

function toGap({ payload, timeNs }: LogRecord, at: LogPosition): LogEntry {
  if (payload.length < LOG_GAP_BYTES) return { kind: 'gap', at, timeNs, bytes: 0, reason: 'damaged' }
  const bytes = Number(payload.readBigUInt64LE(0))
  const stream = streamName(payload.readUInt32LE(8))
  return { kind: 'gap', at, timeNs, bytes, reason: gapReason(payload.readUInt32LE(12)), ...(stream ? { stream } : {}) }
}

function streamName(number: number): LogStreamName | undefined {
  if (number === LOG_STREAM.stdout) return 'stdout'
  return number === LOG_STREAM.stderr ? 'stderr' : undefined
}

function gapReason(errno: number): LogGapReason {
  return errno === constants.errno.ENOSPC || errno === constants.errno.EDQUOT ? 'disk_full' : 'damaged'
}
