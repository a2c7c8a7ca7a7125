import type { Store } from '@caisson/service-kit'
import { type Publication, type PublishedPort, type Transport, transports } from '../publishing/published-port.ts'
import { integer, type Row, text } from './rows.ts'

/** What sandboxes publish. */
export class PortTable {
  readonly #all
  readonly #insert
  readonly #delete

  constructor(store: Store) {
    this.#all = store.prepare('SELECT * FROM published_port ORDER BY sandbox_id, position')
    this.#insert = store.prepare(
      `INSERT INTO published_port
         (sandbox_id, position, address, port_name, transport, host_address, host_port, container_port, count)
       VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)`,
    )
    this.#delete = store.prepare('DELETE FROM published_port WHERE sandbox_id = ?')
  }

  all(): Publication[] {
    const found = new Map<string, Publication & { ports: PublishedPort[] }>()
    for (const row of this.#all.all()) {
      const sandboxId = text(row, 'sandbox_id')
      const known = found.get(sandboxId) ?? {
        sandboxId,
        address: integer(row, 'address'),
        portName: text(row, 'port_name'),
        ports: [],
      }
      known.ports.push(portOf(row))
      found.set(sandboxId, known)
    }
    return [...found.values()]
  }

  /** In place of what was there. */
  set({ sandboxId, address, portName, ports }: Publication): void {
    this.delete(sandboxId)
    for (const [position, { transport, hostAddress, hostPort, containerPort, count }] of ports.entries())
      this.#insert.run(
        sandboxId,
        position,
        address,
        portName,
        transport,
        hostAddress ?? null,
        hostPort,
        containerPort,
        count,
      )
  }

  delete(sandboxId: string): void {
    this.#delete.run(sandboxId)
  }
}

const portOf = (row: Row): PublishedPort => ({
  transport: transportOf(row),
  hostAddress: row['host_address'] === null ? undefined : integer(row, 'host_address'),
  hostPort: integer(row, 'host_port'),
  containerPort: integer(row, 'container_port'),
  count: integer(row, 'count'),
})

function transportOf(row: Row): Transport {
  const name = text(row, 'transport')
  const known = transports.find((each) => each === name)
  if (known !== undefined) return known
  throw new Error(`the database holds a published port of the unknown protocol ${name}`)
}
