import type { Subnet } from '../src/ipam/ipv4.ts'
import type { BridgeNetwork } from '../src/network/network.ts'
import type { HostPort, InterfaceCounters } from '../src/sandbox/ports.ts'
import type { Namespace, WiredNamespace } from '../src/sandbox/sandbox.ts'

/** A host in memory. What a test wants to go wrong, it sets. */
export class FakeHost implements HostPort {
  used: readonly Subnet[] = []
  readonly namespaces = new Set<string>()
  readonly bridges = new Set<string>()
  readonly admitted = new Set<string>()
  programmed: readonly string[] = []
  forwarding = false
  made = 0
  /** Thrown by the next makeNamespace, admit or expel, once. */
  failure: { readonly at: 'makeNamespace' | 'admit' | 'expel'; readonly error: Error } | undefined

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

  programFirewall(networks: readonly BridgeNetwork[], namespaces: readonly WiredNamespace[]): void {
    this.programmed = networks.map(({ name }) => name)
    this.admitted.clear()
    for (const { id } of namespaces) this.admitted.add(id)
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

  #fail(at: 'makeNamespace' | 'admit' | 'expel'): void {
    if (this.failure?.at !== at) return
    const { error } = this.failure
    this.failure = undefined
    throw error
  }
}
