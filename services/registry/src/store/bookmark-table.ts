import type { Store } from '@caisson/service-kit'
import type { Bookmark, Bookmarks } from '../follow/ports.ts'

/** Bookmarks in SQLite, beside the event log. */
export class BookmarkTable implements Bookmarks {
  readonly #store: Store
  readonly #get
  readonly #set
  readonly #delete
  readonly #names

  constructor(store: Store) {
    this.#store = store
    this.#get = store.prepare('SELECT sequence, notes FROM bookmark WHERE name = ?')
    this.#set = store.prepare(
      `INSERT INTO bookmark (name, sequence, notes) VALUES (?, ?, ?)
       ON CONFLICT DO UPDATE SET sequence = excluded.sequence, notes = excluded.notes`,
    )
    this.#delete = store.prepare('DELETE FROM bookmark WHERE name = ?')
    this.#names = store.prepare('SELECT name FROM bookmark WHERE substr(name, 1, ?) = ? ORDER BY name')
  }

  get(name: string): Bookmark | undefined {
    const row = this.#get.get(name)
    return row && { sequence: Number(row['sequence']), notes: JSON.parse(String(row['notes'])) as unknown }
  }

  set(name: string, { sequence, notes }: Bookmark): void {
    this.#store.transaction(() => this.#set.run(name, sequence, JSON.stringify(notes)), 'crash')
  }

  delete(name: string): void {
    this.#store.transaction(() => this.#delete.run(name), 'crash')
  }

  names(prefix: string): string[] {
    return this.#names.all([...prefix].length, prefix).map((row) => String(row['name']))
  }
}
