import type { LogEntry, LogStreamName } from './entry.ts'

import type { LogPosition } from './position.ts'

/** Which part of a log is wanted. */
export interface LogQuery {
  readonly streams: ReadonlySet<LogStreamName>
  /** Only what was read from the process at or after this time, in nanoseconds since 1970. 0n: no limit. */
  readonly sinceNs: bigint
  /** Only what was read from the process before this time. 0n: no limit. */
  readonly untilNs: bigint
  /** Only this many of the last lines of what matches `streams` and `untilNs`. Absent: all. */
  readonly tail?: number
  /** Only what stands behind this place. Not with `tail`. */
  readonly after?: LogPosition
}

/** Everything. */
export const WHOLE_LOG: LogQuery = { streams: new Set(['stdout', 'stderr']), sinceNs: 0n, untilNs: 0n }

/** Whether an entry is of a stream that is wanted, and old enough. */
export function isCounted(entry: LogEntry, query: LogQuery): boolean {
  if (entry.stream !== undefined && !query.streams.has(entry.stream)) return false
  return query.untilNs === 0n || entry.timeNs < query.untilNs
}

/** Whether an entry is wanted. Times that are not known pass. */
export function isWanted(entry: LogEntry, query: LogQuery): boolean {
  return isCounted(entry, query) && (entry.timeNs >= query.sinceNs || entry.timeNs === 0n)
}
