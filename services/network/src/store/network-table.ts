import type { Store } from '@caisson/service-kit'
import type { Bridge, BridgeNetwork, Network } from '../network/network.ts'
import { integer, type Row, stringMap, text } from './rows.ts'

export class NetworkTable {
  readonly #all
  readonly #insert
  readonly #updateBridge

  constructor(store: Store) {
    this.#all = store.prepare('SELECT * FROM network')
    this.#insert = store.prepare(
      `INSERT INTO network (id, name, driver, builtin, labels, created_at,
         bridge_name, subnet_base, prefix_length, gateway, mtu, isolated)
       VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
    )
    this.#updateBridge = store.prepare(
      `UPDATE network SET bridge_name = ?, subnet_base = ?, prefix_length = ?, gateway = ?, mtu = ?, isolated = ?
       WHERE id = ?`,
    )
  }

  all(): Network[] {
    return this.#all.all().map(networkOf)
  }

  insert({ id, name, driver, builtin, labels, createdAt, bridge }: Network): void {
    const head = [id, name, driver, builtin ? 1 : 0, JSON.stringify(labels), String(createdAt)]
    this.#insert.run(...head, ...(bridge === undefined ? [null, null, null, null, null, null] : bridgeValues(bridge)))
  }

  updateBridge(network: BridgeNetwork): void {
    this.#updateBridge.run(...bridgeValues(network.bridge), network.id)
  }
}

const bridgeValues = ({ name, subnet, gateway, mtu, isolated }: Bridge): (string | number)[] => [
  name,
  subnet.base,
  subnet.prefixLength,
  gateway,
  mtu,
  isolated ? 1 : 0,
]

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
    createdAt: BigInt(text(row, 'created_at')),
    bridge: row['bridge_name'] === null ? undefined : bridgeOf(row),
  }
}

const bridgeOf = (row: Row): Bridge => ({
  name: text(row, 'bridge_name'),
  subnet: { base: integer(row, 'subnet_base'), prefixLength: integer(row, 'prefix_length') },
  gateway: integer(row, 'gateway'),
  mtu: integer(row, 'mtu'),
  isolated: integer(row, 'isolated') === 1,
})
