import { conflict } from '@caisson/api'
import { formatIpv4, type Subnet } from '../src/ipam/ipv4.ts'
import type { BridgeNetwork } from '../src/network/network.ts'
import type { HostPorts, Publication } from '../src/publishing/published-port.ts'
import type { HostPort } from '../src/sandbox/ports.ts'
import type { Endpoint, Wire } from '../src/sandbox/sandbox.ts'
import type { Bandwidth } from '../src/shaping/bandwidth.ts'
import type { InterfaceCounters } from '../src/traffic/counters.ts'

type Step =
  | 'makeNamespace'
  | 'admit'
  | 'expel'
  | 'raiseBridge'
  | 'programFirewall'
  | 'connect'
  | 'disconnect'
  | 'removeBridge'
  | 'publish'
  | 'shape'

/** A host in memory. What a test wants to go wrong, it sets. */
export class FakeHost implements HostPort {
  used: readonly Subnet[] = []
  /** Interfaces of somebody else. */
  readonly foreign = new Set<string>()
  readonly namespaces = new Set<string>()
  readonly bridges = new Set<string>()
  /** Ids of endpoints. */
  readonly admitted = new Set<string>()
  readonly ports = new Set<string>()
  /** Name of the interface of the default route, by the id of the namespace. */
  readonly routes = new Map<string, string>()
  /** Ports that processes of the host have. */
  readonly taken = new Set<number>()
  readonly held = new Set<string>()
  /** What the rules say: protocol, address and port of the host, and where it leads. */
  readonly published = new Set<string>()
  /** By the name of the interface. */
  readonly limits = new Map<string, Bandwidth>()
  programmed: readonly string[] = []
  forwarding = false
  made = 0
  /** Thrown by the next step of that name, once. */
  failure: { readonly at: Step; readonly error: Error } | undefined

  usedSubnets(): readonly Subnet[] {
    return this.used
  }

  uplinkMtu(): number {
    return 1400
  }

  bridgeStands({ bridge }: BridgeNetwork): boolean {
    if (this.foreign.has(bridge.name)) throw conflict('INTERFACE_EXISTS', `${bridge.name} is somebody else's`)
    return this.bridges.has(bridge.name)
  }

  raiseBridge(network: BridgeNetwork): void {
    this.bridges.add(network.bridge.name)
    this.#fail('raiseBridge')
    this.forwarding = true
  }

  removeBridge({ bridge }: BridgeNetwork): void {
    this.bridges.delete(bridge.name)
  }

  removeBridges(networks: readonly BridgeNetwork[]): void {
    for (const network of networks) this.removeBridge(network)
  }

  async removeBridgeAsync(network: BridgeNetwork): Promise<void> {
    await Promise.resolve()
    this.#fail('removeBridge')
    this.removeBridge(network)
  }

  removeStrays(kept: { bridges: ReadonlySet<string>; ports: ReadonlySet<string> }): void {
    for (const name of this.bridges) if (!kept.bridges.has(name)) this.bridges.delete(name)
    for (const name of this.ports) if (!kept.ports.has(name)) this.ports.delete(name)
  }

  restoreForwarding(): void {
    this.forwarding = false
  }

  programFirewall(
    networks: readonly BridgeNetwork[],
    endpoints: readonly Endpoint[],
    published: readonly Publication[],
  ): void {
    this.#fail('programFirewall')
    this.published.clear()
    for (const line of published.flatMap(linesOf)) this.published.add(line)
    this.programmed = networks.map(({ name }) => name)
    this.admitted.clear()
    for (const { id } of endpoints) this.admitted.add(id)
  }

  addToFirewall({ name }: BridgeNetwork): boolean {
    this.#fail('programFirewall')
    if (this.programmed.length === 0) return false
    this.programmed = [...new Set([...this.programmed, name])]
    return true
  }

  removeFromFirewall(networks: readonly BridgeNetwork[]): boolean {
    if (!networks.every(({ name }) => this.programmed.includes(name))) return false
    this.programmed = this.programmed.filter((name) => !networks.some((network) => network.name === name))
    return true
  }

