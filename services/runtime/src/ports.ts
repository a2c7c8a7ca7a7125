import type { CgroupStats } from './cgroup/index.ts'
import type { Container, ImageFacts, RootFacts, Sandbox } from './container/container.ts'
import type { AttachmentSpec, NetworkSpec, Platform, ResourceSpec, TerminalSize } from './container/spec.ts'
import type { MonitorClient } from './monitor/client.ts'
import type { InterfaceTraffic } from './stats/stats.ts'

/** What the domain needs of the world. Calls that leave the process take an AbortSignal last. */

/** What an image says of the containers that are made from it. */
export interface ImageConfig {
  readonly user: string
  /** NAME=value. */
  readonly env: readonly string[]
  readonly entrypoint: readonly string[]
  readonly cmd: readonly string[]
  readonly volumes: readonly string[]
  /** 80, 53/udp, 8000-8010/tcp. */
  readonly exposedPorts: readonly string[]
  readonly workingDir: string
  readonly stopSignal: string
}

export interface PreparedRoot {
  readonly image: ImageFacts
  readonly config: ImageConfig
  readonly root: RootFacts
}

/** How a root is used. */
export interface RootUse {
  readonly writable: boolean
  /** It is thrown away at its end: a power cut may end it too. */
  readonly volatile: boolean
  /** Bytes that its changes may hold. Undefined: no limit. */
  readonly storageBytes?: number | undefined
}

/** What an image of a container is to be like. */
export interface ImageDraft {
  /** Name. Empty: none. */
  readonly reference: string
  /** Instructions of a Dockerfile. */
  readonly changes: readonly string[]
  readonly comment: string
  readonly author: string
  /** What made it, in words. */
  readonly createdBy: string
  /** none, gzip, zstd. Empty: the image store's choice. */
  readonly compression: string
  /** What the container was made with: it takes the place of what its image says, before the changes. */
  readonly settings: RunSettings
}

/** What of a container may become part of an image's config. Empty or undefined: as its image has it. */
export interface RunSettings {
  /** Id of the container's image. */
  readonly image: string
  readonly entrypoint: readonly string[] | undefined
  readonly cmd: readonly string[] | undefined
  /** NAME=value, or NAME alone to take it away. */
  readonly env: readonly string[]
  readonly workingDir: string
  readonly user: string
  readonly labels: Readonly<Record<string, string>>
  readonly stopSignal: string
}

export interface CommittedImage extends ImageFacts {
  /** As it is stored. Empty: none was asked for. */
  readonly reference: string
}

/** A path that is different from the image. */
export interface RootChange {
  readonly kind: 'added' | 'modified' | 'deleted'
  /** Absolute inside the container; bytes. */
  readonly path: Buffer
}

/** Roots that were prepared together. */
export interface PreparedRoots {
  /** In the order of their ids. */
  readonly roots: readonly PreparedRoot[]
  /** Whether their image is still what was asked for. False when nobody can say. */
  isCurrent(): boolean
}

/** Images and roots: the image store. */
export interface Roots {
  /**
   * Makes the root of a container; again with the same id, it returns the same. `not-found` when there is no such image.
   */
  prepare(
    id: string,
    image: string,
    platform: Platform | undefined,
    use: RootUse,
    signal: AbortSignal,
  ): Promise<PreparedRoot>
  /** Makes the roots of containers that nobody has asked for before, on one image: all or none. */
  prepareAll(
    ids: readonly string[],
    image: string,
    platform: Platform | undefined,
    use: RootUse,
    signal: AbortSignal,
  ): Promise<PreparedRoots>
  /** Removes those of containers. One that is not there is no error. */
  remove(ids: readonly string[], signal: AbortSignal): Promise<void>
  /** Ids of all containers that have one. */
  list(signal: AbortSignal): Promise<readonly string[]>
  /** Bytes that it holds itself. */
  usage(id: string, signal: AbortSignal): Promise<number>
  /** Makes an image of what the container's image has and what the container changed. */
  commit(id: string, draft: ImageDraft, signal: AbortSignal): Promise<CommittedImage>
  /** What the container changed. */
  changes(id: string, signal: AbortSignal): AsyncIterable<RootChange>
}

