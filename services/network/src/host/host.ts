import type { Logger } from '@caisson/service-kit'
import { ipv4OfBytes, parseIpv4, type Subnet, subnetOf } from '../ipam/ipv4.ts'
import { NETLINK_ROUTE, NetlinkSocket } from '../kernel/netlink-socket.ts'
import { AF_INET } from '../kernel/rtnetlink/address.ts'
import { dumpLinks, parseLink, setLink } from '../kernel/rtnetlink/link.ts'
import { dumpRoutes, isUnicast, parseRoute, type Route } from '../kernel/rtnetlink/route.ts'
import type { BridgeNetwork } from '../network/network.ts'
import type { HostPorts, Publication } from '../publishing/published-port.ts'
import { nameServersOf } from '../sandbox/files.ts'
import type { HostPort, InterfaceCounters } from '../sandbox/ports.ts'
import type { Namespace, WiredNamespace } from '../sandbox/sandbox.ts'
import { Bridges } from './bridges.ts'
import { Firewall } from './firewall.ts'
import { BRIDGE_PREFIX } from './firewall-rules.ts'
import { HostFiles } from './host-files.ts'
import { Namespaces } from './namespaces.ts'
import { PortPublisher } from './port-publisher.ts'

export type HostOptions = {
  readonly tag: string
  /** Where pins of namespaces go. */
  readonly pinFolder: string
  /** Remembers, over restarts of this service, that it turned forwarding on. */
  readonly forwarding: { turnedOn: boolean }
  readonly log: Logger
}

const RESOLV_CONF = '/etc/resolv.conf'
// The name servers behind systemd-resolved's stub, which listens on the loopback only.
const RESOLVED_CONF = '/run/systemd/resolve/resolv.conf'
const STUB_ADDRESS = '127.0.0.53'
const ETHERNET_MTU = 1500

/** This machine's kernel. */
export class Host implements HostPort, Disposable {
  readonly #options: HostOptions
  readonly #route = NetlinkSocket.open(NETLINK_ROUTE)
  readonly #wiring = NetlinkSocket.open(NETLINK_ROUTE)
  readonly #firewall: Firewall
  readonly #bridges: Bridges
  readonly #namespaces: Namespaces
  readonly #publisher: PortPublisher
  readonly #files = new HostFiles()
  readonly #bridgeIndexes = new Map<string, number>()

  constructor(options: HostOptions) {
    this.#options = options
    this.#firewall = new Firewall(options.tag, options.log)
    this.#bridges = new Bridges(this.#route, options.forwarding.turnedOn)
    this.#publisher = new PortPublisher(this.#firewall, this.#route, options.log)
    this.#namespaces = new Namespaces(options.pinFolder, this.#wiring)
  }

  usedSubnets(): readonly Subnet[] {
    const own = this.#links().filter((link) => link?.name.startsWith(`${BRIDGE_PREFIX}${this.#options.tag}`))
    const ownIndexes = new Set(own.map((link) => link?.index))
    const routed = this.#routes()
      .filter((route) => !ownIndexes.has(route.index))
      .flatMap(({ destination, prefixLength }) =>
        destination === undefined ? [] : [subnetOf(ipv4OfBytes(destination), prefixLength)],
      )
    const asked = nameServersOf(this.resolvConf()).flatMap((server) => {
      const address = parseIpv4(server)
      return address === undefined ? [] : [{ base: address, prefixLength: 32 }]
    })
    return [...routed, ...asked]
  }

  uplinkMtu(): number {
    const uplink = this.#routes().find((route) => route.destination === undefined && route.gateway !== undefined)
    const link = this.#links().find((candidate) => candidate?.index === uplink?.index)
    return link?.mtu ?? ETHERNET_MTU
  }

  raiseBridge(network: BridgeNetwork): void {
    this.#bridgeIndexes.set(network.id, this.#bridges.raise(network).index)
    this.#publisher.addBridge(network.bridge.name)
    this.#options.forwarding.turnedOn = this.#bridges.forward()
  }

