import { EventEmitter, once } from 'node:events'
import { readFileSync } from 'node:fs'
import { hostname } from 'node:os'
import { now, toTimestamp } from '@caisson/api'
import type { Cursor, Event, Gap } from '@caisson/api/event'
import type { Store } from '../store/store.ts'
import { EventTable, LEAP } from './store.ts'

/** What a service says when something happened; the log adds the rest. */
export interface EventDraft {
  /** kind.verb */
  readonly type: string
  readonly subject: {
    readonly kind: string
    readonly id: string
    readonly name?: string
    readonly labels?: Readonly<Record<string, string>>
  }
  readonly attributes?: Readonly<Record<string, string>>
  readonly requestId?: string
  readonly body?: Event['body']
  /** The last event of its subject. */
  readonly final?: boolean
}

export interface EventLogOptions {
  readonly service: string
  /** Empty: the kernel's name of the host. */
  readonly hostName: string
  /** Events that are kept. */
  readonly retention: number
  /** Identifies the boot of the host. Default: the kernel's. */
  readonly bootId?: string
}

/** A part of the log: events, and what is missing before them. */
export interface EventPage {
  readonly events: readonly Event[]
  readonly gap?: Gap
  /** The last sequence that was looked at. */
  readonly last: number
}

/** How many events over the retention pile up before they are removed. */
const TRIM_BATCH = 1_000

/** A service's event log. `append` belongs into the transaction that changes the state it tells of. */
export class EventLog {
  readonly name: string
  readonly service: string
  /** The host's name in events. */
  readonly host: string
  readonly #store: Store
  readonly #table: EventTable
  readonly #options: EventLogOptions
  readonly #grown = new EventEmitter()
  #last: number
  #committed: number

  constructor(store: Store, options: EventLogOptions) {
    this.#store = store
    this.#options = options
    this.service = options.service
    this.host = options.hostName === '' ? hostname() : options.hostName
    this.#table = new EventTable(store)
    const { log, last } = this.#table.open(
      options.bootId ?? readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim(),
    )
    this.name = log
    this.#last = last
    this.#committed = last
    this.#grown.setMaxListeners(0)
  }

  /** The last sequence that is on disk. */
  get last(): number {
    return this.#committed
  }

  /** Adds an event. Readers are told when the transaction is on disk. */
  append(draft: EventDraft): void {
    this.#store.transaction(() => this.#append(draft))
  }

  /**
   * Reads behind a cursor, as far as the numbers have no hole. A cursor of another log, one too old, and one before a
   * reboot are answered with the gap.
   */
  read(after: Cursor | undefined, limit: number): EventPage {
    const foreign = after !== undefined && after.log !== '' && after.log !== this.name
    const from = foreign ? 0 : Math.min(after?.sequence ?? 0, this.#committed)
    const found = this.#table.after(from, limit)
    if (found.length === 0 && from < this.#committed) return this.#leap(from, foreign)
    const first = found[0]?.sequence ?? from + 1
    const hole = found.findIndex((event, index) => event.sequence !== first + index)
    const events = hole < 0 ? found : found.slice(0, hole)
    const last = events.at(-1)?.sequence ?? from
    if (foreign) return { events, last, gap: { first: 1, last: first - 1, reason: 'new_log' } }
    if (first === from + 1) return { events, last }
    const reason = from + 1 < this.#table.first() ? 'compacted' : 'reboot'
    return { events, last, gap: { first: from + 1, last: first - 1, reason } }
  }

  /** A reboot left numbers out, and nothing has happened since: a reader goes on behind them. */
  #leap(from: number, foreign: boolean): EventPage {
    const last = this.#committed
    return { events: [], last, gap: { first: from + 1, last, reason: foreign ? 'new_log' : 'reboot' } }
  }

  /** How many events are held behind a sequence. Counted only where numbers may have been left out. */
  behind(sequence: number): number {
    const numbers = this.#committed - Math.max(sequence, this.#table.first() - 1)
    return numbers < LEAP ? Math.max(numbers, 0) : this.#table.countAfter(sequence)
  }

  /** Resolves when there is more behind `sequence`. */
  async grown(sequence: number, signal: AbortSignal): Promise<void> {
    while (this.#committed <= sequence) await once(this.#grown, 'grown', { signal })
  }

  #append(draft: EventDraft): void {
    const sequence = this.#last + 1
    const { kind, id } = draft.subject
    const event: Event = {
      id: `${this.name}:${sequence}`,
      log: this.name,
      sequence,
      host: this.host,
      service: this.#options.service,
      time: toTimestamp(now()),
      type: draft.type,
      subject: {
        kind,
        id,
        name: draft.subject.name ?? '',
        labels: { ...draft.subject.labels },
        revision: this.#table.nextRevision(kind, id),
      },
      attributes: { ...draft.attributes },
      requestId: draft.requestId ?? '',
      body: draft.body,
    }
    this.#table.insert(event)
    if (draft.final) this.#table.forgetSubject(kind, id)
    this.#last = sequence
    // Its number goes to the next one: readers take a number that is missing for events that are.
    this.#store.afterRollback(() => {
      this.#last = Math.min(this.#last, sequence - 1)
    })
    this.#trim(sequence)
    this.#store.afterCommit(() => {
      this.#committed = sequence
      this.#grown.emit('grown')
    })
  }

  #trim(sequence: number): void {
    if (sequence % TRIM_BATCH === 0 && sequence > this.#options.retention)
      this.#table.trimTo(sequence - this.#options.retention)
  }
}
