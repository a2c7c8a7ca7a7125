import type { Migration, Store } from '@caisson/service-kit'
import type { Exit, ProcessFacts } from '../container/container.ts'
import type { Exec } from '../exec/exec.ts'

/** The schema of execs; behind the migration that makes the table of containers. */
export const execMigration: Migration = {
  name: 'execs',
  sql: `
    CREATE TABLE exec (
      seq INTEGER PRIMARY KEY AUTOINCREMENT,
      id TEXT NOT NULL UNIQUE,
      container_id TEXT NOT NULL REFERENCES container (id) ON DELETE CASCADE,
      state TEXT NOT NULL,
      -- The request that made it, for its retries.
      request_id TEXT UNIQUE,
      -- Milliseconds since 1970 of its last change.
      changed_ms INTEGER NOT NULL,
      body TEXT NOT NULL
    ) STRICT;
    CREATE INDEX exec_container ON exec (container_id);
    CREATE INDEX exec_idle ON exec (changed_ms) WHERE state <> 'running';
  `,
}

type Row = Readonly<Record<string, unknown>>
type Text<T, K extends keyof T> = Omit<T, K> & Record<K, string>

interface Body extends Omit<Exec, 'id' | 'containerId' | 'state' | 'createdNs' | 'startedNs' | 'process' | 'exit'> {
  readonly createdNs: string
  readonly startedNs: string
  readonly process?: Text<ProcessFacts, 'startTime'>
  readonly exit?: Text<Exit, 'startedNs' | 'finishedNs' | 'cpuNs'>
}

/** The table of execs. Synchronous; callers put writes into their transactions. A removed container takes its execs along. */
export class ExecTable {
  readonly #insert
  readonly #update
  readonly #byId
  readonly #byRequest
  readonly #byContainer
  readonly #running
  readonly #expire

  constructor(store: Store) {
    this.#insert = store.prepare(
      'INSERT INTO exec (id, container_id, state, request_id, changed_ms, body) VALUES (?, ?, ?, ?, ?, ?)',
    )
    this.#update = store.prepare('UPDATE exec SET state = ?, changed_ms = ?, body = ? WHERE id = ?')
    this.#byId = store.prepare('SELECT * FROM exec WHERE id = ?')
    this.#byRequest = store.prepare('SELECT * FROM exec WHERE request_id = ?')
    this.#byContainer = store.prepare('SELECT * FROM exec WHERE container_id = ? ORDER BY seq DESC')
    this.#running = store.prepare(`SELECT * FROM exec WHERE state = 'running' ORDER BY seq`)
    this.#expire = store.prepare(`DELETE FROM exec WHERE state <> 'running' AND changed_ms < ?`)
  }

  /** Throws SQLITE_CONSTRAINT when the container is gone. `requestId` may be ''. */
  insert(exec: Exec, requestId: string, nowMs: number): void {
    this.#insert.run(exec.id, exec.containerId, exec.state, requestId || null, nowMs, encode(exec))
  }

  /** One that is gone stays gone. */
  update(exec: Exec, nowMs: number): void {
    this.#update.run(exec.state, nowMs, encode(exec), exec.id)
  }

  get(id: string): Exec | undefined {
    return optional(this.#byId.get(id))
  }

  getByRequest(requestId: string): Exec | undefined {
    return optional(this.#byRequest.get(requestId))
  }

  /** Those of a container, the newest first. */
  listOf(containerId: string): Exec[] {
    return this.#byContainer.all(containerId).map(toExec)
  }

  running(): Exec[] {
    return this.#running.all().map(toExec)
  }

  /** Removes those that do not run and have not changed since. */
  expire(beforeMs: number): void {
    this.#expire.run(beforeMs)
  }
}

function encode({ id: _id, containerId: _container, state: _state, process, exit, ...rest }: Exec): string {
  const body: Body = {
    ...rest,
    createdNs: String(rest.createdNs),
    startedNs: String(rest.startedNs),
    ...(process && { process: { ...process, startTime: String(process.startTime) } }),
    ...(exit && {
      exit: {
        ...exit,
        startedNs: String(exit.startedNs),
        finishedNs: String(exit.finishedNs),
        cpuNs: String(exit.cpuNs),
      },
    }),
  }
  return JSON.stringify(body)
}

function optional(row: Row | undefined): Exec | undefined {
  return row && toExec(row)
}

function toExec(row: Row): Exec {
  const { process, exit, ...rest } = JSON.parse(String(row['body'])) as Body
  return {
    ...rest,
    id: String(row['id']),
    containerId: String(row['container_id']),
    state: row['state'] as Exec['state'],
    createdNs: BigInt(rest.createdNs),
    startedNs: BigInt(rest.startedNs),
    ...(process && { process: { ...process, startTime: BigInt(process.startTime) } }),
    ...(exit && {
      exit: {
        ...exit,
        startedNs: BigInt(exit.startedNs),
        finishedNs: BigInt(exit.finishedNs),
        cpuNs: BigInt(exit.cpuNs),
      },
    }),
  }
}