  async holdPorts(ports: HostPorts): Promise<Disposable> {
    await Promise.resolve()
    const places = Array.from({ length: ports.count }, (_, index) => ports.hostPort + index)
    for (const port of places)
      if (this.taken.has(port)) throw conflict('PORT_IN_USE', `${port} is in use`, { details: { owner: 'nginx (7)' } })
    const keys = places.map((port) => `${ports.transport} ${ports.hostAddress ?? '*'}:${port}`)
    for (const key of keys) {
      if (this.held.has(key)) throw new Error(`${key} is held twice`)
      this.held.add(key)
    }
    return {
      [Symbol.dispose]: () => {
        for (const key of keys) this.held.delete(key)
      },
    }
  }

  ephemeralPorts(): { first: number; last: number } {
    return { first: 40_000, last: 40_003 }
  }

  publish(removed: readonly Publication[], added: readonly Publication[]): void {
    this.#fail('publish')
    for (const line of removed.flatMap(linesOf)) this.published.delete(line)
    for (const line of added.flatMap(linesOf)) this.published.add(line)
  }

  admit({ id }: Endpoint): void {
    this.#fail('admit')
    this.admitted.add(id)
  }

  expel({ id }: Endpoint): void {
    this.#fail('expel')
    this.admitted.delete(id)
  }

  async makeNamespace(id: string, wires: readonly Wire[]): Promise<void> {
    await Promise.resolve()
    this.#fail('makeNamespace')
    this.namespaces.add(id)
    for (const { endpoint } of wires) this.ports.add(endpoint.portName)
    this.made++
  }

  async connect(_namespaceId: string, { endpoint }: Wire): Promise<void> {
    await Promise.resolve()
    this.#fail('connect')
    this.ports.add(endpoint.portName)
  }

  async disconnect({ portName }: Endpoint): Promise<void> {
    await Promise.resolve()
    this.#fail('disconnect')
    this.ports.delete(portName)
  }

  async routeThrough(namespaceId: string, { endpoint }: Wire): Promise<void> {
    await Promise.resolve()
    this.routes.set(namespaceId, endpoint.interfaceName)
  }

  async shape(_namespaceId: string, { endpoint }: Wire, bandwidth: Bandwidth): Promise<void> {
    await Promise.resolve()
    this.#fail('shape')
    this.limits.set(endpoint.interfaceName, bandwidth)
  }

  releaseNamespace(id: string): void {
    this.namespaces.delete(id)
  }

  namespacePath(id: string): string {
    return `/run/netns/${id}`
  }

  pins(): readonly string[] {
    return [...this.namespaces]
  }

  isAlive(id: string): boolean {
    return this.namespaces.has(id)
  }

  isWhole(id: string): boolean {
    return this.namespaces.has(id)
  }

  /** By the name of the port. */
  readonly counters = new Map<string, InterfaceCounters>()
  readonly departed = new Map<string, InterfaceCounters>()

  async portCounters(): Promise<ReadonlyMap<string, InterfaceCounters>> {
    await Promise.resolve()
    return this.counters
  }

  departedCounters(): ReadonlyMap<string, InterfaceCounters> {
    return this.departed
  }

  forgetCounters(networkId: string): void {
    this.departed.delete(networkId)
  }

  resolvConf(): string {
    return 'nameserver 10.0.0.53\nsearch lan\n'
  }

  hosts(): string {
    return '127.0.0.1\tlocalhost\n'
  }

  #fail(at: Step): void {
    if (this.failure?.at !== at) return
    const { error } = this.failure
    this.failure = undefined
    throw error
  }
}

const linesOf = ({ address, ports }: Publication): string[] =>
  ports.map(
    ({ transport, hostAddress, hostPort, containerPort, count }) =>
      `${transport} ${hostAddress === undefined ? '*' : formatIpv4(hostAddress)}:${hostPort}+${count} > ${formatIpv4(address)}:${containerPort}`,
  )
