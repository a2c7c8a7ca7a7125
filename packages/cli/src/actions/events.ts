import type { Partially } from '@caisson/api'
import { fromTimestamp, type ServiceName, toTimestamp } from '@caisson/api'
import { type Cursor, Event, type EventFilter, type Gap, type WatchResponse } from '@caisson/api/event'
import type { Context } from '../context.ts'
import type { Events } from '../engine.ts'
import type { OptionValues } from '../option-values.ts'
import { printable } from '../output/printable.ts'
import { rfc3339Nano } from '../output/units.ts'
import { type CursorOption, cursorFor, parseCursors } from '../parse/cursor.ts'
import { parseFilters } from '../parse/pairs.ts'
import { parseTime } from '../parse/time.ts'
import { persist } from '../recover.ts'
import type { Action } from '../spec.ts'
import { currentServices } from '../supervisor/chosen-services.ts'

const FILTERS = [
  'kind',
  'type',
  'event',
  'service',
  'label',
  'container',
  'image',
  'network',
  'volume',
  'subject',
] as const
const KIND_FILTERS = ['container', 'image', 'network', 'volume'] as const
const PAGE = 1_000

/** One service's log, and from where on it is read. */
interface Source {
  readonly service: ServiceName
  readonly log: Events
  /** Absent: only what happens from now on. */
  after: Partially<Cursor> | undefined
}

/** Shows what happened and what happens, of all services in one order. */
export const events: Action = async (context, _args, options) => {
  const filters = parseFilters(options.list('filter'), FILTERS)
  const filter = eventFilter(filters, options)
  const sources = await openSources(context, filters.get('service'), options)
  const follow = options.maybeFlag('follow') !== false
  if (!follow) for (const source of sources) source.after ??= {}
  const past = await Promise.all(sources.map((source) => readPast(context, source, filter)))
  for (const event of past.flat().toSorted(byTime)) show(context, event)
  if (follow) await Promise.all(sources.map((source) => followSource(context, source, filter)))
  return 0
}

function eventFilter(filters: ReadonlyMap<string, readonly string[]>, options: OptionValues): Partially<EventFilter> {
  const nowNs = BigInt(Date.now()) * 1_000_000n
  const named = KIND_FILTERS.filter((kind) => filters.has(kind))
  return {
    kinds: [...(filters.get('kind') ?? []), ...named],
    types: [...(filters.get('type') ?? []), ...(filters.get('event') ?? [])],
    subjects: [...(filters.get('subject') ?? []), ...named.flatMap((kind) => filters.get(kind) ?? [])],
    labels: filters.get('label') ?? [],
    since: options.parsed('since', (value) => toTimestamp(parseTime('--since', value, nowNs))),
    until: options.parsed('until', (value) => toTimestamp(parseTime('--until', value, nowNs))),
  }
}

async function openSources(
  { engine, layout }: Context,
  wanted: readonly string[] | undefined,
  options: OptionValues,
): Promise<Source[]> {
  const cursors = parseCursors(options.list('after'))
  const fromOldest = options.text('since') !== undefined || options.text('until') !== undefined
  const services = currentServices(layout).filter((service) => wanted === undefined || wanted.includes(service))
  return Promise.all(
    services.map(async (service) => {
      const log = await engine.events(service)
      const cursor = await cursorOf(log, service, cursors)
      return { service, log, after: cursor ?? (fromOldest ? {} : undefined) }
    }),
  )
}

/** The place in a service's log that one of the cursors names: an event's id names its log. */
async function cursorOf(log: Events, service: ServiceName, cursors: readonly CursorOption[]) {
  if (cursors.length === 0) return undefined
  const { next } = await log.list({ limit: 1 })
  return cursorFor(cursors, service, next?.log ?? '')
}

/** What the log holds behind the cursor, page by page; the source's cursor moves along. */
async function readPast({ out, signal }: Context, source: Source, filter: Partially<EventFilter>): Promise<Event[]> {
  const events: Event[] = []
  if (source.after === undefined) return events
  for (let more = true; more; ) {
    const page = await source.log.list({ after: source.after, filter, limit: PAGE }, { signal })
    if (page.gap) out.note(describeGap(source.service, page.gap))
    events.push(...page.events)
    source.after = page.next ?? source.after
    more = page.more
  }
  return events
}

/** Shows new events until the user ends it; goes on from the last one when the service was away. */
async function followSource(context: Context, source: Source, filter: Partially<EventFilter>): Promise<void> {
  await persist(async (progress) => {
    const request = { ...(source.after ? { after: source.after } : {}), filter }
    for await (const message of source.log.watch(request, { signal: context.signal })) {
      progress()
      handle(context, source, message)
    }
  }, context.signal)
}

function handle(context: Context, source: Source, { item }: WatchResponse): void {
  if (item?.$case === 'event') {
    source.after = { log: item.value.log, sequence: item.value.sequence }
    show(context, item.value)
  } else if (item?.$case === 'gap') context.out.note(describeGap(source.service, item.value))
  else if (item?.$case === 'caughtUp') source.after = item.value
}

function describeGap(service: ServiceName, { first, last, reason }: Gap): string {
  return `caisson: events ${first} to ${last} of ${service} are no longer held (${reason})`
}

function byTime(a: Event, b: Event): number {
  if (a.log === b.log) return a.sequence - b.sequence
  const difference = fromTimestamp(a.time) - fromTimestamp(b.time)
  return difference < 0n ? -1 : difference > 0n ? 1 : 0
}

function show({ out }: Context, event: Event): void {
  if (out.json) out.record(Event.toJSON(event))
  else showLine(out, event)
}

function showLine(out: Context['out'], event: Event): void {
  const { time, type, subject, attributes, service, id } = event
  const facts = Object.entries(attributes).map(([key, value]) => `${key}=${value}`)
  const name = subject?.name ? ` ${subject.name}` : ''
  const line = `${type} ${subject?.id ?? ''}${name}${facts.length > 0 ? ` (${facts.join(', ')})` : ''}`
  out.line(`${rfc3339Nano(fromTimestamp(time))} ${printable(line)} ${out.colors.dim(`${service} ${id}`)}`)
}
