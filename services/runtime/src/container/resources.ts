import type { LinuxBlockIo, LinuxCpu, LinuxMemory, LinuxResources } from '@caisson/oci'
import type { DeviceLimit, ResourceSpec } from './spec.ts'

/** Number of a device node of the host. */
export interface DeviceNumber {
  readonly type: 'c' | 'b'
  readonly major: number
  readonly minor: number
}

const DEFAULT_PIDS = 4_096
const PERIOD_US = 100_000
const NANO = 1_000_000_000

/**
 * The limits of a container as the runtime spec says them. `numberOf` looks devices up by their path on the host. With
 * `isUpdate` defaults are left out: only what is named changes.
 */
export function linuxResources(
  resources: ResourceSpec,
  numberOf: (path: string) => DeviceNumber,
  isUpdate = false,
): LinuxResources {
  const { unified } = resources
  const pids = resources.pidsLimit ?? (isUpdate ? undefined : DEFAULT_PIDS)
  return {
    ...optional('memory', memoryOf(resources)),
    ...optional('cpu', cpuOf(resources)),
    ...(pids !== undefined && { pids: { limit: pids > 0 ? pids : -1 } }),
    ...optional('blockIO', blockIoOf(resources, numberOf)),
    ...(unified && { unified }),
  }
}

/** 0 lifts a limit. */
const limit = (value: number | undefined): number | undefined => (value === 0 ? -1 : value)

function memoryOf(resources: ResourceSpec): LinuxMemory {
  const memory = limit(resources.memoryBytes)
  return defined({
    limit: memory,
    reservation: limit(resources.memoryReservationBytes),
    swap: swapOf(memory, resources.memorySwapBytes),
    swappiness: resources.memorySwappiness,
    disableOOMKiller: resources.oomKillDisable,
  })
}

/** Memory and swap together: -1 for no limit, twice the memory when it is not said. */
function swapOf(memory: number | undefined, swap: number | undefined): number | undefined {
  if (swap !== undefined && swap !== 0) return swap
  if (memory === undefined) return undefined
  return memory === -1 ? -1 : memory * 2
}

function cpuOf(resources: ResourceSpec): LinuxCpu {
  const { nanoCpus, cpuPeriodUs, cpuQuotaUs, cpuShares, cpusetCpus, cpusetMems } = resources
  const hasNano = nanoCpus !== undefined && nanoCpus > 0
  const quota = hasNano ? Math.max(1_000, Math.floor((nanoCpus * PERIOD_US) / NANO)) : cpuQuotaUs
  return defined({
    shares: nonZero(cpuShares),
    // 0 billionths lift the limit.
    quota: nanoCpus === 0 && cpuQuotaUs === undefined ? -1 : nonZero(quota),
    period: hasNano ? PERIOD_US : nonZero(cpuPeriodUs),
    cpus: nonEmpty(cpusetCpus),
    mems: nonEmpty(cpusetMems),
  })
}

function blockIoOf(resources: ResourceSpec, numberOf: (path: string) => DeviceNumber): LinuxBlockIo {
  const rates = (limits: readonly DeviceLimit[] | undefined) =>
    limits?.map(({ path, value }) => ({ ...majorMinor(numberOf(path)), rate: value }))
  return defined({
    weight: nonZero(resources.blkioWeight),
    weightDevice: resources.blkioWeightDevices?.map(({ path, value }) => {
      return { ...majorMinor(numberOf(path)), weight: value }
    }),
    throttleReadBpsDevice: rates(resources.readBpsDevices),
    throttleWriteBpsDevice: rates(resources.writeBpsDevices),
    throttleReadIOPSDevice: rates(resources.readIopsDevices),
    throttleWriteIOPSDevice: rates(resources.writeIopsDevices),
  })
}

const majorMinor = ({ major, minor }: DeviceNumber) => ({ major, minor })
const nonZero = (value: number | undefined): number | undefined => (value === 0 ? undefined : value)
const nonEmpty = (value: string | undefined): string | undefined => (value === '' ? undefined : value)

function defined<T extends object>(values: T): { [K in keyof T]?: Exclude<T[K], undefined> } {
  const entries = Object.entries(values).filter(([, value]) => value !== undefined)
  return Object.fromEntries(entries) as { [K in keyof T]?: Exclude<T[K], undefined> }
}

function optional<K extends string, T extends object>(key: K, value: T): { [P in K]?: T } {
  return Object.keys(value).length === 0 ? {} : ({ [key]: value } as { [P in K]?: T })
}
