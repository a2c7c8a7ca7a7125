import type { Subnet } from '../ipam/ipv4.ts'
import type { BridgeNetwork, Network } from '../network/network.ts'
import type { PublishingHost, PublishingStore } from '../publishing/ports.ts'
import type { Publication } from '../publishing/published-port.ts'
import type { ShapingHost, ShapingStore } from '../shaping/ports.ts'
import type { TrafficHost } from '../traffic/ports.ts'
import type { Endpoint, Namespace, Sandbox, Wire } from './sandbox.ts'

/** What the parts beside sandboxes need of it. */
type Seams = PublishingHost & ShapingHost & TrafficHost
type Records = PublishingStore & ShapingStore

/** What the domain needs of this machine's kernel. Synchronous where the kernel answers within microseconds. */
export type HostPort = Seams & {
  /** Subnets that the host's routes, addresses and name servers lie in, but for the bridges of this engine. */
  usedSubnets(): readonly Subnet[]
  /** Greatest packet of the interface that leads outside; 1500 when there is none. */
  uplinkMtu(): number
  /** Makes the network's bridge as it should be, and lets the host forward. Nothing to do: no change. */
  raiseBridge(network: BridgeNetwork): void
  /** Whether the network's bridge is there. Throws INTERFACE_EXISTS when its name is that of somebody else's interface. */
  bridgeStands(network: BridgeNetwork): boolean
  /** Removes a bridge; one that is gone, or somebody else's, is no error. Takes tens of milliseconds. */
  removeBridge(network: BridgeNetwork): void
  /** The same for many, in the time of one. */
  removeBridges(networks: readonly BridgeNetwork[]): void
  /** The same for one, off the event loop. */
  removeBridgeAsync(network: BridgeNetwork): Promise<void>
  /** Removes bridges and ports of this engine but for those of these names: what was cut off while it was made. */
  removeStrays(kept: { bridges: ReadonlySet<string>; ports: ReadonlySet<string> }): void
  /** Undoes what raiseBridge changed for the whole host, unless somebody else's bridge relies on it. */
  restoreForwarding(): void
  /** Puts the rules of these networks in place of what was there, in one step; none: removes them. */
  programFirewall(
    networks: readonly BridgeNetwork[],
    endpoints: readonly Endpoint[],
    published: readonly Publication[],
  ): void
  /** The rules of one more network, beside those that stand. False: they do not stand as they should, so program them. */
  addToFirewall(network: BridgeNetwork): boolean
  /** Removes those of some, but not all. False: as above. */
  removeFromFirewall(networks: readonly BridgeNetwork[]): boolean
  /** Lets this endpoint, and nobody else, speak with its address through its port. */
  admit(endpoint: Endpoint): void
  /** Undoes admit; what is not admitted is no error. */
  expel(endpoint: Endpoint): void
  /** Makes and pins a namespace, or sets up the one at `fromPath`. Leaves nothing when it fails. */
  makeNamespace(id: string, wires: readonly Wire[], fromPath: string | undefined): Promise<void>
  /** Connects a living namespace to one more network. Leaves nothing when it fails. */
  connect(namespaceId: string, wire: Wire): Promise<void>
  /** Removes an endpoint's interface with its port; one that is gone is no error. */
  disconnect(endpoint: Endpoint): Promise<void>
  /** Lets the default route of a living namespace go through this wire. */
  routeThrough(namespaceId: string, wire: Wire): Promise<void>
  /** Removes the pin; one that is gone is no error. */
  releaseNamespace(id: string): void
  namespacePath(id: string): string
  /** Ids of all pins that stand. */
  pins(): readonly string[]
  /** Whether the pin holds a namespace. */
  isAlive(id: string): boolean
  /** Whether the pin holds a namespace and its bridge ports are in place; mends what can be mended. */
  isWhole(namespaceId: string, wires: readonly Wire[]): boolean
  /** Content of the host's own files, as it was within the last second. */
  resolvConf(): string
  hosts(): string
}

/** The state that survives. Synchronous; each method is part of the transaction around it. */
export type SandboxStore = Records & {
  transaction<T>(work: () => T): T
  /** The same for what a reboot ends anyway: sandboxes and their namespaces. It survives the end of the process. */
  passing<T>(work: () => T): T
  networks(): Network[]
  insertNetwork(network: Network): void
  deleteNetwork(id: string): void
  updateBridge(network: BridgeNetwork): void
  /** Complete namespaces, oldest first. */
  namespaces(): Namespace[]
  insertNamespace(namespace: Namespace): void
  deleteNamespace(id: string): void
  insertEndpoint(namespaceId: string, endpoint: Endpoint): void
  /** Its aliases and its priority. */
  updateEndpoint(endpoint: Endpoint): void
  deleteEndpoint(id: string): void
  sandbox(id: string): Sandbox | undefined
  /** In the order of their ids. */
  sandboxes(): Sandbox[]
  insertSandbox(sandbox: Sandbox): void
  /** Of every sandbox that uses this namespace. */
  setFiles(namespaceId: string, files: Pick<Sandbox, 'resolvConf' | 'hosts'>): void
  deleteSandbox(id: string): void
  /** How many sandboxes are connected, by the id of the network. */
  connected(): Map<string, number>
  /** How many sandboxes use a namespace. */
  usersOf(namespaceId: string): number
}

/** One function a business event; part of the transaction that changes the state. */
export type SandboxEvents = {
  networkCreated(network: Network, requestId: string): void
  networkDeleted(network: Network, requestId: string): void
  sandboxConnected(sandbox: Sandbox, endpoint: Endpoint, requestId: string): void
  sandboxDisconnected(sandbox: Sandbox, endpoint: Endpoint, requestId: string): void
  sandboxCreated(sandbox: Sandbox, requestId: string): void
  /** What it publishes is another list now. */
  sandboxUpdated(sandbox: Sandbox, requestId: string): void
  /** `reason`: asked, or lost when its namespace is gone without anybody having asked. */
  sandboxDeleted(sandbox: Sandbox, reason: 'asked' | 'lost', requestId: string): void
}
