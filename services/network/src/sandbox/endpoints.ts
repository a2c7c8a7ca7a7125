import { randomBytes } from 'node:crypto'
import { conflict } from '@caisson/api'
import { macOf } from '../ipam/ipv4.ts'
import type { BridgeNetwork } from '../network/network.ts'
import type { Networks } from '../network/networks.ts'
import type { HostPort, SandboxStore } from './ports.ts'
import { type Attachment, type Endpoint, freeInterfaceName, gatewayOf, type Namespace, type Wire } from './sandbox.ts'

export type EndpointsOptions = {
  readonly store: SandboxStore
  readonly host: HostPort
  readonly networks: Networks
  readonly tag: string
}

/** An attachment whose network is known. */
export type Connection = { readonly network: BridgeNetwork; readonly wish: Attachment }

export const newId = (bytes: number): string => randomBytes(bytes).toString('hex')

/** Connections of namespaces to networks, and the addresses leased for them. */
export class Endpoints {
  readonly #options: EndpointsOptions
  /** Of all endpoints that are recorded or being made. */
  readonly #portNames = new Set<string>()

  constructor(options: EndpointsOptions) {
    this.#options = options
  }

  wiresOf(namespace: Namespace): Wire[] {
    return namespace.endpoints.map((endpoint) => ({
      endpoint,
      network: this.#options.networks.bridge(endpoint.networkId),
    }))
  }

  /**
   * Endpoints for all of these, beside those that are there, with addresses that nobody else gets. All or none. Throws
   * ALREADY_CONNECTED, INTERFACE_EXISTS, ADDRESS_IN_USE, ADDRESS_OUT_OF_RANGE, ADDRESSES_EXHAUSTED.
   */
  lease(connections: readonly Connection[], present: readonly Endpoint[] = []): Wire[] {
    requireDistinct(connections, present)
    const names = new Set(
      [...present, ...connections.map(({ wish }) => wish)].flatMap((each) => each.interfaceName ?? []),
    )
    const wires: Wire[] = []
    try {
      for (const connection of connections) {
        const interfaceName = connection.wish.interfaceName ?? freeInterfaceName(names)
        names.add(interfaceName)
        wires.push(this.#lease(connection, interfaceName))
      }
      return wires
    } catch (error) {
      this.release(wires)
      throw error
    }
  }

  /** After a start: these have their addresses and ports already. */
  restore(endpoints: readonly Endpoint[]): void {
    const { networks } = this.#options
    for (const { networkId, address, portName } of endpoints) {
      networks.leases(networks.bridge(networkId)).take(address)
      this.#portNames.add(portName)
    }
  }

  release(wires: readonly Wire[]): void {
    for (const { endpoint, network } of wires) {
      this.#options.networks.leases(network).release(endpoint.address)
      this.#portNames.delete(endpoint.portName)
    }
  }

  /** Connects a living namespace; `record` is done in the transaction that records it. */
  async connect(namespace: Namespace, connection: Connection, record: (endpoint: Endpoint) => void): Promise<void> {
    const [wire] = this.lease([connection], namespace.endpoints)
    if (wire === undefined) return
    try {
      await this.#connect(namespace, wire, record)
    } catch (error) {
      this.release([wire])
      throw error
    }
  }

  /** Takes a living namespace out of a network; `record` is done in the transaction that forgets the endpoint. */
  async disconnect(namespace: Namespace, leaving: Wire, record: () => void): Promise<void> {
    const { host, store } = this.#options
    const { endpoint } = leaving
    const wires = this.wiresOf(namespace)
    const next = gatewayOf(wires.filter((wire) => wire.endpoint.id !== endpoint.id))
    if (next !== undefined && gatewayOf(wires)?.endpoint.id === endpoint.id && host.isAlive(namespace.id))
      await host.routeThrough(namespace.id, next)
    // It cannot speak from here on; a start removes a port that nothing records.
    host.expel(endpoint)
    try {
      store.passing(() => {
        store.deleteEndpoint(endpoint.id)
        record()
      })
    } catch (error) {
      host.admit(endpoint)
      throw error
    }
    try {
      await host.disconnect(endpoint)
    } finally {
      this.release([leaving])
    }
  }

  async #connect(namespace: Namespace, wire: Wire, record: (endpoint: Endpoint) => void): Promise<void> {
    const { host, store } = this.#options
    await host.connect(namespace.id, wire)
    try {
      const gateway = gatewayOf([...this.wiresOf(namespace), wire])
      if (gateway === wire) await host.routeThrough(namespace.id, wire)
      host.admit(wire.endpoint)
      store.passing(() => {
        store.insertEndpoint(namespace.id, wire.endpoint)
        record(wire.endpoint)
      })
    } catch (error) {
      host.expel(wire.endpoint)
      await host.disconnect(wire.endpoint)
      throw error
    }
  }

  #lease({ network, wish }: Connection, interfaceName: string): Wire {
    const leases = this.#options.networks.leases(network)
    if (wish.address !== undefined) leases.take(wish.address)
    const address = wish.address ?? leases.next()
    const endpoint: Endpoint = {
      id: newId(32),
      networkId: network.id,
      interfaceName,
      mac: wish.mac ?? macOf(address),
      address,
      portName: this.#newPortName(),
      aliases: wish.aliases,
      gatewayPriority: wish.gatewayPriority,
    }
    return { endpoint, network }
  }

  /** The name of an interface has no room for enough chance. */
  #newPortName(): string {
    for (;;) {
      const name = `csp${this.#options.tag}${newId(3)}`
      if (this.#portNames.has(name)) continue
      this.#portNames.add(name)
      return name
    }
  }
}

function requireDistinct(connections: readonly Connection[], present: readonly Endpoint[]): void {
  const networks = new Set(present.map(({ networkId }) => networkId))
  const names = new Set(present.map(({ interfaceName }) => interfaceName))
  for (const { network, wish } of connections) {
    if (networks.has(network.id))
      throw conflict('ALREADY_CONNECTED', `the network ${network.name} is connected already: name each network once`)
    networks.add(network.id)
    if (wish.interfaceName === undefined) continue
    if (names.has(wish.interfaceName))
      throw conflict('INTERFACE_EXISTS', `there is an interface ${wish.interfaceName} already: choose another name`)
    names.add(wish.interfaceName)
  }
}
