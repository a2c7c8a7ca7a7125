import { isIP } from 'node:net'
import type { Forwarder, NameServer, NameView } from '../src/names/ports.ts'

/** A name server in memory, asked as from inside a namespace. */
export class FakeNameServer implements NameServer {
  readonly opened = new Map<string, string>()
  readonly views = new Map<string, NameView>()
  /** Addresses by name, by the id of the network. */
  readonly names = new Map<string, Map<string, readonly string[]>>()
  readonly reverses = new Map<string, Map<string, string>>()
  hostServers: readonly Forwarder[] = []
  /** Thrown by the next open, once. */
  failure: Error | undefined

  async open(namespaceId: string, path: string): Promise<void> {
    const { failure } = this
    this.failure = undefined
    if (failure === undefined) this.opened.set(namespaceId, path)
    await Promise.resolve()
    if (failure !== undefined) throw failure
  }

  close(namespaceId: string): void {
    this.opened.delete(namespaceId)
    this.views.delete(namespaceId)
  }

  setView(namespaceId: string, view: NameView): void {
    if (this.opened.has(namespaceId)) this.views.set(namespaceId, view)
  }

  setName(networkId: string, name: string, addresses: readonly string[]): void {
    const names = this.names.get(networkId) ?? new Map<string, readonly string[]>()
    this.names.set(networkId, names)
    if (addresses.length === 0) names.delete(name.toLowerCase())
    else names.set(name.toLowerCase(), addresses)
  }

  setReverse(networkId: string, address: string, name: string | undefined): void {
    if (isIP(address) === 0) throw new Error(`${address} is no address`)
    const reverses = this.reverses.get(networkId) ?? new Map<string, string>()
    this.reverses.set(networkId, reverses)
    if (name === undefined) reverses.delete(address)
    else reverses.set(address, name)
  }

  forgetNetwork(networkId: string): void {
    this.names.delete(networkId)
    this.reverses.delete(networkId)
  }

  setHostServers(servers: readonly Forwarder[]): void {
    this.hostServers = servers
  }

  /** What a namespace is answered: addresses, or where the question goes instead; none: there is no such name. */
  ask(namespaceId: string, name: string): readonly string[] {
    const view = this.views.get(namespaceId)
    if (view === undefined) throw new Error(`${namespaceId} is not served`)
    for (const network of view.networks) {
      const found = this.names.get(network)?.get(name.toLowerCase())
      if (found !== undefined) return found
    }
    const servers = view.forwardTo === 'host' ? this.hostServers : view.forwardTo
    return servers.map(({ address, port }) => `ask ${address}:${port}`)
  }

  askReverse(namespaceId: string, address: string): string | undefined {
    const networks = this.views.get(namespaceId)?.networks ?? []
    return networks.map((network) => this.reverses.get(network)?.get(address)).find((name) => name !== undefined)
  }
}
