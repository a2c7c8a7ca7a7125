/** `linux.resources`: what the control groups of a container limit. */
export interface LinuxResources {
  /** In order; later rules win. */
  readonly devices?: readonly LinuxDeviceRule[]
  readonly memory?: LinuxMemory
  readonly cpu?: LinuxCpu
  readonly pids?: LinuxPids
  readonly blockIO?: LinuxBlockIo
  readonly hugepageLimits?: readonly LinuxHugepageLimit[]
  readonly network?: LinuxNetworkResources
  readonly rdma?: Readonly<Record<string, LinuxRdma>>
  /** Raw files of control groups version 2: name to value. */
  readonly unified?: Readonly<Record<string, string>>
}

export interface LinuxDeviceRule {
  readonly allow: boolean
  /** All, character or block devices; 'a' by default. */
  readonly type?: 'a' | 'c' | 'b'
  /** Absent or -1: every one. */
  readonly major?: number
  readonly minor?: number
  /** Of "rwm"; absent or empty: all. */
  readonly access?: string
}

/** Bytes; -1 lifts a limit. */
export interface LinuxMemory {
  readonly limit?: number
  readonly reservation?: number
  /** Memory and swap together. */
  readonly swap?: number
  readonly kernel?: number
  readonly kernelTCP?: number
  /** 0 to 100; version 1 only. */
  readonly swappiness?: number
  readonly disableOOMKiller?: boolean
  readonly useHierarchy?: boolean
  readonly checkBeforeUpdate?: boolean
}

export interface LinuxCpu {
  /** Relative weight, 2 to 262144; 1024 is ordinary. */
  readonly shares?: number
  /** Microseconds of processor time in a period; -1 lifts the limit. */
  readonly quota?: number
  /** Microseconds, 1000 to 1000000. */
  readonly period?: number
  /** Microseconds saved from earlier periods. */
  readonly burst?: number
  readonly realtimeRuntime?: number
  readonly realtimePeriod?: number
  /** Lists such as "0-2,7". */
  readonly cpus?: string
  readonly mems?: string
  /** 1: scheduled only when nothing else wants to run. */
  readonly idle?: number
}

export interface LinuxPids {
  /** -1: no limit. */
  readonly limit?: number
}

export interface LinuxBlockIo {
  /** 10 to 1000. */
  readonly weight?: number
  readonly leafWeight?: number
  readonly weightDevice?: readonly LinuxWeightDevice[]
  readonly throttleReadBpsDevice?: readonly LinuxThrottleDevice[]
  readonly throttleWriteBpsDevice?: readonly LinuxThrottleDevice[]
  readonly throttleReadIOPSDevice?: readonly LinuxThrottleDevice[]
  readonly throttleWriteIOPSDevice?: readonly LinuxThrottleDevice[]
}

export interface LinuxWeightDevice {
  readonly major: number
  readonly minor: number
  readonly weight?: number
  readonly leafWeight?: number
}

export interface LinuxThrottleDevice {
  readonly major: number
  readonly minor: number
  /** Bytes or operations a second. */
  readonly rate: number
}

export interface LinuxHugepageLimit {
  /** "2MB", "1GB". */
  readonly pageSize: string
  readonly limit: number
}

export interface LinuxNetworkResources {
  readonly classID?: number
  readonly priorities?: readonly { readonly name: string; readonly priority: number }[]
}

export interface LinuxRdma {
  readonly hcaHandles?: number
  readonly hcaObjects?: number
}
