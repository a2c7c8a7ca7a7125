import type { Store } from '@caisson/service-kit'
import type { Endpoint } from '../sandbox/sandbox.ts'
import { bytes, integer, type Row, stringList, text } from './rows.ts'

export class EndpointTable {
  readonly #all
  readonly #of
  readonly #insert
  readonly #update
  readonly #connected
  readonly #delete

  constructor(store: Store) {
    this.#all = store.prepare('SELECT * FROM endpoint ORDER BY number')
    this.#of = store.prepare('SELECT * FROM endpoint WHERE namespace_id = ? ORDER BY number')
    this.#insert = store.prepare(
      `INSERT INTO endpoint
         (id, namespace_id, network_id, interface_name, mac, address, port_name, aliases, gateway_priority)
       VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)`,
    )
    this.#update = store.prepare('UPDATE endpoint SET aliases = ?, gateway_priority = ? WHERE id = ?')
    this.#connected = store.prepare(
      `SELECT network_id, count(*) AS sandboxes
       FROM endpoint JOIN sandbox ON sandbox.namespace_id = endpoint.namespace_id GROUP BY network_id`,
    )
    this.#delete = store.prepare('DELETE FROM endpoint WHERE id = ?')
  }

  /** By the id of their namespace, each in the order in which they were made. */
  all(): Map<string, Endpoint[]> {
    const all = new Map<string, Endpoint[]>()
    for (const row of this.#all.all()) {
      const namespaceId = text(row, 'namespace_id')
      const known = all.get(namespaceId)
      if (known === undefined) all.set(namespaceId, [endpointOf(row)])
      else known.push(endpointOf(row))
    }
    return all
  }

  of(namespaceId: string): Endpoint[] {
    return this.#of.all(namespaceId).map(endpointOf)
  }

  insert(namespaceId: string, endpoint: Endpoint): void {
    const { id, networkId, interfaceName, mac, address, portName, aliases, gatewayPriority } = endpoint
    const names = JSON.stringify(aliases)
    this.#insert.run(id, namespaceId, networkId, interfaceName, mac, address, portName, names, gatewayPriority)
  }

  update({ id, aliases, gatewayPriority }: Endpoint): void {
    this.#update.run(JSON.stringify(aliases), gatewayPriority, id)
  }

  /** How many sandboxes there are on each network. */
  connected(): Map<string, number> {
    return new Map(this.#connected.all().map((row) => [text(row, 'network_id'), integer(row, 'sandboxes')]))
  }

  delete(id: string): void {
    this.#delete.run(id)
  }
}

const endpointOf = (row: Row): Endpoint => ({
  id: text(row, 'id'),
  networkId: text(row, 'network_id'),
  interfaceName: text(row, 'interface_name'),
  mac: bytes(row, 'mac'),
  address: integer(row, 'address'),
  portName: text(row, 'port_name'),
  aliases: stringList(row, 'aliases'),
  gatewayPriority: integer(row, 'gateway_priority'),
})
