import { CaissonError, unavailable } from '@caisson/api'
import Database from 'better-sqlite3'

/** One step of a schema: numbered from 1, never changed once released. */
export interface Migration {
  readonly name: string
  readonly sql: string
}

type Value = string | number | bigint | Uint8Array | null
type Row = Readonly<Record<string, unknown>>

/** A prepared statement. Integers come back as numbers; what is over 2^53 must be stored as text. */
export interface Statement {
  run(...values: Value[]): { changes: number }
  get(...values: Value[]): Row | undefined
  all(...values: Value[]): Row[]
}

/**
 * What a transaction has to survive. `power-cut`: it is on disk when it returns. `crash`: the end of the process, but the
 * last ones may be undone by a power cut: for what a reboot ends anyway (a namespace, a running process).
 */
export type Durability = 'power-cut' | 'crash'

/**
 * A service's own database. One process and one connection open it (exclusive lock), every transaction is on disk when it
 * returns (WAL, synchronous=FULL) unless it was asked for less, and a damaged file is refused at the start rather than
 * trusted.
 */
export class Store implements Disposable {
  readonly #db: Database.Database
  #afterCommit: (() => void)[] = []
  #afterRollback: (() => void)[] = []

  /** Opens or makes the file, checks it, and brings it to the newest schema; each migration is one transaction. */
  constructor(file: string, migrations: readonly Migration[]) {
    this.#db = openDatabase(file)
    this.#db.pragma('journal_mode = WAL')
    this.#db.pragma('synchronous = FULL')
    this.#db.pragma('foreign_keys = ON')
    this.#db.pragma('mmap_size = 0')
    this.#check(file)
    this.#migrate(file, migrations)
  }

  /** Prepares a statement once, to be kept by its owner. */
  prepare(sql: string): Statement {
    return this.#db.prepare(sql) as unknown as Statement
  }

  /** Runs `work` as one transaction: all of it or nothing. May be nested; then the outermost decides. */
  transaction<T>(work: () => T, durability: Durability = 'power-cut'): T {
    if (this.#db.inTransaction) return work()
    if (durability === 'crash') this.#db.exec('PRAGMA synchronous = NORMAL')
    try {
      const result = this.#db.transaction(work).immediate()
      this.#afterRollback = []
      for (const call of this.#afterCommit.splice(0)) call()
      return result
    } catch (thrown) {
      this.#afterCommit = []
      for (const call of this.#afterRollback.splice(0)) call()
      throw thrown
    } finally {
      if (durability === 'crash') this.#db.exec('PRAGMA synchronous = FULL')
    }
  }

  /** Calls `call` once the transaction that runs now is on disk, and never when it is rolled back. */
  afterCommit(call: () => void): void {
    if (this.#db.inTransaction) this.#afterCommit.push(call)
    else call()
  }

  /** Calls `call` when the transaction that runs now is undone, and never once it is on disk. */
  afterRollback(call: () => void): void {
    if (this.#db.inTransaction) this.#afterRollback.push(call)
  }

  [Symbol.dispose](): void {
    this.#db.close()
  }

  #check(file: string): void {
    const found = this.#db.pragma('quick_check(1)', { simple: true })
    if (found !== 'ok')
      throw new CaissonError(
        'data-loss',
        `the database ${file} is damaged (${String(found)}): restore it from a backup`,
        {
          reason: 'DATABASE_DAMAGED',
        },
      )
  }

  #migrate(file: string, migrations: readonly Migration[]): void {
    const done = Number(this.#db.pragma('user_version', { simple: true }))
    if (done > migrations.length)
      throw unavailable(
        'DATABASE_TOO_NEW',
        `the database ${file} is of a newer version: run that version or restore a backup`,
      )
    for (const [index, migration] of migrations.entries()) {
      if (index < done) continue
      this.transaction(() => {
        this.#db.exec(migration.sql)
        this.#db.pragma(`user_version = ${index + 1}`)
      })
    }
  }
}

function openDatabase(file: string): Database.Database {
  const db = new Database(file, { timeout: 2_000 })
  try {
    db.pragma('locking_mode = EXCLUSIVE')
    db.exec('BEGIN EXCLUSIVE; COMMIT')
    return db
  } catch (cause) {
    db.close()
    if (cause instanceof Error && 'code' in cause && cause.code === 'SQLITE_BUSY')
      throw unavailable('ALREADY_RUNNING', `the database ${file} is in use: the service runs already`, { cause })
    throw cause
  }
}
