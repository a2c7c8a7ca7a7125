import { createHash, randomBytes } from 'node:crypto'
import { exhausted, invalid, notFound, now } from '@caisson/api'
import { overlap, type Subnet } from '../ipam/ipv4.ts'
import { Leases } from '../ipam/leases.ts'
import { type AddressPool, chooseSubnet } from '../ipam/subnet-choice.ts'
import type { HostPort, SandboxEvents, SandboxStore } from '../sandbox/ports.ts'
import { type Bridge, type BridgeNetwork, DEFAULT_NETWORK, isBridgeNetwork, type Network } from './network.ts'

export type NetworksOptions = {
  readonly store: SandboxStore
  readonly host: HostPort
  readonly events: SandboxEvents
  /** Six hexadecimal digits that are this engine's alone on this machine. */
  readonly tag: string
  readonly pools: readonly AddressPool[]
}

/** Six hexadecimal digits of the engine whose sockets are in `runDir`. */
export const engineTag = (runDir: string): string => createHash('sha256').update(runDir).digest('hex').slice(0, 6)

/** The networks of this host and the addresses given out on each. */
export class Networks {
  readonly #options: NetworksOptions
  readonly #byId = new Map<string, Network>()
  readonly #leases = new Map<string, Leases>()

  constructor(options: NetworksOptions) {
    this.#options = options
  }

  /**
   * Reads the networks, makes those that come with the engine, and gives the default network another subnet when nothing
   * uses it and the host has come to use its own.
   */
  load(inUse: (networkId: string) => boolean): void {
    const { store } = this.#options
    for (const network of store.networks()) this.#keep(network)
    for (const driver of ['bridge', 'host', 'none'] as const) this.#ensureBuiltin(driver)
    for (const network of this.#byId.values())
      if (isBridgeNetwork(network) && !inUse(network.id)) this.#moveAway(network)
  }

  list(): Network[] {
    return [...this.#byId.values()].toSorted((one, other) => (one.name < other.name ? -1 : 1))
  }

  bridges(): BridgeNetwork[] {
    return this.list().filter(isBridgeNetwork)
  }

  /** By id, name or unique prefix of an id; empty is the default network. Throws NETWORK_NOT_FOUND. */
  find(reference: string): Network {
    const wanted = reference === '' ? DEFAULT_NETWORK : reference
    const all = this.list()
    const exact = all.find((network) => network.id === wanted || network.name === wanted)
    if (exact !== undefined) return exact
    const [first, second] = all.filter((network) => network.id.startsWith(wanted))
    if (first === undefined || second !== undefined)
      throw notFound('network', wanted, second === undefined ? '' : 'the id prefix fits several: give more of it')
    return first
  }

  byId(id: string): Network {
    const network = this.#byId.get(id)
    if (network === undefined) throw notFound('network', id)
    return network
  }

  /** By id. Throws NOT_A_BRIDGE for a network that nothing connects to. */
  bridge(id: string): BridgeNetwork {
    const network = this.byId(id)
    if (isBridgeNetwork(network)) return network
    throw invalid(`the network ${network.name} cannot be connected to: use the sandbox mode of that name`, {
      reason: 'NOT_A_BRIDGE',
    })
  }

  leases(network: BridgeNetwork): Leases {
    const leases = this.#leases.get(network.id)
    if (leases === undefined) throw notFound('network', network.id)
    return leases
  }

  #keep(network: Network): void {
    this.#byId.set(network.id, network)
    if (isBridgeNetwork(network))
      this.#leases.set(network.id, new Leases(network.bridge.subnet, [network.bridge.gateway]))
  }

  #ensureBuiltin(driver: Network['driver']): void {
    const { store, events } = this.#options
    const name = driver === 'bridge' ? DEFAULT_NETWORK : driver
    if (this.list().some((network) => network.name === name)) return
    const network: Network = {
      id: randomBytes(32).toString('hex'),
      name,
      driver,
      builtin: true,
      labels: {},
      createdAt: now(),
      bridge: driver === 'bridge' ? this.#newBridge() : undefined,
    }
    store.transaction(() => {
      store.insertNetwork(network)
      events.networkCreated(network)
    })
    this.#keep(network)
  }

  #newBridge(): Bridge {
    const subnet = this.#freeSubnet()
    return {
      name: `csn${this.#options.tag}`,
      subnet,
      gateway: subnet.base + 1,
      mtu: this.#options.host.uplinkMtu(),
      isolated: false,
    }
  }

  #freeSubnet(): Subnet {
    const { host, pools, tag } = this.#options
    const own = this.bridges().map((network) => network.bridge.subnet)
    const subnet = chooseSubnet(pools, [...host.usedSubnets(), ...own], Number.parseInt(tag, 16))
    if (subnet === undefined)
      throw exhausted(
        'SUBNETS_EXHAUSTED',
        'the host uses every subnet of addressPools: add another one to network.json and start the service again',
      )
    return subnet
  }

  #moveAway(network: BridgeNetwork): void {
    if (!this.#options.host.usedSubnets().some((subnet) => overlap(subnet, network.bridge.subnet))) return
    const subnet = this.#freeSubnet()
    const moved = { ...network, bridge: { ...network.bridge, subnet, gateway: subnet.base + 1 } }
    this.#options.store.updateBridge(moved)
    this.#keep(moved)
  }
}
