import type { Publication } from '../publishing/published-port.ts'
import type { HostPort } from '../sandbox/ports.ts'
import type { Endpoint } from '../sandbox/sandbox.ts'
import type { BridgeNetwork } from './network.ts'

export type StandingNetworksOptions = {
  readonly host: HostPort
  /** Every endpoint that is recorded. */
  readonly endpoints: () => readonly Endpoint[]
  /** Every port that is published. */
  readonly published: () => readonly Publication[]
}

/** The networks whose bridge and rules stand in the kernel. */
export class StandingNetworks {
  readonly #options: StandingNetworksOptions
  readonly #raised = new Map<string, BridgeNetwork>()

  constructor(options: StandingNetworksOptions) {
    this.#options = options
  }

  has(network: BridgeNetwork): boolean {
    return this.#raised.has(network.id)
  }

  /** Bridge and rules of a network; what was made is gone again when it fails. Throws INTERFACE_EXISTS. */
  raise(network: BridgeNetwork): void {
    if (this.#raised.has(network.id)) return
    const { host } = this.#options
    const stood = host.bridgeStands(network)
    this.#raised.set(network.id, network)
    try {
      // Rules first: nothing is forwarded that they do not know of.
      if (this.#raised.size === 1 || !host.addToFirewall(network)) this.program()
      host.raiseBridge(network)
    } catch (error) {
      // A bridge from before may have living containers.
      if (stood) this.#raised.delete(network.id)
      else this.drop(network)
      throw error
    }
  }

  /** Several, with one change of the rules; `failed` is told of each that cannot stand. */
  raiseAll(networks: readonly BridgeNetwork[], failed: (network: BridgeNetwork, error: unknown) => void): void {
    const { host } = this.#options
    const standing = networks.filter((network) => this.#tried(network, failed, () => host.bridgeStands(network)))
    for (const network of standing) this.#raised.set(network.id, network)
    if (standing.length > 0) this.program()
    for (const network of standing)
      if (!this.#tried(network, failed, () => host.raiseBridge(network))) this.drop(network)
  }

  /** As lower, at once: for one that was just made. */
  drop(network: BridgeNetwork): void {
    this.#options.host.removeBridge(network)
    this.#forget(network)
  }

  /** Off the event loop. Nothing may use it any more. */
  async lower(network: BridgeNetwork): Promise<void> {
    await this.#options.host.removeBridgeAsync(network)
    this.#forget(network)
  }

  /** When nothing uses any: removes bridges, rules, and what was changed for the whole host. */
  lowerAll(networks: readonly BridgeNetwork[]): void {
    const { host } = this.#options
    host.removeBridges(networks)
    this.#raised.clear()
    host.programFirewall([], [], [])
    host.restoreForwarding()
  }

  /** Puts all rules in place anew. */
  program(): void {
    const networks = [...this.#raised.values()].toSorted((one, other) => (one.name < other.name ? -1 : 1))
    const { host, endpoints, published } = this.#options
    host.programFirewall(networks, endpoints(), published())
  }

  #forget(network: BridgeNetwork): void {
    if (!this.#raised.delete(network.id)) return
    if (this.#raised.size === 0 || !this.#options.host.removeFromFirewall([network])) this.program()
  }

  #tried(
    network: BridgeNetwork,
    failed: (network: BridgeNetwork, error: unknown) => void,
    work: () => unknown,
  ): boolean {
    try {
      work()
      return true
    } catch (error) {
      failed(network, error)
      return false
    }
  }
}
