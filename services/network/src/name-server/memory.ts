import type { Forwarder, NameView } from '../names/ports.ts'
import { requests } from './messages.ts'

type NetworkNames = {
  readonly names: Map<string, { readonly name: Buffer; readonly addresses: readonly Buffer[] }>
  readonly reverses: Map<string, { readonly address: Buffer; readonly name: Buffer }>
}

/** A namespace whose port is to be open. */
export type OpenNamespace = {
  readonly id: string
  readonly path: string
  /** No other opening of the same id has it. */
  readonly token: number
  readonly opened: PromiseWithResolvers<void>
  view: NameView | undefined
}

/** All that holds, to be said again to a resolver that does not know it. */
export class Memory {
  readonly namespaces = new Map<string, OpenNamespace>()
  readonly #networks = new Map<string, NetworkNames>()
  hostServers: readonly Forwarder[] = []

  setName(networkId: string, name: Buffer, addresses: readonly Buffer[]): void {
    const key = name.toString('latin1').toLowerCase()
    if (addresses.length > 0) this.#network(networkId).names.set(key, { name, addresses })
    else this.#networks.get(networkId)?.names.delete(key)
    this.#drop(networkId)
  }

  /** An empty name takes it back. */
  setReverse(networkId: string, address: Buffer, name: Buffer): void {
    const key = address.toString('latin1')
    if (name.length > 0) this.#network(networkId).reverses.set(key, { address, name })
    else this.#networks.get(networkId)?.reverses.delete(key)
    this.#drop(networkId)
  }

  forgetNetwork(networkId: string): void {
    this.#networks.delete(networkId)
  }

  /** Names and views, as frames; namespaces must have been declared before their views. */
  *names(): Generator<Buffer> {
    yield requests.host(this.hostServers)
    for (const [id, { names, reverses }] of this.#networks) {
      for (const { name, addresses } of names.values()) yield requests.name(id, name, addresses)
      for (const { address, name } of reverses.values()) yield requests.reverse(id, address, name)
    }
  }

  #network(id: string): NetworkNames {
    const known = this.#networks.get(id) ?? { names: new Map(), reverses: new Map() }
    this.#networks.set(id, known)
    return known
  }

  #drop(id: string): void {
    const network = this.#networks.get(id)
    if (network !== undefined && network.names.size === 0 && network.reverses.size === 0) this.#networks.delete(id)
  }
}
