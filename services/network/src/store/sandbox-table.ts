import type { Store } from '@caisson/service-kit'
import type { Namespace, Sandbox, SandboxMode } from '../sandbox/sandbox.ts'
import { integer, type Row, stringMap, text } from './rows.ts'

export class SandboxTable {
  readonly #all
  readonly #get
  readonly #insert
  readonly #delete
  readonly #users
  readonly #namespace: (id: string) => Namespace | undefined

  /** `namespace`: looks a namespace up by its id. */
  constructor(store: Store, namespace: (id: string) => Namespace | undefined) {
    this.#namespace = namespace
    this.#all = store.prepare('SELECT * FROM sandbox ORDER BY id')
    this.#get = store.prepare('SELECT * FROM sandbox WHERE id = ?')
    this.#insert = store.prepare(
      `INSERT INTO sandbox (id, name, mode, labels, namespace_id, resolv_conf, hosts, created_at, request)
       VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)`,
    )
    this.#delete = store.prepare('DELETE FROM sandbox WHERE id = ?')
    this.#users = store.prepare('SELECT count(*) AS users FROM sandbox WHERE namespace_id = ?')
  }

  all(): Sandbox[] {
    return this.#all.all().map((row) => this.#sandboxOf(row))
  }

  get(id: string): Sandbox | undefined {
    const row = this.#get.get(id)
    return row && this.#sandboxOf(row)
  }

  insert({ id, name, mode, labels, namespace, resolvConf, hosts, createdAt, request }: Sandbox): void {
    const namespaceId = namespace?.id ?? null
    this.#insert.run(id, name, mode, JSON.stringify(labels), namespaceId, resolvConf, hosts, String(createdAt), request)
  }

  delete(id: string): void {
    this.#delete.run(id)
  }

  usersOf(namespaceId: string): number {
    const row = this.#users.get(namespaceId)
    return row === undefined ? 0 : integer(row, 'users')
  }

  #sandboxOf(row: Row): Sandbox {
    return {
      id: text(row, 'id'),
      name: text(row, 'name'),
      mode: modeOf(row),
      labels: stringMap(row, 'labels'),
      namespace: row['namespace_id'] === null ? undefined : this.#namespace(text(row, 'namespace_id')),
      resolvConf: text(row, 'resolv_conf'),
      hosts: text(row, 'hosts'),
      createdAt: BigInt(text(row, 'created_at')),
      request: text(row, 'request'),
    }
  }
}

function modeOf(row: Row): SandboxMode {
  const mode = text(row, 'mode')
  if (mode === 'none' || mode === 'host' || mode === 'bridge' || mode === 'shared') return mode
  throw new Error(`the database holds a sandbox of the unknown mode ${mode}`)
}
