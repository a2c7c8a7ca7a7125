import type { Logger } from '@caisson/service-kit'
import { ipv4OfBytes, parseIpv4, type Subnet, subnetOf } from '../ipam/ipv4.ts'
import { NETLINK_ROUTE, NetlinkSocket } from '../kernel/netlink-socket.ts'
import { AF_INET } from '../kernel/rtnetlink/address.ts'
import { raisePort, setLink } from '../kernel/rtnetlink/link.ts'
import { dumpRoutes, isUnicast, parseRoute, type Route } from '../kernel/rtnetlink/route.ts'
import { nameServersOf } from '../names/resolv-conf.ts'
import type { BridgeNetwork } from '../network/network.ts'
import type { HostPorts, Publication } from '../publishing/published-port.ts'
import type { HostPort } from '../sandbox/ports.ts'
import type { Endpoint, Wire } from '../sandbox/sandbox.ts'
import type { Bandwidth } from '../shaping/bandwidth.ts'
import type { InterfaceCounters } from '../traffic/counters.ts'
import { Bridges } from './bridges.ts'
import { Firewall } from './firewall.ts'
import { HostFiles } from './host-files.ts'
import { Namespaces, type Plug } from './namespaces.ts'
import { PortCounters } from './port-counters.ts'
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
  readonly #counters = new PortCounters()
  readonly #bridgeIndexes = new Map<string, number>()

  constructor(options: HostOptions) {
    this.#options = options
    this.#firewall = new Firewall(options.tag, options.log)
    this.#bridges = new Bridges(options.tag, this.#route, options.forwarding.turnedOn)
    this.#publisher = new PortPublisher(this.#firewall, this.#route, options.log)
    this.#namespaces = new Namespaces(options.pinFolder, this.#wiring)
  }

  usedSubnets(): readonly Subnet[] {
    const ownIndexes = new Set(this.#bridges.own().map(({ index }) => index))
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
    return (uplink && this.#bridges.at(uplink.index)?.mtu) ?? ETHERNET_MTU
  }

  raiseBridge(network: BridgeNetwork): void {
    this.#bridgeIndexes.set(network.id, this.#bridges.raise(network).index)
    this.#publisher.addBridge(network.bridge.name)
    this.#options.forwarding.turnedOn = this.#bridges.forward()
  }

  bridgeStands(network: BridgeNetwork): boolean {
    return this.#bridges.stands(network)
  }

  removeBridge({ id, bridge }: BridgeNetwork): void {
    this.#publisher.removeBridge(bridge.name)
    this.#bridgeIndexes.delete(id)
    this.#bridges.remove(bridge.name)
  }

  removeBridges(networks: readonly BridgeNetwork[]): void {
    this.#bridgeIndexes.clear()
    this.#bridges.removeAll(new Set(networks.map(({ bridge }) => bridge.name)))
  }

  removeBridgeAsync({ id, bridge }: BridgeNetwork): Promise<void> {
    this.#publisher.removeBridge(bridge.name)
    this.#bridgeIndexes.delete(id)
    return this.#bridges.removeAsync(bridge.name)
  }

  removeStrays(kept: { bridges: ReadonlySet<string>; ports: ReadonlySet<string> }): void {
    this.#bridges.removeStrays(kept)
  }

  restoreForwarding(): void {
    this.#bridges.restoreForwarding()
    this.#options.forwarding.turnedOn = false
  }

  programFirewall(
    networks: readonly BridgeNetwork[],
    endpoints: readonly Endpoint[],
    published: readonly Publication[],
  ): void {
    this.#firewall.program(networks, endpoints, published)
    this.#publisher.programmed(published)
  }

  addToFirewall(network: BridgeNetwork): boolean {
    return this.#firewall.addNetwork(network)
  }

  removeFromFirewall(networks: readonly BridgeNetwork[]): boolean {
    return this.#firewall.removeNetworks(networks)
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

  admit(endpoint: Endpoint): void {
    this.#firewall.admit(endpoint)
  }

  expel(endpoint: Endpoint): void {
    this.#counters.leave(endpoint)
    this.#firewall.expel(endpoint)
  }

  /** Calls back when somebody removed the firewall's rules. */
  watchFirewall(onLoss: () => void): Disposable {
    return this.#firewall.watch(onLoss)
  }

  async makeNamespace(id: string, wires: readonly Wire[], fromPath: string | undefined): Promise<void> {
    await this.#namespaces.make(
      id,
      wires.map((wire) => this.#plug(wire)),
      fromPath,
    )
  }

  connect(namespaceId: string, wire: Wire): Promise<void> {
    return this.#namespaces.connect(namespaceId, this.#plug(wire))
  }

  disconnect(endpoint: Endpoint): Promise<void> {
    return this.#bridges.removePort(endpoint.portName)
  }

  routeThrough(namespaceId: string, wire: Wire): Promise<void> {
    return this.#namespaces.routeThrough(namespaceId, wire)
  }

  shape(namespaceId: string, wire: Wire, bandwidth: Bandwidth): Promise<void> {
    return this.#namespaces.shape(namespaceId, wire, bandwidth)
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

  isWhole(namespaceId: string, wires: readonly Wire[]): boolean {
    return this.#namespaces.isAlive(namespaceId) && wires.every((wire) => this.#isPlugged(wire))
  }

  portCounters(): Promise<ReadonlyMap<string, InterfaceCounters>> {
    return this.#counters.all()
  }

  departedCounters(): ReadonlyMap<string, InterfaceCounters> {
    return this.#counters.departed()
  }

  forgetCounters(networkId: string): void {
    this.#counters.forget(networkId)
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
    this.#bridges[Symbol.dispose]()
    this.#counters[Symbol.dispose]()
    this.#wiring[Symbol.dispose]()
    this.#route[Symbol.dispose]()
  }

  #plug(wire: Wire): Plug {
    return { ...wire, bridgeIndex: this.#bridgeIndex(wire.network) }
  }

  #isPlugged({ endpoint, network }: Wire): boolean {
    const port = this.#bridges.find(endpoint.portName)
    if (port === undefined) return false
    const master = this.#bridgeIndex(network)
    if (port.master === master) return true
    // What a port was told goes with its bridge.
    const { isolated } = network.bridge
    this.#route.request(`put ${port.name} on its bridge`, [setLink({ index: port.index, up: true, master })])
    this.#route.request(`set up ${port.name}`, [raisePort({ name: port.name, isolated })])
    this.#publisher.replugged(port.name)
    return true
  }

  #bridgeIndex(network: BridgeNetwork): number {
    const known = this.#bridgeIndexes.get(network.id)
    if (known !== undefined) return known
    const link = this.#bridges.raise(network)
    this.#bridgeIndexes.set(network.id, link.index)
    return link.index
  }

  #routes(): Route[] {
    return this.#route
      .dump('list routes', dumpRoutes(AF_INET))
      .map(parseRoute)
      .filter((route) => route !== undefined)
      .filter(isUnicast)
  }
}