export interface SandboxRequest {
  readonly id: string
  readonly name: string
  readonly hostname: string
  readonly network: NetworkSpec
  readonly labels: Readonly<Record<string, string>>
}

/** What is known of a network. */
export interface NetworkFacts {
  readonly id: string
  readonly name: string
  readonly driver: string
  /** 10.88.0.0/16. */
  readonly subnets: readonly string[]
}

/** Network namespaces: the network service. */
export interface Sandboxes {
  /** Makes the sandbox of a container; again with the same request, it returns the same. */
  create(request: SandboxRequest, signal: AbortSignal): Promise<Sandbox>
  /** The same for several that are on no more networks than they are made on: all or none. */
  createAll(requests: readonly SandboxRequest[], signal: AbortSignal): Promise<readonly Sandbox[]>
  /** `not-found` when there is none. */
  get(id: string, signal: AbortSignal): Promise<Sandbox>
  /** Connects a living one to one more network. ALREADY_CONNECTED, ADDRESS_IN_USE, NETWORK_NOT_FOUND and others. */
  connect(id: string, attachment: AttachmentSpec, signal: AbortSignal): Promise<Sandbox>
  /** Takes a living one out of a network. NOT_CONNECTED, NETWORK_NOT_FOUND; NAMESPACE_GONE unless `force` is set. */
  disconnect(id: string, network: string, force: boolean, signal: AbortSignal): Promise<Sandbox>
  /** By id, name or unique prefix of the id; '': the default network. NETWORK_NOT_FOUND. */
  findNetwork(reference: string, signal: AbortSignal): Promise<NetworkFacts>
  /** Removes those of containers and gives their addresses back. One that is not there is no error. */
  remove(ids: readonly string[], signal: AbortSignal): Promise<void>
  /** Ids of all. */
  list(signal: AbortSignal): Promise<readonly string[]>
  /** What went through the interfaces of sandboxes. */
  traffic(ids: readonly string[], signal: AbortSignal): Promise<readonly InterfaceTraffic[]>
}

export interface LaunchRequest {
  readonly container: Container
  readonly stateDir: string
  /** Undefined: the spec's. */
  readonly terminalSize?: TerminalSize | undefined
  /** Everything is made ready, and its program waits to be let go. */
  readonly waits: boolean
  /** Nothing of its output is dropped before somebody follows it. */
  readonly holdsOutput: boolean
}

/** Starts monitors and reaches those that run. */
export interface Monitors {
  /**
   * Turns a container into a launch plan and spawns its monitor on it. Returns at once: what becomes of it is told over
   * the connection. Throws when the plan cannot be made (a controller that is missing, a capability that is unknown).
   */
  launch(request: LaunchRequest): MonitorClient
  /** Connects to the monitor of a state directory. MONITOR_GONE when there is none any more. */
  connect(stateDir: string): Promise<MonitorClient>
}

/** The control groups of containers. */
export interface ControlGroups {
  freeze(container: Container): Promise<void>
  thaw(container: Container): Promise<void>
  /** Applies `changes` at once; `whole` is all limits with them in. Returns warnings. */
  update(container: Container, changes: ResourceSpec, whole: ResourceSpec): Promise<readonly string[]>
  /** Kills what is left in the groups of a container and removes them. None is no error. */
  sweep(id: string): Promise<void>
  /** Ids of all containers that have groups below the engine's own. */
  list(): Promise<readonly string[]>
  /** What a container uses now; without parts when it is gone. */
  usage(container: Container): Promise<CgroupStats>
  /** Ids, on the host, of everything that runs in a container. */
  processes(container: Container): Promise<readonly number[]>
}

/** Processes of the host. */
export interface Processes {
  readonly bootId: string
  /** Whether this very process lives. */
  isAlive(pid: number, startTime: bigint): boolean
  /** Kills this very process and waits until it is gone. */
  kill(pid: number, startTime: bigint): Promise<void>
}
