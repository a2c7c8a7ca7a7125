import type { LogPosition } from './position.ts'

export type LogStreamName = 'stdout' | 'stderr'

/** Bytes as they were read from the process: a chunk, not a line. */
export interface LogChunk {
  readonly kind: 'chunk'
  /** Where its record begins. */
  readonly at: LogPosition
  /** Where the next record begins. */
  readonly next: LogPosition
  readonly stream: LogStreamName
  /** Nanoseconds since 1970 when it was read from the process. */
  readonly timeNs: bigint
  readonly data: Buffer
}

/** Why bytes are missing: dropped with old segments, no space for them, or unreadable on the disk. */
export type LogGapReason = 'rotated' | 'disk_full' | 'damaged'

/** Bytes are missing here. */
export interface LogGap {
  readonly kind: 'gap'
  readonly at: LogPosition
  /** When it was noticed, in nanoseconds since 1970. 0: not known. */
  readonly timeNs: bigint
  /** Absent: more than one, or not known. */
  readonly stream?: LogStreamName
  /** 0: not known. */
  readonly bytes: number
  readonly reason: LogGapReason
}

export type LogEntry = LogChunk | LogGap
