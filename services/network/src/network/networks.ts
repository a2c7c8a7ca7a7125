import { createHash, randomBytes } from 'node:crypto'
import { conflict, exhausted, invalid, notFound, now } from '@caisson/api'
import { formatSubnet, overlap, type Subnet } from '../ipam/ipv4.ts'
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
  readonly #leaving = new Set<string>()

  constructor(options: NetworksOptions) {
    this.#options = options
  }

  /**
   * Reads the networks, makes those that come with the engine, and gives the default network another subnet when nothing
   * uses it and the host has come to use its own.
   */
  load(inUse: (networkId: string) => boolean): void {
    const { store } = this.#options
    for (const network of store.networks()) this.keep(network)
    for (const driver of ['bridge', 'host', 'none'] as const) this.#ensureBuiltin(driver)
    for (const network of this.#byId.values())
      if (isBridgeNetwork(network) && network.builtin && !inUse(network.id)) this.#moveAway(network)
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
    const exact = this.#byId.get(wanted) ?? this.#named(wanted)
    if (exact !== undefined) return exact
    const [first, second] = this.list().filter((network) => network.id.startsWith(wanted))
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

  /** As find, for somebody who connects to it. Throws NOT_A_BRIDGE, and NETWORK_LEAVING for one that is being removed. */
  connectable(reference: string): BridgeNetwork {
    const network = this.bridge(this.find(reference).id)
    if (this.#leaving.has(network.id))
      throw conflict('NETWORK_LEAVING', `the network ${network.name} is being removed: use another one`)
    return network
  }

  leases(network: BridgeNetwork): Leases {
    const leases = this.#leases.get(network.id)
    if (leases === undefined) throw notFound('network', network.id)
    return leases
  }

  /** Whether an address of it is given out, or about to be. */
  isUsed(network: BridgeNetwork): boolean {
    return this.leases(network).count > 0
  }

  /** From here on it is known and can be connected to. */
  keep(network: Network): void {
    this.#byId.set(network.id, network)
    if (!isBridgeNetwork(network)) return
    const { subnet, gateway, auxiliary, range } = network.bridge
    this.#leases.set(network.id, new Leases(subnet, [gateway, ...Object.values(auxiliary)], range))
  }

  /** Nobody connects to it while `work` removes it; when that is done it is not known any more. */
  async leave(network: Network, work: () => Promise<void>): Promise<void> {
    this.#leaving.add(network.id)
    try {
      await work()
      this.#byId.delete(network.id)
      this.#leases.delete(network.id)
    } finally {
      this.#leaving.delete(network.id)
    }
  }

  /** Throws SUBNET_OVERLAPS when another network or the host uses some of it. */
  requireFree(subnet: Subnet): void {
    const other = this.bridges().find((network) => overlap(network.bridge.subnet, subnet))
    if (other !== undefined) throw overlaps(subnet, other.bridge.subnet, `the network ${other.name}`)
    const used = this.#options.host.usedSubnets().find((each) => overlap(each, subnet))
    if (used !== undefined) throw overlaps(subnet, used, 'the host, by a route or a name server')
  }

  /** The next one of the pools. Throws SUBNETS_EXHAUSTED. */
  freeSubnet(): Subnet {
    const { host, pools, tag } = this.#options
    const own = this.bridges().map((network) => network.bridge.subnet)
    const subnet = chooseSubnet(pools, [...host.usedSubnets(), ...own], Number.parseInt(tag, 16))
    if (subnet === undefined)
      throw exhausted(
        'SUBNETS_EXHAUSTED',
        'every subnet of addressPools is in use: name a subnet, or add a pool to network.json and start the service again',
      )
    return subnet
  }

  #named(name: string): Network | undefined {
    for (const network of this.#byId.values()) if (network.name === name) return network
    return undefined
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
      options: {},
      createdAt: now(),
      bridge: driver === 'bridge' ? this.#newBridge() : undefined,
      origin: undefined,
    }
    store.transaction(() => {
      store.insertNetwork(network)
      events.networkCreated(network, '')
    })
    this.keep(network)
  }

  #newBridge(): Bridge {
    const subnet = this.freeSubnet()
    return {
      name: `csn${this.#options.tag}`,
      subnet,
      gateway: subnet.base + 1,
      range: subnet,
      auxiliary: {},
      mtu: this.#options.host.uplinkMtu(),
      isolated: false,
      internal: false,
      masquerade: true,
    }
  }

  #moveAway(network: BridgeNetwork): void {
    if (!this.#options.host.usedSubnets().some((subnet) => overlap(subnet, network.bridge.subnet))) return
    const subnet = this.freeSubnet()
    const moved = { ...network, bridge: { ...network.bridge, subnet, range: subnet, gateway: subnet.base + 1 } }
    this.#options.store.updateBridge(moved)
    this.keep(moved)
  }
}

const overlaps = (subnet: Subnet, other: Subnet, whose: string) =>
  conflict(
    'SUBNET_OVERLAPS',
    `the subnet ${formatSubnet(subnet)} overlaps ${formatSubnet(other)}, used by ${whose}: choose another one`,
  )
