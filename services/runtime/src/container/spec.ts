/**
 * What a container is made from, as the domain trusts it: checked at the edge (rpc/convert.ts), complete, and without
 * what this version does not do. Absent is undefined. Sizes are bytes, text holds no NUL.
 */
export interface ContainerSpec {
  readonly image: string
  readonly platform?: Platform
  readonly process: ProcessSpec
  /** '': the first twelve digits of the id. */
  readonly hostname: string
  readonly domainname: string
  /** In the order in which they are mounted. */
  readonly mounts: readonly MountSpec[]
  /** Containers whose volumes and binds are mounted too: NAME, NAME:ro or NAME:rw. Absent: none. */
  readonly volumesFrom?: readonly string[]
  readonly devices: readonly DeviceSpec[]
  readonly resources: ResourceSpec
  readonly security: SecuritySpec
  readonly namespaces: NamespaceSpec
  readonly network: NetworkSpec
  /** Names with dots. */
  readonly sysctls: Readonly<Record<string, string>>
  readonly shmBytes: number
  readonly readOnlyRoot: boolean
  /** Bytes that its changes to the root may hold. Undefined: no limit. */
  readonly storageBytes?: number
  readonly init: boolean
  /** Undefined: nothing is kept. */
  readonly log?: LogSpec
  /** As asked: a name or a number; '': the image's. */
  readonly stopSignal: string
  readonly stopTimeoutSeconds: number
  readonly autoRemove: boolean
  readonly labels: Readonly<Record<string, string>>
  readonly annotations: Readonly<Record<string, string>>
  /** '': the engine's own. */
  readonly cgroupParent: string
}

export interface Platform {
  readonly os: string
  readonly architecture: string
  readonly variant: string
}

export interface ProcessSpec {
  /** Undefined: the image's; when it is given, the image's cmd counts no more. */
  readonly entrypoint?: readonly string[]
  readonly cmd?: readonly string[]
  /** NAME=value, or NAME alone to take it away. */
  readonly env: readonly string[]
  /** Absolute, or '' for the image's. */
  readonly workingDir: string
  /** '' for the image's. */
  readonly user: string
  readonly groups: readonly string[]
  readonly tty: boolean
  readonly stdin: boolean
  readonly stdinOnce: boolean
  readonly terminalSize?: TerminalSize
  readonly rlimits: readonly RlimitSpec[]
  readonly umask?: number
}

export interface TerminalSize {
  readonly rows: number
  readonly columns: number
}

export interface RlimitSpec {
  /** nofile, without RLIMIT_. */
  readonly name: string
  /** -1: none. */
  readonly soft: number
  readonly hard: number
}

export type MountSpec = BindSpec | TmpfsSpec | VolumeMountSpec

export interface VolumeMountSpec {
  readonly kind: 'volume'
  /** Name of the volume. '': a new anonymous one, in what is asked; a container that is made has the name. */
  readonly source: string
  readonly target: string
  readonly readOnly: boolean
  /** Leave an empty volume as it is. */
  readonly noCopy: boolean
  /** Part of the volume, resolved inside of it. '': all. */
  readonly subpath: string
  /** Mount options: nosuid, nodev, noexec, noatime. */
  readonly options: readonly string[]
  /** What a new volume is like. */
  readonly labels: Readonly<Record<string, string>>
  readonly driver: 'local' | 'tmpfs' | ''
  readonly driverOptions: Readonly<Record<string, string>>
  /** Where its content is on the host, of a container that is made. */
  readonly path?: string
}

export interface BindSpec {
  readonly kind: 'bind'
  /** Absolute path of the host. */
  readonly source: string
  readonly target: string
  readonly readOnly: boolean
  readonly propagation: 'private' | 'rprivate' | 'slave' | 'rslave'
  readonly recursive: boolean
  readonly createSource: boolean
  /** Mount options: nosuid, nodev, noexec, noatime. */
  readonly options: readonly string[]
}

