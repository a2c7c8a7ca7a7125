import type { LinuxConfig } from './linux.ts'

/**
 * The runtime spec's config.json, version 1.3, as far as Linux is concerned. Names, units and defaults are the
 * specification's. 64-bit numbers that may pass 2^53 are `number | bigint`.
 */
export interface RuntimeSpec {
  readonly ociVersion: string
  readonly root?: RuntimeRoot
  readonly process?: RuntimeProcess
  readonly hostname?: string
  readonly domainname?: string
  readonly mounts?: readonly RuntimeMount[]
  readonly hooks?: RuntimeHooks
  readonly annotations?: Readonly<Record<string, string>>
  readonly linux?: LinuxConfig
}

export interface RuntimeRoot {
  readonly path: string
  readonly readonly?: boolean
}

export interface RuntimeMount {
  readonly destination: string
  readonly type?: string
  readonly source?: string
  readonly options?: readonly string[]
  /** Both or neither. */
  readonly uidMappings?: readonly IdMapping[]
  readonly gidMappings?: readonly IdMapping[]
}

export interface IdMapping {
  readonly containerID: number
  readonly hostID: number
  readonly size: number
}

export interface RuntimeProcess {
  readonly terminal?: boolean
  readonly consoleSize?: { readonly height: number; readonly width: number }
  readonly cwd: string
  readonly env?: readonly string[]
  readonly args?: readonly string[]
  readonly user?: RuntimeUser
  readonly capabilities?: RuntimeCapabilities
  readonly rlimits?: readonly RuntimeRlimit[]
  readonly noNewPrivileges?: boolean
  readonly apparmorProfile?: string
  readonly selinuxLabel?: string
  readonly oomScoreAdj?: number
  readonly scheduler?: RuntimeScheduler
  readonly ioPriority?: { readonly class: string; readonly priority?: number }
  readonly execCPUAffinity?: { readonly initial?: string; readonly final?: string }
}

export interface RuntimeUser {
  readonly uid?: number
  readonly gid?: number
  readonly umask?: number
  readonly additionalGids?: readonly number[]
}

/** Names such as CAP_CHOWN. */
export interface RuntimeCapabilities {
  readonly bounding?: readonly string[]
  readonly effective?: readonly string[]
  readonly permitted?: readonly string[]
  readonly inheritable?: readonly string[]
  readonly ambient?: readonly string[]
}

export interface RuntimeRlimit {
  /** RLIMIT_NOFILE and so on. */
  readonly type: string
  readonly soft: number | bigint
  readonly hard: number | bigint
}

export interface RuntimeScheduler {
  readonly policy: string
  readonly nice?: number
  readonly priority?: number
  readonly flags?: readonly string[]
  readonly runtime?: number
  readonly deadline?: number
  readonly period?: number
}

export interface RuntimeHook {
  readonly path: string
  readonly args?: readonly string[]
  readonly env?: readonly string[]
  /** Seconds. */
  readonly timeout?: number
}

export interface RuntimeHooks {
  readonly prestart?: readonly RuntimeHook[]
  readonly createRuntime?: readonly RuntimeHook[]
  readonly createContainer?: readonly RuntimeHook[]
  readonly startContainer?: readonly RuntimeHook[]
  readonly poststart?: readonly RuntimeHook[]
  readonly poststop?: readonly RuntimeHook[]
}
