import { Event } from '@caisson/api/event'
import type { Migration, Store } from '../store/store.ts'

/** Tables of an event log; each service puts them at the head of its own migrations. */
export const eventMigrations: readonly Migration[] = [
  {
    name: 'event log',
    sql: `
      CREATE TABLE event_log (log TEXT NOT NULL, boot TEXT NOT NULL, last INTEGER NOT NULL) STRICT;
      CREATE TABLE event (sequence INTEGER PRIMARY KEY, body BLOB NOT NULL) STRICT;
      CREATE TABLE event_subject (
        kind TEXT NOT NULL, id TEXT NOT NULL, revision INTEGER NOT NULL,
        PRIMARY KEY (kind, id)
      ) STRICT, WITHOUT ROWID;
    `,
  },
]

/** More events than a power cut can undo: so many numbers are left out after a reboot. */
export const LEAP = 1 << 20

/** Rows of an event log. Synchronous; callers put it into their transactions. */
export class EventTable {
  readonly #store: Store
  readonly #insert
  readonly #after
  readonly #countAfter
  readonly #bounds
  readonly #trim
  readonly #bump
  readonly #forget
  readonly #last

  constructor(store: Store) {
    this.#store = store
    this.#insert = store.prepare('INSERT INTO event (sequence, body) VALUES (?, ?)')
    this.#after = store.prepare('SELECT body FROM event WHERE sequence > ? ORDER BY sequence LIMIT ?')
    this.#countAfter = store.prepare('SELECT count(*) AS events FROM event WHERE sequence > ?')
    this.#bounds = store.prepare('SELECT min(sequence) AS first FROM event')
    this.#trim = store.prepare('DELETE FROM event WHERE sequence <= ?')
    this.#bump = store.prepare(
      `INSERT INTO event_subject (kind, id, revision) VALUES (?, ?, 1)
       ON CONFLICT DO UPDATE SET revision = revision + 1 RETURNING revision`,
    )
    this.#forget = store.prepare('DELETE FROM event_subject WHERE kind = ? AND id = ?')
    this.#last = store.prepare('UPDATE event_log SET last = ?')
  }

  /**
   * The log's name and last sequence; a new database gets a new name. After a reboot the numbers leap: a power cut may
   * have undone the last events, and no number may ever stand for two.
   */
  open(boot: string): { log: string; last: number } {
    const row = this.#store.prepare('SELECT log, boot, last FROM event_log').get()
    if (!row) {
      const log = crypto.randomUUID()
      this.#store.prepare('INSERT INTO event_log (log, boot, last) VALUES (?, ?, 0)').run(log, boot)
      return { log, last: 0 }
    }
    const last = Number(row['last'])
    if (row['boot'] === boot || last === 0) return { log: String(row['log']), last }
    this.#store.prepare('UPDATE event_log SET boot = ?, last = ?').run(boot, last + LEAP)
    return { log: String(row['log']), last: last + LEAP }
  }

  insert(event: Event): void {
    this.#insert.run(event.sequence, Event.encode(event).finish())
    this.#last.run(event.sequence)
  }

  /** Counts one more event of a subject. */
  nextRevision(kind: string, id: string): number {
    return Number(this.#bump.get(kind, id)?.['revision'] ?? 1)
  }

  /** Stops counting a subject that is gone. */
  forgetSubject(kind: string, id: string): void {
    this.#forget.run(kind, id)
  }

  /** Events behind a sequence, oldest first. */
  after(sequence: number, limit: number): Event[] {
    return this.#after.all(sequence, limit).map((row) => Event.decode(row['body'] as Uint8Array))
  }

  countAfter(sequence: number): number {
    return Number(this.#countAfter.get(sequence)?.['events'] ?? 0)
  }

  /** The oldest sequence that is held, 0 when none is. */
  first(): number {
    return Number(this.#bounds.get()?.['first'] ?? 0)
  }

  trimTo(sequence: number): void {
    this.#trim.run(sequence)
  }
}
