import type { Logger } from '@caisson/service-kit'
import { formatMac } from '../ipam/ipv4.ts'
import { openInTime } from '../names/open-in-time.ts'
import type { NameServer } from '../names/ports.ts'
import type { BridgeNetwork } from '../network/network.ts'
import type { Networks } from '../network/networks.ts'
import type { StandingNetworks } from '../network/standing-networks.ts'
import { type Connection, type Endpoints, newId } from './endpoints.ts'
import type { HostPort, SandboxStore } from './ports.ts'
import { type Attachment, type Endpoint, freeInterfaceName, type Namespace } from './sandbox.ts'
import { Shelf } from './shelf.ts'
import { Shelves } from './shelves.ts'

export type NamespacePoolOptions = {
  readonly store: SandboxStore
  readonly host: HostPort
  readonly networks: Networks
  readonly standing: StandingNetworks
  readonly endpoints: Endpoints
  readonly nameServer: Pick<NameServer, 'open' | 'close'>
  readonly log: Logger
  /** Ready namespaces on the default network once it is used, and ready namespaces with only loopback. */
  readonly wiredAhead: number
  readonly bareAhead: number
  /** Ready namespaces on each network that somebody made, while it is used. */
  readonly networkAhead: number
}

const BARE = 'bare'
const SCARCE_ADDRESSES = 64

/**
 * Makes namespaces, keeps some ready, and takes them down. A namespace that is ready is complete: recorded, pinned, with
 * its address (which is leased for it), its route, its name server and its place in the firewall. To take one costs the
 * kernel nothing.
 */
export class NamespacePool {
  readonly #options: NamespacePoolOptions
  readonly #shelves = new Map<string, Shelf>()
  /** Of networks that somebody made, by their ids. */
  readonly #passing: Shelves

