import { conflict } from '@caisson/api'
import { formatIpv4, type Subnet } from '../src/ipam/ipv4.ts'
import type { BridgeNetwork } from '../src/network/network.ts'
import type { HostPorts, Publication } from '../src/publishing/published-port.ts'
import type { HostPort, InterfaceCounters } from '../src/sandbox/ports.ts'
import type { Namespace, WiredNamespace } from '../src/sandbox/sandbox.ts'

type FailurePlace = 'makeNamespace' | 'admit' | 'expel' | 'publish'

/** A host in memory. What a test wants to go wrong, it sets. */
export class FakeHost implements HostPort {
  used: readonly Subnet[] = []
  readonly namespaces = new Set<string>()
  readonly bridges = new Set<string>()
  readonly admitted = new Set<string>()
  /** Ports that processes of the host have. */
  readonly taken = new Set<number>()
  readonly held = new Set<string>()
  /** What the rules say: protocol, address and port of the host, and where it leads. */
  readonly published = new Set<string>()
  programmed: readonly string[] = []
  forwarding = false
  made = 0
  /** Thrown by the next one of these, once. */
  failure: { readonly at: FailurePlace; readonly error: Error } | undefined

  usedSubnets(): readonly Subnet[] {
    return this.used
  }

  uplinkMtu(): number {
    return 1400
  }

  raiseBridge(network: BridgeNetwork): void {
    this.bridges.add(network.bridge.name)
    this.forwarding = true
  }

  removeBridge(name: string): void {
    this.bridges.delete(name)
  }

  restoreForwarding(): void {
    this.forwarding = false
  }

  programFirewall(
    networks: readonly BridgeNetwork[],
    namespaces: readonly WiredNamespace[],
    published: readonly Publication[],
  ): void {
    this.published.clear()
    for (const line of published.flatMap(linesOf)) this.published.add(line)
    this.programmed = networks.map(({ name }) => name)
    this.admitted.clear()
    for (const { id } of namespaces) this.admitted.add(id)
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

  admit({ id }: WiredNamespace): void {
    this.#fail('admit')
    this.admitted.add(id)
  }

  expel({ id }: WiredNamespace): void {
    this.#fail('expel')
    this.admitted.delete(id)
  }

  async makeNamespace({ id }: Namespace): Promise<void> {
    await Promise.resolve()
    this.#fail('makeNamespace')
    this.namespaces.add(id)
    this.made++
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

  isWhole({ id }: Namespace): boolean {
    return this.namespaces.has(id)
  }

  counters(): InterfaceCounters {
    const none = { rxBytes: 0n, rxPackets: 0n, rxErrors: 0n, rxDropped: 0n }
    return { ...none, txBytes: 0n, txPackets: 0n, txErrors: 0n, txDropped: 0n }
  }

  resolvConf(): string {
    return 'nameserver 10.0.0.53\n'
  }

  hosts(): string {
    return '127.0.0.1\tlocalhost\n'
  }

  #fail(at: FailurePlace): void {
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
