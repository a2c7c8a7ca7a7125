import type { BridgeNetwork } from '../network/network.ts'
import type { Endpoint, Sandbox, Wire } from '../sandbox/sandbox.ts'
import { addressesOf, gatewayAddressesOf } from './addresses.ts'
import { type DnsOwner, dnsNamesOf } from './dns-names.ts'
import type { NameServer } from './ports.ts'
import { viewOf } from './view.ts'
import { Zone } from './zone.ts'

/** Who is called what on which network, and who may ask. Only in memory: after a start everything is said again. */
export class Names {
  readonly #server: NameServer
  /** By the id of their network; of those that somebody is on. */
  readonly #zones = new Map<string, Zone>()

  constructor(server: NameServer) {
    this.#server = server
  }

  /** A sandbox with its connections is found by its names from here on, and may ask for others. */
  introduce(sandbox: NamedSandbox, wires: readonly Wire[]): void {
    this.see(sandbox, wires)
    for (const wire of wires) this.join(sandbox, wire)
  }

  /** What a sandbox may look up, now that it has these connections and no others. */
  see({ namespace, dns }: NamedSandbox, wires: readonly Wire[]): void {
    if (namespace !== undefined) this.#server.setView(namespace.id, viewOf(wires, dns))
  }

  join(sandbox: DnsOwner, { endpoint, network }: Wire): void {
    const names = dnsNamesOf(sandbox, endpoint)
    if (names.length > 0) this.#zone(network).add(endpoint.id, { names, addresses: addressesOf(endpoint) })
  }

  /** One that has no names is no error. */
  leave({ id, networkId }: Pick<Endpoint, 'id' | 'networkId'>): void {
    const zone = this.#zones.get(networkId)
    if (zone === undefined) return
    zone.remove(id)
    if (!zone.isEmpty) return
    this.#zones.delete(networkId)
    this.#server.forgetNetwork(networkId)
  }

  #zone(network: BridgeNetwork): Zone {
    const known = this.#zones.get(network.id)
    if (known !== undefined) return known
    const zone = new Zone({
      server: this.#server,
      networkId: network.id,
      networkName: network.name,
      host: network.bridge.internal ? [] : gatewayAddressesOf(network),
    })
    this.#zones.set(network.id, zone)
    return zone
  }
}

export type NamedSandbox = DnsOwner & Pick<Sandbox, 'namespace' | 'dns'>
