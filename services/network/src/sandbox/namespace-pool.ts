import { randomBytes } from 'node:crypto'
import type { Logger } from '@caisson/service-kit'
import { formatMac, macOf } from '../ipam/ipv4.ts'
import type { BridgeNetwork } from '../network/network.ts'
import type { Networks } from '../network/networks.ts'
import type { Publications } from '../publishing/publications.ts'
import type { HostPort, SandboxStore } from './ports.ts'
import { type Attachment, DEFAULT_INTERFACE, isWired, type Namespace, type WiredNamespace } from './sandbox.ts'
import { Shelf } from './shelf.ts'

export type NamespacePoolOptions = {
  readonly store: SandboxStore
  readonly host: HostPort
  readonly networks: Networks
  readonly publications: Pick<Publications, 'live'>
  readonly log: Logger
  readonly tag: string
  /** Ready namespaces on a network that is used, and ready namespaces with only loopback. */
  readonly wiredAhead: number
  readonly bareAhead: number
}

const BARE = 'bare'

/**
 * Makes namespaces, keeps some ready, and takes them down. A namespace that is ready is complete: recorded, pinned, with
 * its address (which is leased for it), its route and its place in the firewall. To take one costs the kernel nothing.
 */
export class NamespacePool {
  readonly #options: NamespacePoolOptions
  readonly #shelves = new Map<string, Shelf>()
  readonly #raised = new Set<string>()

  constructor(options: NamespacePoolOptions) {
    this.#options = options
  }

  /** With only loopback; `fromPath`: an existing one instead of a new one. */
  async takeBare(fromPath: string | undefined): Promise<Namespace> {
    if (fromPath !== undefined) return this.#makeBare(fromPath)
    return this.#takeWhole(this.#bareShelf(), () => true) ?? (await this.#makeBare(undefined))
  }

  /** Connected to a network. Throws ADDRESS_IN_USE, ADDRESSES_EXHAUSTED. */
  async takeWired(network: BridgeNetwork, wish: Attachment, fromPath: string | undefined): Promise<Namespace> {
    this.#raise(network)
    const shelf = this.#wiredShelf(network)
    if (fromPath === undefined) {
      const ready = this.#takeWhole(shelf, (namespace) => fits(namespace, wish))
      if (ready !== undefined) return ready
    }
    // The wanted address may lie on the shelf with something else that does not fit.
    const inTheWay = shelf.take(
      (namespace) => wish.address !== undefined && namespace.endpoint?.address === wish.address,
    )
    if (inTheWay !== undefined) this.discard(inTheWay)
    return this.#makeWired(network, wish, fromPath)
  }

  /** Takes a namespace down in the kernel; what is gone is no error. Its record stays. */
  dismantle(namespace: Namespace): void {
    if (isWired(namespace)) this.#options.host.expel(namespace)
    this.#options.host.releaseNamespace(namespace.id)
  }

  /** Gives its address back, once its record is deleted. */
  forget(namespace: Namespace): void {
    if (!isWired(namespace)) return
    const { networks } = this.#options
    networks.leases(networks.bridge(namespace.endpoint.networkId)).release(namespace.endpoint.address)
  }

  /** All of it: kernel, record, address. */
  discard(namespace: Namespace): void {
    this.dismantle(namespace)
    this.#options.store.deleteNamespace(namespace.id)
    this.forget(namespace)
  }

  /** After a start: brings up the bridges and rules that these need. */
  adopt(all: readonly Namespace[]): void {
    for (const network of this.#options.networks.bridges())
      if (all.some((namespace) => namespace.endpoint?.networkId === network.id)) this.#raise(network)
  }

  /** After a start: these are whole and wait to be taken. */
  shelve(unused: readonly Namespace[]): void {
    for (const network of this.#options.networks.bridges()) {
      const found = unused.filter((namespace) => namespace.endpoint?.networkId === network.id)
      if (this.#raised.has(network.id)) this.#wiredShelf(network, found)
    }
    const bare = unused.filter((namespace) => namespace.endpoint === undefined)
    if (bare.length > 0) this.#bareShelf(bare)
  }

  /** Puts all rules in place anew: for when somebody else removed them. */
  program(): void {
    const { host, networks, store, publications } = this.#options
    const raised = networks.bridges().filter((network) => this.#raised.has(network.id))
    host.programFirewall(raised, store.namespaces().filter(isWired), publications.live())
  }

  /** Stops making namespaces ahead. Those that are ready stay, to be found at the next start. */
  async close(): Promise<Namespace[]> {
    const ready = await Promise.all([...this.#shelves.values()].map((shelf) => shelf.close()))
    this.#shelves.clear()
    return ready.flat()
  }

  /** When nothing uses them: removes bridges, rules, and what was changed for the whole host. */
  lowerBridges(): void {
    const { host, networks } = this.#options
    for (const network of networks.bridges()) host.removeBridge(network.bridge.name)
    host.programFirewall([], [], [])
    host.restoreForwarding()
    this.#raised.clear()
  }

  #raise(network: BridgeNetwork): void {
    if (this.#raised.has(network.id)) return
    this.#raised.add(network.id)
    try {
      // Rules first: nothing is forwarded that they do not know of.
      this.program()
      this.#options.host.raiseBridge(network)
    } catch (error) {
      this.#raised.delete(network.id)
      throw error
    }
  }

  #bareShelf(found: readonly Namespace[] = []): Shelf {
    return this.#shelf(BARE, this.#options.bareAhead, () => this.#makeBare(undefined), found)
  }

  #wiredShelf(network: BridgeNetwork, found: readonly Namespace[] = []): Shelf {
    return this.#shelf(
      network.id,
      this.#options.wiredAhead,
      () => this.#makeWired(network, plainWish, undefined),
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
    const namespace: Namespace = { id: newId(8), endpoint: undefined }
    await this.#options.host.makeNamespace(namespace, undefined, fromPath)
    this.#undoingOnFailure(namespace, () => this.#options.store.insertNamespace(namespace))
    return namespace
  }

  async #makeWired(network: BridgeNetwork, wish: Attachment, fromPath: string | undefined): Promise<Namespace> {
    const { host, networks, tag } = this.#options
    const leases = networks.leases(network)
    if (wish.address !== undefined) leases.take(wish.address)
    const address = wish.address ?? leases.next()
    const namespace: WiredNamespace = {
      id: newId(8),
      endpoint: {
        id: newId(32),
        networkId: network.id,
        interfaceName: wish.interfaceName,
        mac: wish.mac ?? macOf(address),
        address,
        portName: `csp${tag}${newId(3)}`,
      },
    }
    try {
      await host.makeNamespace(namespace, network, fromPath)
      this.#undoingOnFailure(namespace, () => {
        host.admit(namespace)
        this.#options.store.insertNamespace(namespace)
      })
    } catch (error) {
      leases.release(address)
      throw error
    }
    return namespace
  }

  #undoingOnFailure(made: Namespace, finish: () => void): void {
    try {
      finish()
    } catch (error) {
      this.dismantle(made)
      throw error
    }
  }
}

const plainWish: Attachment = { network: '', address: undefined, mac: undefined, interfaceName: DEFAULT_INTERFACE }

const newId = (bytes: number): string => randomBytes(bytes).toString('hex')

/** Whether what lies on the shelf is what was asked for. */
function fits({ endpoint }: Namespace, wish: Attachment): boolean {
  if (endpoint === undefined) return false
  return (
    (wish.address === undefined || wish.address === endpoint.address) &&
    (wish.mac === undefined || formatMac(wish.mac) === formatMac(endpoint.mac)) &&
    wish.interfaceName === endpoint.interfaceName
  )
}
