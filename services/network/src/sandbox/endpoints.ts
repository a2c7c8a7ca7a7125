import { randomBytes } from 'node:crypto'
import { conflict, invalid } from '@caisson/api'
import type { Address } from '../ipam/address.ts'
import { macOf } from '../ipam/ipv4.ts'
import type { Ipv6 } from '../ipam/ipv6.ts'
import type { Leases } from '../ipam/leases.ts'
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
   * ALREADY_CONNECTED, INTERFACE_EXISTS, ADDRESS_IN_USE, ADDRESS_OUT_OF_RANGE, ADDRESSES_EXHAUSTED,
   * NETWORK_WITHOUT_IPV6.
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

  release(wires: readonly Wire[]): void {
    const { networks } = this.#options
    for (const { endpoint, network } of wires) {
      networks.leases(network).release(endpoint.address)
      if (endpoint.ipv6 !== undefined) networks.ipv6Leases(network)?.release(endpoint.ipv6)
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
    for (const family of families) {
      const next = gatewayOf(
        wires.filter((wire) => wire.endpoint.id !== endpoint.id),
        family,
      )
      if (next !== undefined && gatewayOf(wires, family)?.endpoint.id === endpoint.id && host.isAlive(namespace.id))
        await host.routeThrough(namespace.id, next, family)
    }
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
      const wires = [...this.wiresOf(namespace), wire]
      for (const family of families)
        if (gatewayOf(wires, family) === wire) await host.routeThrough(namespace.id, wire, family)
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
    const { networks, tag } = this.#options
    const leases = networks.leases(network)
    const address = taken(leases, wish.address)
    const ipv6 = undoingOnFailure(
      () => takenIpv6(networks.ipv6Leases(network), wish.ipv6, network.name),
      () => leases.release(address),
    )
    const endpoint: Endpoint = {
      id: newId(32),
      networkId: network.id,
      interfaceName,
      mac: wish.mac ?? macOf(address),
      address,
      ipv6,
      portName: `csp${tag}${newId(3)}`,
      aliases: wish.aliases,
      gatewayPriority: wish.gatewayPriority,
    }
    return { endpoint, network }
  }
}

const families = ['ipv4', 'ipv6'] as const

/** The address that was wished, or the next one. */
function taken<A extends Address>(leases: Leases<A>, wish: A | undefined): A {
  if (wish === undefined) return leases.next()
  leases.take(wish)
  return wish
}

function takenIpv6(leases: Leases<Ipv6> | undefined, wish: Ipv6 | undefined, networkName: string): Ipv6 | undefined {
  if (leases !== undefined) return taken(leases, wish)
  if (wish === undefined) return undefined
  throw invalid(`the network ${networkName} has no IPv6: make one with ipv6 set, or ask for no IPv6 address`, {
    reason: 'NETWORK_WITHOUT_IPV6',
  })
}

function undoingOnFailure<T>(work: () => T, undo: () => void): T {
  try {
    return work()
  } catch (error) {
    undo()
    throw error
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
