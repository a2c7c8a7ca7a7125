import type { ContainerSpec, NetworkMode, PortSpec } from './spec.ts'

/**
 * Where a container is in its life. `starting` and `removing` are never on disk: a service that dies in between finds
 * out from the state directory how far it came.
 */
export type DurableState = 'created' | 'running' | 'paused' | 'exited' | 'broken'
export type ContainerState = DurableState | 'starting' | 'removing'

/** Everything that is known of a container. Times are nanoseconds by the host's clock, 0 for never. */
export interface Container {
  /** 64 hexadecimal digits. */
  readonly id: string
  readonly name: string
  readonly spec: ContainerSpec
  readonly state: DurableState
  readonly image: ImageFacts
  readonly program: Program
  /** Name of the signal that asks it to stop. */
  readonly stopSignal: string
  /** What is mounted as its root. */
  readonly root: RootFacts
  /** Undefined: the host's ids. */
  readonly idRange?: IdRange
  readonly createdNs: bigint
  readonly startedNs: bigint
  /** While it runs. */
  readonly process?: ProcessFacts
  /** How it last ended. */
  readonly exit?: Exit
  /** While it has a network. */
  readonly sandbox?: Sandbox
  /** Everything that is looser than the default, in words. */
  readonly loosened: readonly string[]
  readonly warnings: readonly string[]
}

export interface ImageFacts {
  /** Digest of the config. */
  readonly id: string
  /** Digest of the manifest. */
  readonly digest: string
}

/** What it runs, after image and spec were put together. */
export interface Program {
  readonly args: readonly string[]
  /** NAME=value. */
  readonly env: readonly string[]
  readonly workingDir: string
  readonly user: string
}

/** An overlay: see RootMount of caisson.image.v1. */
export interface RootFacts {
  /** The topmost first. */
  readonly lowerDirs: readonly string[]
  /** '': read-only. */
  readonly upperDir: string
  readonly workDir: string
  readonly options: readonly string[]
}

export interface IdRange {
  readonly start: number
  readonly count: number
}

/** A process that cannot be mistaken for another one that got its pid. */
export interface ProcessFacts {
  /** On the host. */
  readonly pid: number
  /** Field 22 of /proc/pid/stat. */
  readonly startTime: bigint
  readonly bootId: string
}

export interface Exit {
  /** 0..255; 128 + signal; -1 when nobody can know. */
  readonly exitCode: number
  readonly signal: number
  readonly oomKilled: boolean
  readonly startedNs: bigint
  readonly finishedNs: bigint
  /** Why the end is not known, or why it could not run. '' otherwise. */
  readonly error: string
  readonly cpuNs: bigint
  readonly memoryPeakBytes: number
  readonly droppedLogBytes: number
}

/** A network namespace that is ready, as the network service told. */
export interface Sandbox {
  readonly id: string
  readonly mode: NetworkMode
  /** '' with host. */
  readonly namespacePath: string
  /** With shared none: they are those of the other container. */
  readonly endpoints: readonly Endpoint[]
  /** With the ports that were chosen. Absent: none. */
  readonly ports?: readonly PortSpec[]
  readonly resolvConf: string
  readonly hosts: string
  /** What its files said before they were changed last, for those that were not changed yet. */
  readonly replaced?: { readonly hosts: string; readonly resolvConf: string }
  readonly createdNs: bigint
}

export interface Endpoint {
  readonly id: string
  readonly networkId: string
  readonly networkName: string
  readonly interfaceName: string
  readonly macAddress: string
  readonly ipv4Address: string
  readonly ipv4Gateway: string
  readonly ipv6Address: string
  readonly ipv6Gateway: string
  readonly dnsNames: readonly string[]
}

/** Whether its processes exist. */
export function isRunning(container: Container): boolean {
  return container.state === 'running' || container.state === 'paused'
}
