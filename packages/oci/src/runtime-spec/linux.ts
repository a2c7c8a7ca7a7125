import type { IdMapping } from './config.ts'
import type { LinuxResources } from './resources.ts'

/** The `linux` part of config.json. */
export interface LinuxConfig {
  readonly namespaces?: readonly LinuxNamespace[]
  readonly uidMappings?: readonly IdMapping[]
  readonly gidMappings?: readonly IdMapping[]
  readonly timeOffsets?: {
    readonly monotonic?: LinuxTimeOffset
    readonly boottime?: LinuxTimeOffset
  }
  readonly devices?: readonly LinuxDevice[]
  readonly netDevices?: Readonly<Record<string, { readonly name?: string }>>
  readonly cgroupsPath?: string
  readonly resources?: LinuxResources
  readonly rootfsPropagation?: 'private' | 'shared' | 'slave' | 'unbindable'
  readonly seccomp?: LinuxSeccomp
  readonly sysctl?: Readonly<Record<string, string>>
  readonly maskedPaths?: readonly string[]
  readonly readonlyPaths?: readonly string[]
  readonly mountLabel?: string
  readonly personality?: { readonly domain: 'LINUX' | 'LINUX32'; readonly flags?: readonly string[] }
  readonly intelRdt?: LinuxIntelRdt
  readonly memoryPolicy?: { readonly mode: string; readonly nodes?: string; readonly flags?: readonly string[] }
}

export const LINUX_NAMESPACE_TYPES = ['mount', 'pid', 'network', 'uts', 'ipc', 'user', 'cgroup', 'time'] as const
export type LinuxNamespaceType = (typeof LINUX_NAMESPACE_TYPES)[number]

export interface LinuxNamespace {
  readonly type: LinuxNamespaceType
  /** A namespace file to join; without, a new namespace is made. */
  readonly path?: string
}

export interface LinuxTimeOffset {
  readonly secs?: number
  readonly nanosecs?: number
}

export interface LinuxDevice {
  /** Character (also unbuffered), block, or fifo. */
  readonly type: 'c' | 'u' | 'b' | 'p'
  readonly path: string
  readonly major?: number
  readonly minor?: number
  /** Permissions: 0o666 by default. */
  readonly fileMode?: number
  readonly uid?: number
  readonly gid?: number
}

export interface LinuxIntelRdt {
  readonly closID?: string
  readonly l3CacheSchema?: string
  readonly memBwSchema?: string
  readonly schemata?: readonly string[]
  readonly enableMonitoring?: boolean
}

export interface LinuxSeccomp {
  readonly defaultAction: string
  readonly defaultErrnoRet?: number
  readonly architectures?: readonly string[]
  readonly flags?: readonly string[]
  readonly listenerPath?: string
  readonly listenerMetadata?: string
  readonly syscalls?: readonly LinuxSyscallRule[]
}

export interface LinuxSyscallRule {
  readonly names: readonly string[]
  readonly action: string
  readonly errnoRet?: number
  readonly args?: readonly LinuxSyscallArgument[]
}

export interface LinuxSyscallArgument {
  readonly index: number
  readonly value: number | bigint
  readonly valueTwo?: number | bigint
  readonly op: string
}
