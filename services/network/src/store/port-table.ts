import type { Store } from '@caisson/service-kit'
import { type Address, isIpv6 } from '../ipam/address.ts'
import { formatIpv6 } from '../ipam/ipv6.ts'
import { type Publication, type PublishedPort, type Transport, transports } from '../publishing/published-port.ts'
import { ipv6OfText } from './address-text.ts'
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
         (sandbox_id, position, address, port_name, transport, host_address, host_port, container_port, count,
          host_ipv6, ipv6, ipv6_port_name)
       VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
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
        ipv6: ipv6TargetOf(row),
        ports: [],
      }
      known.ports.push(portOf(row))
      found.set(sandboxId, known)
    }
    return [...found.values()]
  }

  /** In place of what was there. */
  set({ sandboxId, address, portName, ipv6, ports }: Publication): void {
    this.delete(sandboxId)
    for (const [position, { transport, hostAddress, hostPort, containerPort, count }] of ports.entries())
      this.#insert.run(
        sandboxId,
        position,
        address,
        portName,
        transport,
        hostAddress === undefined || isIpv6(hostAddress) ? null : hostAddress,
        hostPort,
        containerPort,
        count,
        hostAddress !== undefined && isIpv6(hostAddress) ? formatIpv6(hostAddress) : null,
        ipv6 === undefined ? null : formatIpv6(ipv6.address),
        ipv6?.portName ?? null,
      )
  }

  delete(sandboxId: string): void {
    this.#delete.run(sandboxId)
  }
}

const portOf = (row: Row): PublishedPort => ({
  transport: transportOf(row),
  hostAddress: hostAddressOf(row),
  hostPort: integer(row, 'host_port'),
  containerPort: integer(row, 'container_port'),
  count: integer(row, 'count'),
})

function hostAddressOf(row: Row): Address | undefined {
  if (row['host_ipv6'] !== null) return ipv6OfText(text(row, 'host_ipv6'))
  return row['host_address'] === null ? undefined : integer(row, 'host_address')
}

const ipv6TargetOf = (row: Row): Publication['ipv6'] =>
  row['ipv6'] === null ? undefined : { address: ipv6OfText(text(row, 'ipv6')), portName: text(row, 'ipv6_port_name') }

function transportOf(row: Row): Transport {
  const name = text(row, 'transport')
  const known = transports.find((each) => each === name)
  if (known !== undefined) return known
  throw new Error(`the database holds a published port of the unknown protocol ${name}`)
}
