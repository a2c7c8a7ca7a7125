import { now } from '@caisson/api'
import type { LogEntry } from './entry.ts'
import type { LogFeed, LogFeedState } from './feed.ts'
import { isWanted, type LogQuery, WHOLE_LOG } from './log-query.ts'
import { LogReader } from './log-reader.ts'
import type { LogPosition } from './position.ts'
import { logEnd, logSince } from './segments.ts'
import { findTail } from './tail.ts'

/**
 * Yields what a log holds up to its end as it is now, a page at a time, oldest first. What is written while it is read is
 * not waited for, nor is more memory taken than a page.
 */
export async function* readLog(
  directory: string,
  query: LogQuery,
  { end, over }: Pick<LogFeedState, 'end' | 'over'>,
  signal: AbortSignal,
): AsyncGenerator<readonly LogEntry[]> {
  const until = end ?? (await logEnd(directory))
  const { from, select } = await plan(directory, query, until)
  await using reader = new LogReader(directory, from)
  for (;;) {
    signal.throwIfAborted()
    const entries = await reader.next({ until, final: over })
    if (entries.length === 0) return
    const wanted = select(entries)
    if (wanted.length > 0) yield wanted
  }
}

/** Where to begin in a log: what a query chooses of what is there, or a place. */
export type FollowFrom = LogQuery | { readonly position: LogPosition }

/**
 * Yields what a log holds and what it grows by, until the feed says that it is over and the end was read. It never reads
 * behind what the feed tells of, and lets the feed know what it is done with. With a query's `untilNs` it ends when that
 * time has come.
 */
export async function* followLog(
  directory: string,
  from: FollowFrom,
  feed: LogFeed,
  signal: AbortSignal,
): AsyncGenerator<readonly LogEntry[]> {
  const query = 'position' in from ? { ...WHOLE_LOG, after: from.position } : from
  const { from: start, select } = await plan(directory, query, feed.state.end ?? (await logEnd(directory)))
  const until = untilSignal(query.untilNs, signal)
  await using reader = new LogReader(directory, start)
  for (;;) {
    signal.throwIfAborted()
    // What the feed says is taken before the log is read: a change in between ends the wait below at once.
    const { version, end, over } = feed.state
    const late = until.aborted
    const entries = await reader.next({ ...(end ? { until: end } : {}), final: over })
    const wanted = select(entries)
    if (wanted.length > 0) yield wanted
    feed.release(reader.position.segment)
    if (late && entries.some((entry) => entry.timeNs >= query.untilNs)) return
    if (entries.length > 0) continue
    if (over || late) return
    await changedOrLate(feed, version, until, signal)
  }
}

async function changedOrLate(feed: LogFeed, version: number, until: AbortSignal, signal: AbortSignal): Promise<void> {
  try {
    await feed.changed(version, until)
  } catch (error) {
    if (signal.aborted || !until.aborted) throw error
  }
}

interface Plan {
  readonly from: LogPosition
  /** What is wanted of entries. */
  select(entries: readonly LogEntry[]): readonly LogEntry[]
}

async function plan(directory: string, query: LogQuery, end: LogPosition): Promise<Plan> {
  if (query.after || query.tail === undefined) {
    const from = query.after ?? (await logSince(directory, query.sinceNs))
    return { from, select: (entries) => entries.filter((entry) => isWanted(entry, query)) }
  }
  const { from, keep } = await findTail(directory, query, query.tail, end)
  const select = (entries: readonly LogEntry[]): LogEntry[] =>
    entries.flatMap((entry) => {
      const kept = entry.kind === 'gap' ? entry : keep(entry)
      return kept && isWanted(kept, query) ? [kept] : []
    })
  return { from, select }
}

/** Aborts with the call, and when a time has come. */
function untilSignal(untilNs: bigint, signal: AbortSignal): AbortSignal {
  if (untilNs === 0n) return signal
  const ms = Number((untilNs - now()) / 1_000_000n) + 1
  return AbortSignal.any([signal, AbortSignal.timeout(Math.min(Math.max(ms, 0), 0x7fff_ffff))])
}
