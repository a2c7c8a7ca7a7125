import type { Store } from '@caisson/service-kit'
import { type Bridge, type BridgeNetwork, isBridgeNetwork, type Network } from '../network/network.ts'
import { ipv6AddressesOfText, textOfIpv6Addresses } from './address-text.ts'
import { integer, numberMap, optionalText, type Row, stringMap, text } from './rows.ts'

export class NetworkTable {
  readonly #all
  readonly #insert
  readonly #updateBridge
  readonly #delete

  constructor(store: Store) {
    this.#all = store.prepare('SELECT * FROM network')
    this.#insert = store.prepare(
      `INSERT INTO network (id, name, driver, builtin, labels, options, created_at, request_id, request)
       VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)`,
    )
    this.#updateBridge = store.prepare(
      `UPDATE network SET bridge_name = ?, subnet_base = ?, prefix_length = ?, gateway = ?, range_base = ?,
         range_prefix_length = ?, auxiliary = ?, mtu = ?, isolated = ?, internal = ?, masquerade = ?,
         ipv6 = ?
       WHERE id = ?`,
    )
    this.#delete = store.prepare('DELETE FROM network WHERE id = ?')
  }

  all(): Network[] {
    return this.#all.all().map(networkOf)
  }

  /** Within a transaction. */
  insert(network: Network): void {
    const { id, name, driver, builtin, labels, options, createdAt, origin } = network
    this.#insert.run(
      id,
      name,
      driver,
      builtin ? 1 : 0,
      JSON.stringify(labels),
      JSON.stringify(options),
      String(createdAt),
      origin?.requestId ?? null,
      origin?.request ?? null,
    )
    if (isBridgeNetwork(network)) this.updateBridge(network)
  }

  updateBridge({ id, bridge }: BridgeNetwork): void {
    const { name, subnet, gateway, range, auxiliary, mtu, isolated, internal, masquerade, ipv6 } = bridge
    const addresses = [subnet.base, subnet.prefixLength, gateway, range.base, range.prefixLength]
    const flags = [isolated, internal, masquerade].map(Number)
    const dual = ipv6 === undefined ? null : textOfIpv6Addresses(ipv6)
    this.#updateBridge.run(name, ...addresses, JSON.stringify(auxiliary), mtu, ...flags, dual, id)
  }

  delete(id: string): void {
    this.#delete.run(id)
  }
}

function driverOf(row: Row): Network['driver'] {
  const driver = text(row, 'driver')
  if (driver === 'bridge' || driver === 'host' || driver === 'none') return driver
  throw new Error(`the database holds a network of the unknown driver ${driver}`)
}

function networkOf(row: Row): Network {
  return {
    id: text(row, 'id'),
    name: text(row, 'name'),
    driver: driverOf(row),
    builtin: integer(row, 'builtin') === 1,
    labels: stringMap(row, 'labels'),
    options: stringMap(row, 'options'),
    createdAt: BigInt(text(row, 'created_at')),
    bridge: row['bridge_name'] === null ? undefined : bridgeOf(row),
    origin: originOf(row),
  }
}

function originOf(row: Row): Network['origin'] {
  const requestId = optionalText(row, 'request_id')
  return requestId === undefined ? undefined : { requestId, request: text(row, 'request') }
}

const bridgeOf = (row: Row): Bridge => ({
  name: text(row, 'bridge_name'),
  subnet: { base: integer(row, 'subnet_base'), prefixLength: integer(row, 'prefix_length') },
  gateway: integer(row, 'gateway'),
  range: { base: integer(row, 'range_base'), prefixLength: integer(row, 'range_prefix_length') },
  auxiliary: numberMap(row, 'auxiliary'),
  mtu: integer(row, 'mtu'),
  isolated: integer(row, 'isolated') === 1,
  internal: integer(row, 'internal') === 1,
  masquerade: integer(row, 'masquerade') === 1,
  ipv6: row['ipv6'] === null ? undefined : ipv6AddressesOfText(text(row, 'ipv6')),
})
