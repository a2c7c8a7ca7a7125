import { randomBytes } from 'node:crypto'
import { alreadyExists, CaissonError, conflict, exhausted, failedPrecondition, now } from '@caisson/api'
import { planAddresses, requireUsable } from '../ipam/address-plan.ts'
import type { HostPort, SandboxEvents, SandboxStore } from '../sandbox/ports.ts'
import { Turns } from '../sandbox/turns.ts'
import { fingerprintOf } from './fingerprint.ts'
import { type Bridge, type BridgeNetwork, isBridgeNetwork, type Network, type NetworkRequest } from './network.ts'
import type { Networks } from './networks.ts'
import type { StandingNetworks } from './standing-networks.ts'

export type UserNetworksOptions = {
  readonly store: SandboxStore
  readonly host: HostPort
  readonly events: SandboxEvents
  readonly networks: Networks
  readonly standing: StandingNetworks
  /** Takes down what was made ahead on it. */
  readonly vacate: (network: BridgeNetwork) => Promise<void>
  readonly tag: string
}

/** A start looks at each, and so does the choice of a subnet. */
const MOST_NETWORKS = 1_000

/** Makes and removes networks. */
export class UserNetworks {
  readonly #options: UserNetworksOptions
  readonly #turns = new Turns()

  constructor(options: UserNetworksOptions) {
    this.#options = options
  }

  /**
   * Makes a network with its bridge, or gives back the one that the same request id made. Throws NETWORK_EXISTS,
   * REQUEST_ID_REUSED, SUBNET_INVALID, SUBNET_OVERLAPS, SUBNETS_EXHAUSTED, GATEWAY_INVALID, INTERFACE_EXISTS.
   */
  create(request: NetworkRequest, traceId: string): Network {
    const made = this.#madeBefore(request)
    if (made !== undefined) return made
    const { store, events, networks, standing } = this.#options
    this.#requireRoom(request)
    const network = this.#plan(request)
    // The kernel first: what a crash leaves there is found without its record at the next start.
    standing.raise(network)
    try {
      store.transaction(() => {
        store.insertNetwork(network)
        events.networkCreated(network, traceId)
      })
    } catch (error) {
      standing.drop(network)
      throw error
    }
    networks.keep(network)
    return network
  }

  /** Throws NETWORK_NOT_FOUND, NETWORK_BUILTIN, NETWORK_IN_USE. */
  delete(reference: string, traceId: string): Promise<void> {
    const { id } = this.#options.networks.find(reference)
    return this.#turns.run(id, () => this.#remove(id, traceId))
  }

  /** Removes those that are `chosen` and that nothing uses; gives their ids. */
  async prune(chosen: (network: Network) => boolean, traceId: string): Promise<string[]> {
    const { networks } = this.#options
    const removed = networks.bridges().filter((network) => !network.builtin && chosen(network))
    // All at once: the kernel removes many bridges in the time of one.
    const results = await Promise.allSettled(removed.map(({ id }) => this.delete(id, traceId)))
    // Somebody removed it, or came to use it, meanwhile.
    for (const result of results) if (result.status === 'rejected' && !isOvertaken(result.reason)) throw result.reason
    return removed.filter((_, index) => results[index]?.status === 'fulfilled').map(({ id }) => id)
  }

  async #remove(id: string, traceId: string): Promise<void> {
    const { store, events, networks, standing, vacate } = this.#options
    const network = networks.byId(id)
    if (network.builtin || !isBridgeNetwork(network))
      throw failedPrecondition('NETWORK_BUILTIN', `the network ${network.name} comes with the engine and stays`)
    await networks.leave(network, async () => {
      if (networks.isUsed(network)) await vacate(network)
      this.#requireUnused(network)
      await standing.lower(network)
      store.transaction(() => {
        store.deleteNetwork(id)
        events.networkDeleted(network, traceId)
      })
    })
  }

  #requireUnused(network: BridgeNetwork): void {
    const { networks, store } = this.#options
    if (!networks.isUsed(network)) return
    const users = store
      .sandboxes()
      .filter(({ namespace }) => namespace?.endpoints.some(({ networkId }) => networkId === network.id))
      .map(({ id, name }) => (name === '' ? id.slice(0, 12) : name))
    const named = users.length > 5 ? `${users.slice(0, 5).join(', ')} and ${users.length - 5} more` : users.join(', ')
    throw failedPrecondition(
      'NETWORK_IN_USE',
      `the network ${network.name} is used by ${named === '' ? 'a container that is being made' : named}: ` +
        'disconnect or remove them first',
    )
  }

  #madeBefore(request: NetworkRequest): Network | undefined {
    if (request.requestId === '') return undefined
    const made = this.#options.networks.list().find(({ origin }) => origin?.requestId === request.requestId)
    if (made === undefined || made.origin?.request === fingerprintOf(request)) return made
    throw conflict('REQUEST_ID_REUSED', `request_id ${request.requestId} made another network: use one id a request`)
  }

  #requireRoom({ name, bridgeName }: NetworkRequest): void {
    const all = this.#options.networks.list()
    if (all.some((network) => network.name === name || network.id === name))
      throw alreadyExists('network', name, 'remove it first or choose another name')
    const sharing = all.find(({ bridge }) => bridge !== undefined && bridge.name === bridgeName)
    if (sharing !== undefined)
      throw conflict(
        'INTERFACE_EXISTS',
        `the bridge ${bridgeName} is that of the network ${sharing.name}: name another`,
      )
    if (all.length >= MOST_NETWORKS)
      throw exhausted('NETWORKS_EXHAUSTED', `there are ${all.length} networks, the most there may be: remove some`)
  }

  #plan(request: NetworkRequest): BridgeNetwork {
    const id = this.#newId()
    const { name, labels, options, requestId } = request
    return {
      id,
      name,
      driver: 'bridge',
      builtin: false,
      labels,
      options,
      createdAt: now(),
      bridge: this.#planBridge(id, request),
      origin: requestId === '' ? undefined : { requestId, request: fingerprintOf(request) },
    }
  }

  /** One that gives the bridge a name of its own. */
  #newId(): string {
    const { networks, tag } = this.#options
    const taken = new Set(networks.bridges().map(({ bridge }) => bridge.name))
    for (;;) {
      const id = randomBytes(32).toString('hex')
      if (!taken.has(ownBridgeName(tag, id))) return id
    }
  }

  #planBridge(id: string, { addresses, bridgeName, mtu, isolated, internal, masquerade }: NetworkRequest): Bridge {
    const { networks, host, tag } = this.#options
    if (addresses.subnet !== undefined) requireUsable(addresses.subnet)
    const plan = planAddresses(addresses.subnet ?? networks.freeSubnet(), addresses)
    if (addresses.subnet !== undefined) networks.requireFree(addresses.subnet)
    return {
      ...plan,
      name: bridgeName ?? ownBridgeName(tag, id),
      mtu: mtu ?? host.uplinkMtu(),
      isolated,
      internal,
      masquerade,
    }
  }
}

const ownBridgeName = (tag: string, id: string): string => `csn${tag}${id.slice(0, 6)}`

const isOvertaken = (error: unknown): boolean =>
  error instanceof CaissonError && (error.reason === 'NETWORK_IN_USE' || error.reason === 'NETWORK_NOT_FOUND')
