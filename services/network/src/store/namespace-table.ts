import type { Store } from '@caisson/service-kit'
import type { Namespace } from '../sandbox/sandbox.ts'
import type { EndpointTable } from './endpoint-table.ts'
import { text } from './rows.ts'

/** Namespaces with their endpoints. */
export class NamespaceTable {
  readonly #endpoints: EndpointTable
  readonly #all
  readonly #get
  readonly #insert
  readonly #delete

  constructor(store: Store, endpoints: EndpointTable) {
    this.#endpoints = endpoints
    this.#all = store.prepare('SELECT id FROM namespace ORDER BY number')
    this.#get = store.prepare('SELECT id FROM namespace WHERE id = ?')
    this.#insert = store.prepare('INSERT INTO namespace (id) VALUES (?)')
    this.#delete = store.prepare('DELETE FROM namespace WHERE id = ?')
  }

  /** In the order in which they were made. */
  all(): Namespace[] {
    const endpoints = this.#endpoints.all()
    return this.#all.all().map((row) => ({ id: text(row, 'id'), endpoints: endpoints.get(text(row, 'id')) ?? [] }))
  }

  get(id: string): Namespace | undefined {
    return this.#get.get(id) && { id, endpoints: this.#endpoints.of(id) }
  }

  /** Within a transaction. */
  insert({ id, endpoints }: Namespace): void {
    this.#insert.run(id)
    for (const endpoint of endpoints) this.#endpoints.insert(id, endpoint)
  }

  /** With its endpoints. */
  delete(id: string): void {
    this.#delete.run(id)
  }
}