export interface TmpfsSpec {
  readonly kind: 'tmpfs'
  readonly target: string
  readonly readOnly: boolean
  /** 0: half of the memory. */
  readonly sizeBytes: number
  readonly mode: number
  readonly options: readonly string[]
}

export interface DeviceSpec {
  readonly hostPath: string
  readonly containerPath: string
  /** Of r, w and m. */
  readonly permissions: string
}

/** Limits as they were asked for: undefined is not limited, except pidsLimit (4096) and oomScoreAdj (100). */
export interface ResourceSpec {
  readonly memoryBytes?: number
  readonly memorySwapBytes?: number
  readonly memoryReservationBytes?: number
  readonly memorySwappiness?: number
  readonly nanoCpus?: number
  readonly cpuPeriodUs?: number
  readonly cpuQuotaUs?: number
  readonly cpuShares?: number
  readonly cpusetCpus?: string
  readonly cpusetMems?: string
  readonly pidsLimit?: number
  readonly blkioWeight?: number
  readonly blkioWeightDevices?: readonly DeviceLimit[]
  readonly readBpsDevices?: readonly DeviceLimit[]
  readonly writeBpsDevices?: readonly DeviceLimit[]
  readonly readIopsDevices?: readonly DeviceLimit[]
  readonly writeIopsDevices?: readonly DeviceLimit[]
  readonly oomScoreAdj?: number
  readonly oomKillDisable?: boolean
  readonly unified?: Readonly<Record<string, string>>
}

export interface DeviceLimit {
  /** Path of the device on the host. */
  readonly path: string
  readonly value: number
}

export interface SecuritySpec {
  readonly privileged: boolean
  /** Without CAP_, in capitals; ALL for all. */
  readonly capAdd: readonly string[]
  readonly capDrop: readonly string[]
  readonly noNewPrivileges: boolean
  /** '': the default; 'unconfined'; or the JSON of a profile. */
  readonly seccompProfile: string
  /** Undefined: the default list. */
  readonly maskedPaths?: readonly string[]
  readonly readonlyPaths?: readonly string[]
  readonly runAsNonRoot: boolean
}

/** How it stands to each kind of namespace. */
export type NamespaceMode = 'private' | 'host'

export interface NamespaceSpec {
  readonly user: NamespaceMode
  readonly pid: NamespaceMode
  readonly ipc: NamespaceMode
  readonly uts: NamespaceMode
  readonly cgroup: NamespaceMode
}

/** `shared`: that of another container. */
export type NetworkMode = 'none' | 'host' | 'bridge' | 'shared'

export interface NetworkSpec {
  readonly mode: NetworkMode
  /** With shared: whose network it shares; as it was asked for, and its id once the container is made. */
  readonly container?: string
  /** None with bridge: the default network, unless it was taken out of its last one. */
  readonly attachments: readonly AttachmentSpec[]
  /** With bridge: it was taken out of its last network. */
  readonly unconnected?: true
  readonly dns: DnsSpec
  /** Absent: none. */
  readonly ports?: readonly PortSpec[]
  /** Publish what the image exposes, too. */
  readonly publishAll?: true
}

export type Transport = 'tcp' | 'udp' | 'sctp'

/** Ports of the host that lead inside. */
export interface PortSpec {
  readonly transport: Transport
  /** '': every address. */
  readonly hostAddress: string
  /** 0: one that is free. */
  readonly hostPort: number
  readonly containerPort: number
  readonly count: number
}

export interface AttachmentSpec {
  readonly network: string
  readonly ipv4Address: string
  readonly ipv6Address: string
  readonly macAddress: string
  readonly aliases: readonly string[]
  readonly gatewayPriority: number
  readonly driverOptions: Readonly<Record<string, string>>
  readonly interfaceName: string
}

export interface DnsSpec {
  readonly servers: readonly string[]
  readonly search: readonly string[]
  readonly options: readonly string[]
  readonly extraHosts: Readonly<Record<string, string>>
}

export interface LogSpec {
  readonly maxSegmentBytes: number
  readonly maxSegments: number
}
