import type { Store } from '@caisson/service-kit'
import type { Container, DurableState } from '../container/container.ts'
import { brokenBody, decodeBody, encodeBody } from './container-body.ts'

/** A container, and its place in the order in which they were made. */
export interface Listed {
  readonly sequence: number
  readonly container: Container
}

type Row = Readonly<Record<string, unknown>>

/** The table of containers. Synchronous; callers put writes into their transactions. */
export class ContainerTable {
  readonly #insert
  readonly #update
  readonly #delete
  readonly #byId
  readonly #byName
  readonly #byPrefix
  readonly #before
  readonly #active
  readonly #ranges
  readonly #ids
  readonly #counts

  constructor(store: Store) {
    this.#insert = store.prepare('INSERT INTO container (id, name, state, id_range, body) VALUES (?, ?, ?, ?, ?)')
    this.#update = store.prepare('UPDATE container SET name = ?, state = ?, body = ? WHERE id = ?')
    this.#delete = store.prepare('DELETE FROM container WHERE id = ?')
    this.#byId = store.prepare('SELECT * FROM container WHERE id = ?')
    this.#byName = store.prepare('SELECT * FROM container WHERE name = ?')
    this.#byPrefix = store.prepare('SELECT * FROM container WHERE id >= ? AND id < ? LIMIT 2')
    this.#before = store.prepare('SELECT * FROM container WHERE seq < ? ORDER BY seq DESC LIMIT ?')
    this.#active = store.prepare(`SELECT * FROM container WHERE state IN ('running', 'paused') ORDER BY seq`)
    this.#ranges = store.prepare('SELECT id_range FROM container WHERE id_range IS NOT NULL')
    this.#ids = store.prepare('SELECT id FROM container')
    this.#counts = store.prepare('SELECT state, count(*) AS n FROM container GROUP BY state')
  }

  /** Throws SQLITE_CONSTRAINT when the id, the name or the id range is taken. */
  insert(container: Container): void {
    const { id, name, state, idRange } = container
    this.#insert.run(id, name, state, idRange?.start ?? null, encodeBody(container))
  }

  /** Writes everything but the id range, which never changes. */
  update(container: Container): void {
    this.#update.run(container.name, container.state, encodeBody(container), container.id)
  }

  delete(id: string): void {
    this.#delete.run(id)
  }

  get(id: string): Container | undefined {
    return optional(this.#byId.get(id))
  }

  getByName(name: string): Container | undefined {
    return optional(this.#byName.get(name))
  }

  /** At most two containers whose id begins so: who finds two knows that it is not unique. `prefix` is hexadecimal. */
  findByPrefix(prefix: string): Container[] {
    // 'g' sorts behind every hexadecimal digit.
    return this.#byPrefix.all(prefix, `${prefix}g`).map(toContainer)
  }

  /** Containers made before the one at `sequence`, the newest first. */
  listBefore(sequence: number, limit: number): Listed[] {
    return this.#before
      .all(sequence, limit)
      .map((row) => ({ sequence: Number(row['seq']), container: toContainer(row) }))
  }

  /** Those that run or are paused. */
  active(): Container[] {
    return this.#active.all().map(toContainer)
  }

  /** First ids of all ranges that are given out. */
  idRanges(): number[] {
    return this.#ranges.all().map((row) => Number(row['id_range']))
  }

  ids(): Set<string> {
    return new Set(this.#ids.all().map((row) => String(row['id'])))
  }

  /** How many are in each state. */
  counts(): Map<DurableState, number> {
    return new Map(this.#counts.all().map((row) => [row['state'] as DurableState, Number(row['n'])]))
  }
}

function optional(row: Row | undefined): Container | undefined {
  return row && toContainer(row)
}

function toContainer(row: Row): Container {
  const id = String(row['id'])
  const name = String(row['name'])
  try {
    return { id, name, state: row['state'] as DurableState, ...decodeBody(String(row['body'])) }
  } catch (error) {
    return { id, name, state: 'broken', ...brokenBody(`its record cannot be read: ${String(error)}`) }
  }
}
