import { fromTimestamp, type Handlers, now } from '@caisson/api'
import type { Event, EventFilter, EventLogDefinition, WatchResponse } from '@caisson/api/event'
import type { EventLog } from './event-log.ts'

const PAGE = 1_000

/** caisson.event.v1.EventLog over a log. */
export function eventLogHandlers(log: EventLog): Handlers<typeof EventLogDefinition> {
  return {
    list: async ({ after, filter, limit }) => {
      const wanted = limit === 0 ? PAGE : Math.min(limit, PAGE)
      const page = log.read(after, wanted)
      return {
        events: page.events.filter((event) => matches(event, filter)),
        next: { log: log.name, sequence: page.last },
        more: page.last < log.last,
        gap: page.gap,
      }
    },
    watch: ({ after, filter }, { signal }) =>
      watch(log, after ?? { log: log.name, sequence: log.last }, filter, signal),
  }
}

async function* watch(
  log: EventLog,
  after: { log: string; sequence: number },
  filter: EventFilter | undefined,
  signal: AbortSignal,
): AsyncGenerator<{ item: WatchResponse['item'] }> {
  const until = untilSignal(filter, signal)
  let cursor = after
  let caughtUp = false
  while (!signal.aborted) {
    const page = log.read(cursor, PAGE)
    if (page.gap) yield { item: { $case: 'gap', value: page.gap } }
    for (const event of page.events) if (matches(event, filter)) yield { item: { $case: 'event', value: event } }
    cursor = { log: log.name, sequence: page.last }
    if (page.events.length > 0) continue
    if (!caughtUp) yield { item: { $case: 'caughtUp', value: cursor } }
    caughtUp = true
    if (until.aborted && !signal.aborted) return
    try {
      await log.grown(cursor.sequence, until)
    } catch {
      // `until` is over: what is in the log by now is still sent, then the loop ends.
      if (signal.aborted) throw signal.reason
    }
  }
}

/** Aborts with the call, and when the filter's end has come. */
function untilSignal(filter: EventFilter | undefined, signal: AbortSignal): AbortSignal {
  if (!filter?.until) return signal
  const ms = Number((fromTimestamp(filter.until) - now()) / 1_000_000n)
  return AbortSignal.any([signal, AbortSignal.timeout(Math.min(Math.max(ms, 0), 0x7fffffff))])
}

function matches(event: Event, filter: EventFilter | undefined): boolean {
  if (!filter) return true
  const subject = event.subject
  const time = fromTimestamp(event.time)
  return (
    anyOf(filter.kinds, (kind) => kind === subject?.kind) &&
    anyOf(filter.types, (type) => type === event.type) &&
    anyOf(filter.subjects, (wanted) => wanted === subject?.id || wanted === subject?.name) &&
    filter.labels.every((label) => hasLabel(subject?.labels ?? {}, label)) &&
    (!filter.since || time >= fromTimestamp(filter.since)) &&
    (!filter.until || time < fromTimestamp(filter.until))
  )
}

function anyOf<T>(wanted: readonly T[], test: (value: T) => boolean): boolean {
  return wanted.length === 0 || wanted.some(test)
}

function hasLabel(labels: Readonly<Record<string, string>>, wanted: string): boolean {
  const equals = wanted.indexOf('=')
  if (equals < 0) return Object.hasOwn(labels, wanted)
  return labels[wanted.slice(0, equals)] === wanted.slice(equals + 1)
}
