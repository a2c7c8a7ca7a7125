import type { Subnet } from '../ipam/ipv4.ts'
import type { BridgeNetwork, Network } from '../network/network.ts'
import type { PublishingHost, PublishingStore } from '../publishing/ports.ts'
import type { Publication } from '../publishing/published-port.ts'
import type { Namespace, Sandbox, WiredNamespace } from './sandbox.ts'

/** What the domain needs of this machine's kernel. Synchronous where the kernel answers within microseconds. */
export type HostPort = PublishingHost & {
  /** Subnets that the host's routes, addresses and name servers lie in. */
  usedSubnets(): readonly Subnet[]
  /** Greatest packet of the interface that leads outside; 1500 when there is none. */
  uplinkMtu(): number
  /** Makes the network's bridge as it should be, and lets the host forward. Nothing to do: no change. */
  raiseBridge(network: BridgeNetwork): void
  /** Removes a bridge; one that is gone is no error. Takes tens of milliseconds. */
  removeBridge(name: string): void
  /** Undoes what raiseBridge changed for the whole host, unless somebody else's bridge relies on it. */
  restoreForwarding(): void
  /** Puts the rules of these networks in place of what was there, in one step; none: removes them. */
  programFirewall(
    networks: readonly BridgeNetwork[],
    namespaces: readonly WiredNamespace[],
    published: readonly Publication[],
  ): void
  /** Lets this endpoint, and nobody else, speak with its address through its port. */
  admit(namespace: WiredNamespace): void
  /** Undoes admit; what is not admitted is no error. */
  expel(namespace: WiredNamespace): void
  /** Makes and pins a namespace, or sets up the one at `fromPath`. Leaves nothing when it fails. */
  makeNamespace(namespace: Namespace, network: BridgeNetwork | undefined, fromPath: string | undefined): Promise<void>
  /** Removes the pin; one that is gone is no error. */
  releaseNamespace(id: string): void
  namespacePath(id: string): string
  /** Ids of all pins that stand. */
  pins(): readonly string[]
  /** Whether the pin holds a namespace. */
  isAlive(id: string): boolean
  /** Whether the pin holds a namespace and its bridge port (when it has one) is in place; mends what can be mended. */
  isWhole(namespace: Namespace, network: BridgeNetwork | undefined): boolean
  /** Counters of an interface inside. Throws when the namespace is gone. */
  counters(namespaceId: string, interfaceName: string): InterfaceCounters
  /** Content of the host's own files, as it was within the last second. */
  resolvConf(): string
  hosts(): string
}

export type InterfaceCounters = {
  readonly rxBytes: bigint
  readonly rxPackets: bigint
  readonly rxErrors: bigint
  readonly rxDropped: bigint
  readonly txBytes: bigint
  readonly txPackets: bigint
  readonly txErrors: bigint
  readonly txDropped: bigint
}

/** The state that survives. Synchronous; each method is part of the transaction around it. */
export type SandboxStore = PublishingStore & {
  transaction<T>(work: () => T): T
  /** The same for what a reboot ends anyway: sandboxes and their namespaces. It survives the end of the process. */
  passing<T>(work: () => T): T
  networks(): Network[]
  insertNetwork(network: Network): void
  updateBridge(network: BridgeNetwork): void
  /** Complete namespaces, oldest first. */
  namespaces(): Namespace[]
  insertNamespace(namespace: Namespace): void
  deleteNamespace(id: string): void
  sandbox(id: string): Sandbox | undefined
  /** In the order of their ids. */
  sandboxes(): Sandbox[]
  insertSandbox(sandbox: Sandbox): void
  deleteSandbox(id: string): void
  /** How many sandboxes use a namespace. */
  usersOf(namespaceId: string): number
}

/** One function a business event; part of the transaction that changes the state. */
export type SandboxEvents = {
  networkCreated(network: Network): void
  sandboxCreated(sandbox: Sandbox, requestId: string): void
  /** What it publishes is another list now. */
  sandboxUpdated(sandbox: Sandbox, requestId: string): void
  /** `reason`: asked, or lost when its namespace is gone without anybody having asked. */
  sandboxDeleted(sandbox: Sandbox, reason: 'asked' | 'lost', requestId: string): void
}
