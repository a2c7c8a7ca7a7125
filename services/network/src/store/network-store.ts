import { randomBytes } from 'node:crypto'
import type { Store } from '@caisson/service-kit'
import { formatSubnet, type SubnetOf } from '../ipam/address.ts'
import type { Ipv6 } from '../ipam/ipv6.ts'
import { uniqueLocalPrefix } from '../ipam/unique-local.ts'
import type { BridgeNetwork, Network } from '../network/network.ts'
import type { Publication } from '../publishing/published-port.ts'
import type { SandboxStore } from '../sandbox/ports.ts'
import type { Endpoint, Namespace, Sandbox } from '../sandbox/sandbox.ts'
import { ipv6SubnetOfText } from './address-text.ts'
import { EndpointTable } from './endpoint-table.ts'
import { HostSettings } from './host-setting.ts'
import { NamespaceTable } from './namespace-table.ts'
import { NetworkTable } from './network-table.ts'
import { PortTable } from './port-table.ts'
import { SandboxTable } from './sandbox-table.ts'

const UNIQUE_LOCAL_PREFIX = 'unique_local_prefix'

/** The service's tables as its domain wants them. */
export class NetworkStore implements SandboxStore {
  readonly #store: Store
  readonly #networks: NetworkTable
  readonly #endpoints: EndpointTable
  readonly #namespaces: NamespaceTable
  readonly #sandboxes: SandboxTable
  readonly #ports: PortTable
  readonly #settings: HostSettings

  constructor(store: Store) {
    this.#store = store
    this.#networks = new NetworkTable(store)
    this.#endpoints = new EndpointTable(store)
    this.#namespaces = new NamespaceTable(store, this.#endpoints)
    this.#sandboxes = new SandboxTable(store, (id) => this.#namespaces.get(id))
    this.#ports = new PortTable(store)
    this.#settings = new HostSettings(store)
  }

  transaction<T>(work: () => T): T {
    return this.#store.transaction(work)
  }

  passing<T>(work: () => T): T {
    return this.#store.transaction(work, 'crash')
  }

  networks(): Network[] {
    return this.#networks.all()
  }

  insertNetwork(network: Network): void {
    this.#networks.insert(network)
  }

  deleteNetwork(id: string): void {
    this.#networks.delete(id)
  }

  updateBridge(network: BridgeNetwork): void {
    this.#networks.updateBridge(network)
  }

  uniqueLocalPrefix(): SubnetOf<Ipv6> {
    const known = this.#settings.get(UNIQUE_LOCAL_PREFIX)
    if (known !== undefined) return ipv6SubnetOfText(known)
    const prefix = uniqueLocalPrefix(randomBytes(5))
    this.transaction(() => this.#settings.set(UNIQUE_LOCAL_PREFIX, formatSubnet(prefix)))
    return prefix
  }

  namespaces(): Namespace[] {
    return this.#namespaces.all()
  }

  insertNamespace(namespace: Namespace): void {
    this.passing(() => this.#namespaces.insert(namespace))
  }

  deleteNamespace(id: string): void {
    this.#namespaces.delete(id)
  }

  insertEndpoint(namespaceId: string, endpoint: Endpoint): void {
    this.#endpoints.insert(namespaceId, endpoint)
  }

  deleteEndpoint(id: string): void {
    this.#endpoints.delete(id)
  }

  sandbox(id: string): Sandbox | undefined {
    return this.#sandboxes.get(id)
  }

  sandboxes(): Sandbox[] {
    return this.#sandboxes.all()
  }

  insertSandbox(sandbox: Sandbox): void {
    this.#sandboxes.insert(sandbox)
  }

  publications(): Publication[] {
    return this.#ports.all()
  }

  setPublished(publication: Publication): void {
    this.#ports.set(publication)
  }

  deleteSandbox(id: string): void {
    this.#ports.delete(id)
    this.#sandboxes.delete(id)
  }

  usersOf(namespaceId: string): number {
    return this.#sandboxes.usersOf(namespaceId)
  }
}