  constructor(options: NamespacePoolOptions) {
    this.#options = options
    const { networks, log } = options
    this.#passing = new Shelves({
      make: (networkId) => this.#makeWired([{ network: networks.bridge(networkId), wish: plainWish }], undefined),
      discard: (namespace) => this.discard(namespace),
      log,
    })
  }

  /** With only loopback; `fromPath`: an existing one instead of a new one. */
  async takeBare(fromPath: string | undefined): Promise<Namespace> {
    if (fromPath !== undefined) return this.#makeBare(fromPath)
    return this.#takeWhole(this.#bareShelf(), () => true) ?? (await this.#makeBare(undefined))
  }

  /** Connected to networks. Throws what Endpoints.lease throws. */
  async takeWired(connections: readonly Connection[], fromPath: string | undefined): Promise<Namespace> {
    const [only, ...more] = connections
    if (only !== undefined && more.length === 0 && fromPath === undefined) {
      this.#options.standing.raise(only.network)
      const ready = this.#takeReady(only)
      if (ready !== undefined) return ready
    }
    this.#prepare(connections)
    return this.#makeWired(connections, fromPath)
  }

  /** Connects a living namespace to one more network; see Endpoints.connect. */
  async connect(namespace: Namespace, connection: Connection, record: (endpoint: Endpoint) => void): Promise<void> {
    this.#prepare([connection])
    await this.#options.endpoints.connect(namespace, connection, record)
  }

  /** Takes a namespace down in the kernel; what is gone is no error. Its record stays. */
  dismantle(namespace: Namespace): void {
    const { host, nameServer } = this.#options
    for (const endpoint of namespace.endpoints) host.expel(endpoint)
    // It would keep the namespace, and with it the interfaces.
    nameServer.close(namespace.id)
    host.releaseNamespace(namespace.id)
  }

  /** Gives its addresses back, once its record is deleted. */
  forget(namespace: Namespace): void {
    const { endpoints } = this.#options
    endpoints.release(endpoints.wiresOf(namespace))
  }

  /** All of it: kernel, record, addresses. */
  discard(namespace: Namespace): void {
    this.dismantle(namespace)
    this.#options.store.deleteNamespace(namespace.id)
    this.forget(namespace)
  }

  /** After a start: these are whole and wait to be taken. */
  shelve(unused: readonly Namespace[]): void {
    const { networks, standing } = this.#options
    for (const network of networks.bridges()) {
      const found = unused.filter((namespace) => namespace.endpoints.some(({ networkId }) => networkId === network.id))
      if (network.builtin && standing.has(network)) this.#wiredShelf(network, found)
      if (!network.builtin && found.length > 0) this.#passing.open(network.id, this.#options.networkAhead, found)
    }
    const bare = unused.filter((namespace) => namespace.endpoints.length === 0)
    if (bare.length > 0) this.#bareShelf(bare)
  }

  /** Stops making namespaces ahead. Those that are ready stay, to be found at the next start. */
  async close(): Promise<Namespace[]> {
    const ready = await Promise.all([...this.#shelves.values()].map((shelf) => shelf.close()))
    this.#shelves.clear()
    return [...ready.flat(), ...(await this.#passing.close())]
  }

  /** Nothing lies ready on the network any more. */
  vacate(network: BridgeNetwork): Promise<void> {
    return this.#passing.clear(network.id)
  }

  /** One that lies on the shelf and is what was wished. */
  #takeReady({ network, wish }: Connection): Namespace | undefined {
    const shelf = network.builtin ? this.#wiredShelf(network) : this.#passingShelf(network)
    const ready = shelf && this.#takeWhole(shelf, (namespace) => fits(namespace, wish))
    return ready && this.#named(ready, wish)
  }

  /** Where so few addresses are left none is taken ahead. */
  #passingShelf(network: BridgeNetwork): Shelf | undefined {
    const { networks, networkAhead } = this.#options
    if (networks.leases(network).free >= SCARCE_ADDRESSES) return this.#passing.use(network.id, networkAhead)
    this.#passing.giveUp(network.id)
    return undefined
  }

  /** With what only records know: names on the network and the say in the default route. */
  #named(ready: Namespace, { aliases, gatewayPriority }: Attachment): Namespace {
    const [endpoint] = ready.endpoints
    if (endpoint === undefined) return ready
    if (aliases.join() === endpoint.aliases.join() && gatewayPriority === endpoint.gatewayPriority) return ready
    const named = { ...endpoint, aliases, gatewayPriority }
    this.#options.store.updateEndpoint(named)
    return { ...ready, endpoints: [named] }
  }

  /** Bridges that stand, and addresses that do not lie on a shelf: a wanted one, or the last. */
  #prepare(connections: readonly Connection[]): void {
    for (const { network, wish } of connections) {
      this.#options.standing.raise(network)
      const isLast = this.#options.networks.leases(network).free === 0
      const shelf = this.#shelves.get(network.id) ?? this.#passing.get(network.id)
      const inTheWay = shelf?.take(({ endpoints }) =>
        wish.address === undefined ? isLast : endpoints.some(({ address }) => address === wish.address),
      )
      if (inTheWay !== undefined) this.discard(inTheWay)
    }
  }

  #bareShelf(found: readonly Namespace[] = []): Shelf {
    return this.#shelf(BARE, this.#options.bareAhead, () => this.#makeBare(undefined), found)
  }

  #wiredShelf(network: BridgeNetwork, found: readonly Namespace[] = []): Shelf {
    return this.#shelf(
      network.id,
      this.#options.wiredAhead,
      () => this.#makeWired([{ network, wish: plainWish }], undefined),
      found,
    )
  }

  #shelf(key: string, size: number, make: () => Promise<Namespace>, found: readonly Namespace[]): Shelf {
    const existing = this.#shelves.get(key)
    if (existing !== undefined) return existing
    const shelf = new Shelf({ size, make, log: this.#options.log })
    this.#shelves.set(key, shelf)
    shelf.open(found)
    return shelf
  }

  /** What lies on the shelf, unless somebody removed it meanwhile; then the next one. */
  #takeWhole(shelf: Shelf, wanted: (namespace: Namespace) => boolean): Namespace | undefined {
    for (;;) {
      const namespace = shelf.take(wanted)
      if (namespace === undefined || this.#options.host.isAlive(namespace.id)) return namespace
      this.#options.log.warn({ namespace: namespace.id }, 'a namespace that was ready is gone: it is replaced')
      this.discard(namespace)
    }
  }

  async #makeBare(fromPath: string | undefined): Promise<Namespace> {
    const namespace: Namespace = { id: newId(8), endpoints: [] }
    await this.#options.host.makeNamespace(namespace.id, [], fromPath)
    await this.#undoingOnFailure(namespace, async () => this.#options.store.insertNamespace(namespace))
    return namespace
  }

  async #makeWired(connections: readonly Connection[], fromPath: string | undefined): Promise<Namespace> {
    const { host, nameServer, store, endpoints } = this.#options
    const wires = endpoints.lease(connections)
    const namespace: Namespace = { id: newId(8), endpoints: wires.map(({ endpoint }) => endpoint) }
    try {
      await host.makeNamespace(namespace.id, wires, fromPath)
      await this.#undoingOnFailure(namespace, async () => {
        await openInTime(nameServer, namespace.id, host.namespacePath(namespace.id))
        for (const { endpoint } of wires) host.admit(endpoint)
        store.insertNamespace(namespace)
      })
    } catch (error) {
      endpoints.release(wires)
      throw error
    }
    return namespace
  }

  async #undoingOnFailure(made: Namespace, finish: () => Promise<void>): Promise<void> {
    try {
      await finish()
    } catch (error) {
      this.dismantle(made)
      throw error
    }
  }
}

const plainWish: Attachment = {
  network: '',
  address: undefined,
  mac: undefined,
  interfaceName: undefined,
  aliases: [],
  gatewayPriority: 0,
}

/** Whether what lies on the shelf is what was asked for. */
function fits({ endpoints: [endpoint] }: Namespace, wish: Attachment): boolean {
  if (endpoint === undefined) return false
  return (
    (wish.address === undefined || wish.address === endpoint.address) &&
    (wish.mac === undefined || formatMac(wish.mac) === formatMac(endpoint.mac)) &&
    (wish.interfaceName ?? freeInterfaceName(new Set())) === endpoint.interfaceName
  )
}
