import type { Store } from '@caisson/service-kit'
import type { Endpoint, Namespace } from '../sandbox/sandbox.ts'
import { bytes, integer, type Row, text } from './rows.ts'

export class NamespaceTable {
  readonly #all
  readonly #get
  readonly #insert
  readonly #delete

  constructor(store: Store) {
    this.#all = store.prepare('SELECT * FROM namespace ORDER BY number')
    this.#get = store.prepare('SELECT * FROM namespace WHERE id = ?')
    this.#insert = store.prepare(
      `INSERT INTO namespace (id, network_id, endpoint_id, interface_name, mac, address, port_name)
       VALUES (?, ?, ?, ?, ?, ?, ?)`,
    )
    this.#delete = store.prepare('DELETE FROM namespace WHERE id = ?')
  }

  /** In the order in which they were made. */
  all(): Namespace[] {
    return this.#all.all().map(namespaceOf)
  }

  get(id: string): Namespace | undefined {
    const row = this.#get.get(id)
    return row && namespaceOf(row)
  }

  insert({ id, endpoint }: Namespace): void {
    if (endpoint === undefined) this.#insert.run(id, null, null, null, null, null, null)
    else
      this.#insert.run(
        id,
        endpoint.networkId,
        endpoint.id,
        endpoint.interfaceName,
        endpoint.mac,
        endpoint.address,
        endpoint.portName,
      )
  }

  delete(id: string): void {
    this.#delete.run(id)
  }
}

function namespaceOf(row: Row): Namespace {
  return { id: text(row, 'id'), endpoint: row['network_id'] === null ? undefined : endpointOf(row) }
}

const endpointOf = (row: Row): Endpoint => ({
  id: text(row, 'endpoint_id'),
  networkId: text(row, 'network_id'),
  interfaceName: text(row, 'interface_name'),
  mac: bytes(row, 'mac'),
  address: integer(row, 'address'),
  portName: text(row, 'port_name'),
})
