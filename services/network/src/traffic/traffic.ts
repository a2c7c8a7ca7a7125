import type { Networks } from '../network/networks.ts'
import type { Sandbox } from '../sandbox/sandbox.ts'
import { greaterOf, type InterfaceCounters, NOTHING_YET, sumOf } from './counters.ts'
import type { TrafficHost } from './ports.ts'

export type TrafficOptions = {
  readonly host: TrafficHost
  readonly networks: Pick<Networks, 'bridges'>
  readonly sandboxes: () => readonly Sandbox[]
}

export type InterfaceTraffic = {
  readonly sandboxId: string
  readonly sandboxName: string
  readonly interfaceName: string
  readonly networkId: string
  readonly networkName: string
  readonly counters: InterfaceCounters
}

export type NetworkTraffic = { readonly networkName: string; readonly counters: InterfaceCounters }

/** What went through the interfaces of sandboxes and through networks. */
export class Traffic {
  readonly #options: TrafficOptions
  /** What was told last, by the id of the network. */
  readonly #told = new Map<string, InterfaceCounters>()

  constructor(options: TrafficOptions) {
    this.#options = options
  }

  /** Of each interface of these sandboxes; those that are gone are left out. */
  async of(sandboxes: readonly Sandbox[]): Promise<InterfaceTraffic[]> {
    const ports = await this.#options.host.portCounters()
    const found: InterfaceTraffic[] = []
    for (const { id, name, namespace } of sandboxes)
      for (const { networkId, interfaceName, portName } of namespace?.endpoints ?? []) {
        const counters = ports.get(portName)
        if (counters === undefined) continue
        const networkName = this.#nameOf(networkId)
        found.push({ sandboxId: id, sandboxName: name, interfaceName, networkId, networkName, counters })
      }
    return found
  }

  /** The same of all sandboxes, and of each network with what was on it before. A total never goes back. */
  async all(): Promise<{ interfaces: InterfaceTraffic[]; networks: NetworkTraffic[] }> {
    const { host, sandboxes, networks } = this.#options
    const interfaces = await this.of(sandboxes().filter(({ mode }) => mode === 'bridge'))
    const departed = host.departedCounters()
    const totals = networks.bridges().map((network) => {
      const living = interfaces.filter(({ networkId }) => networkId === network.id)
      const now = living.reduce((sum, { counters }) => sumOf(sum, counters), departed.get(network.id) ?? NOTHING_YET)
      // What leaves while ports are read is in neither.
      const counters = greaterOf(now, this.#told.get(network.id) ?? NOTHING_YET)
      this.#told.set(network.id, counters)
      return { networkName: network.name, counters }
    })
    this.#forgetGone(new Set(networks.bridges().map(({ id }) => id)))
    return { interfaces, networks: totals }
  }

  #forgetGone(known: ReadonlySet<string>): void {
    const { host } = this.#options
    for (const id of [...this.#told.keys(), ...host.departedCounters().keys()]) {
      if (known.has(id)) continue
      this.#told.delete(id)
      host.forgetCounters(id)
    }
  }

  /** A network may go between reading and telling. */
  #nameOf(networkId: string): string {
    return this.#options.networks.bridges().find(({ id }) => id === networkId)?.name ?? ''
  }
}