  removeBridge(name: string): void {
    this.#publisher.removeBridge(name)
    this.#bridges.remove(name)
    this.#bridgeIndexes.clear()
  }

  restoreForwarding(): void {
    this.#bridges.restoreForwarding()
    this.#options.forwarding.turnedOn = false
  }

  programFirewall(
    networks: readonly BridgeNetwork[],
    namespaces: readonly WiredNamespace[],
    published: readonly Publication[],
  ): void {
    this.#firewall.program(networks, namespaces, published)
    this.#publisher.programmed(published)
  }

  holdPorts(ports: HostPorts): Promise<Disposable> {
    return this.#publisher.hold(ports)
  }

  ephemeralPorts(): { first: number; last: number } {
    return this.#publisher.ephemeralPorts()
  }

  publish(removed: readonly Publication[], added: readonly Publication[]): void {
    this.#publisher.publish(removed, added)
  }

  admit(namespace: WiredNamespace): void {
    this.#firewall.admit(namespace)
  }

  expel(namespace: WiredNamespace): void {
    this.#firewall.expel(namespace)
  }

  /** Calls back when somebody removed the firewall's rules. */
  watchFirewall(onLoss: () => void): Disposable {
    return this.#firewall.watch(onLoss)
  }

  async makeNamespace(
    namespace: Namespace,
    network: BridgeNetwork | undefined,
    fromPath: string | undefined,
  ): Promise<void> {
    const bridge = network === undefined ? undefined : { network, index: this.#bridgeIndex(network) }
    await this.#namespaces.make(namespace, bridge, fromPath)
  }

  releaseNamespace(id: string): void {
    this.#namespaces.release(id)
  }

  namespacePath(id: string): string {
    return this.#namespaces.path(id)
  }

  pins(): readonly string[] {
    return this.#namespaces.pins()
  }

  isAlive(id: string): boolean {
    return this.#namespaces.isAlive(id)
  }

  isWhole({ id, endpoint }: Namespace, network: BridgeNetwork | undefined): boolean {
    if (!this.#namespaces.isAlive(id)) return false
    if (endpoint === undefined || network === undefined) return true
    const port = this.#bridges.find(endpoint.portName)
    if (port === undefined) return false
    const master = this.#bridgeIndex(network)
    if (port.master !== master)
      this.#route.request(`put ${port.name} on its bridge`, [setLink({ index: port.index, up: true, master })])
    return true
  }

  counters(namespaceId: string, interfaceName: string): InterfaceCounters {
    return this.#namespaces.counters(namespaceId, interfaceName)
  }

  /** With the name servers behind a stub on the loopback instead of the stub. */
  resolvConf(): string {
    const content = this.#files.read(RESOLV_CONF)
    if (nameServersOf(content).join() !== STUB_ADDRESS) return content
    return this.#files.read(RESOLVED_CONF) || content
  }

  hosts(): string {
    return this.#files.read('/etc/hosts')
  }

  [Symbol.dispose](): void {
    this.#publisher[Symbol.dispose]()
    this.#firewall[Symbol.dispose]()
    this.#wiring[Symbol.dispose]()
    this.#route[Symbol.dispose]()
  }

  #bridgeIndex(network: BridgeNetwork): number {
    const known = this.#bridgeIndexes.get(network.id)
    if (known !== undefined) return known
    const link = this.#bridges.raise(network)
    this.#bridgeIndexes.set(network.id, link.index)
    return link.index
  }

  #links() {
    return this.#route.dump('list interfaces', dumpLinks()).map(parseLink)
  }

  #routes(): Route[] {
    return this.#route
      .dump('list routes', dumpRoutes(AF_INET))
      .map(parseRoute)
      .filter((route) => route !== undefined)
      .filter(isUnicast)
  }
}
