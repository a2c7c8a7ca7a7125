import { readFileSync } from 'node:fs'
import type { Store } from '@caisson/service-kit'
import type { BridgeNetwork, Network } from '../network/network.ts'
import type { Publication } from '../publishing/published-port.ts'
import type { SandboxStore } from '../sandbox/ports.ts'
import type { Endpoint, Namespace, Sandbox } from '../sandbox/sandbox.ts'
import type { Bandwidth } from '../shaping/bandwidth.ts'
import { BandwidthTable } from './bandwidth-table.ts'
import { EndpointTable } from './endpoint-table.ts'
import { NamespaceTable } from './namespace-table.ts'
import { NetworkTable } from './network-table.ts'
import { PortTable } from './port-table.ts'
import { SandboxTable } from './sandbox-table.ts'

/** Its value is the id of the boot in which it was done. */
const FORWARDING_TURNED_ON = 'forwarding_turned_on'

/** The service's tables as its domain wants them. */
export class NetworkStore implements SandboxStore {
  readonly #store: Store
  readonly #networks: NetworkTable
  readonly #endpoints: EndpointTable
  readonly #namespaces: NamespaceTable
  readonly #sandboxes: SandboxTable
  readonly #ports: PortTable
  readonly #bandwidths: BandwidthTable

  constructor(store: Store) {
    this.#store = store
    this.#networks = new NetworkTable(store)
    this.#endpoints = new EndpointTable(store)
    this.#namespaces = new NamespaceTable(store, this.#endpoints)
    this.#sandboxes = new SandboxTable(store, (id) => this.#namespaces.get(id))
    this.#ports = new PortTable(store)
    this.#bandwidths = new BandwidthTable(store)
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

  updateEndpoint(endpoint: Endpoint): void {
    this.passing(() => this.#endpoints.update(endpoint))
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

  setFiles(namespaceId: string, files: Pick<Sandbox, 'resolvConf' | 'hosts'>): void {
    this.#sandboxes.setFiles(namespaceId, files)
  }

  publications(): Publication[] {
    return this.#ports.all()
  }

  setPublished(publication: Publication): void {
    this.#ports.set(publication)
  }

  bandwidths(): Map<string, Bandwidth> {
    return this.#bandwidths.all()
  }

  setBandwidth(sandboxId: string, bandwidth: Bandwidth): void {
    this.#bandwidths.set(sandboxId, bandwidth)
  }

  deleteSandbox(id: string): void {
    this.#bandwidths.delete(id)
    this.#ports.delete(id)
    this.#sandboxes.delete(id)
  }

  connected(): Map<string, number> {
    return this.#endpoints.connected()
  }

  usersOf(namespaceId: string): number {
    return this.#sandboxes.usersOf(namespaceId)
  }
}

/** Remembers whether this engine turned the host's forwarding on since the machine was started. */
export function forwardingMemory(store: Store): { turnedOn: boolean } {
  const boot = readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim()
  const read = store.prepare('SELECT value FROM host_setting WHERE name = ?')
  const write = store.prepare(
    'INSERT INTO host_setting (name, value) VALUES (?, ?) ON CONFLICT DO UPDATE SET value = excluded.value',
  )
  return {
    get turnedOn() {
      return read.get(FORWARDING_TURNED_ON)?.['value'] === boot
    },
    set turnedOn(value) {
      if (value !== this.turnedOn) write.run(FORWARDING_TURNED_ON, value ? boot : '')
    },
  }
}
