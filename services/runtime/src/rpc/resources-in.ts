import type { DeviceLimit as DeviceLimitMessage, Resources } from '@caisson/api/container'
import type { DeviceLimit, ResourceSpec } from '../container/spec.ts'
import { absolutePath, atMost, optionalWithin, present, text, within, wrong } from './checks.ts'

const LEAST_MEMORY = 6 << 20
const MOST = Number.MAX_SAFE_INTEGER
const LIST = /^\d{1,5}(-\d{1,5})?(,\d{1,5}(-\d{1,5})?)*$/

/** Limits as the domain trusts them; what is absent stays absent. */
export function resourcesIn(field: string, resources: Resources | undefined): ResourceSpec {
  if (!resources) return {}
  const number = (name: string, value: number | undefined, least: number, most: number): number | undefined =>
    optionalWithin(`${field}.${name}`, value, least, most)
  checkCombination(field, resources)
  return present({
    memoryBytes: memory(`${field}.memory_bytes`, resources.memoryBytes),
    memorySwapBytes: number('memory_swap_bytes', resources.memorySwapBytes, -1, MOST),
    memoryReservationBytes: memory(`${field}.memory_reservation_bytes`, resources.memoryReservationBytes),
    memorySwappiness: number('memory_swappiness', resources.memorySwappiness, 0, 100),
    nanoCpus: number('nano_cpus', resources.nanoCpus, 0, 1e15),
    cpuPeriodUs: number('cpu_period_us', resources.cpuPeriodUs, 0, 1_000_000),
    cpuQuotaUs: number('cpu_quota_us', resources.cpuQuotaUs, -1, MOST),
    cpuShares: number('cpu_shares', resources.cpuShares, 0, 262_144),
    cpusetCpus: list(`${field}.cpuset_cpus`, resources.cpusetCpus),
    cpusetMems: list(`${field}.cpuset_mems`, resources.cpusetMems),
    pidsLimit: number('pids_limit', resources.pidsLimit, -1, 4_194_304),
    blkioWeight: number('blkio_weight', resources.blkioWeight, 0, 1_000),
    blkioWeightDevices: devices(`${field}.blkio_weight_devices`, resources.blkioWeightDevices),
    readBpsDevices: devices(`${field}.read_bps_devices`, resources.readBpsDevices),
    writeBpsDevices: devices(`${field}.write_bps_devices`, resources.writeBpsDevices),
    readIopsDevices: devices(`${field}.read_iops_devices`, resources.readIopsDevices),
    writeIopsDevices: devices(`${field}.write_iops_devices`, resources.writeIopsDevices),
    oomScoreAdj: number('oom_score_adj', resources.oomScoreAdj, -1_000, 1_000),
    oomKillDisable: resources.oomKillDisable,
    unified: unified(`${field}.unified`, resources.unified),
  })
}

function checkCombination(field: string, resources: Resources): void {
  const hasQuota = (resources.cpuPeriodUs ?? 0) !== 0 || (resources.cpuQuotaUs ?? 0) !== 0
  if ((resources.nanoCpus ?? 0) !== 0 && hasQuota)
    throw wrong(`${field}.nano_cpus`, 'not together with cpu_period_us and cpu_quota_us')
  const swap = resources.memorySwapBytes ?? 0
  if (swap > 0 && swap < (resources.memoryBytes ?? 0))
    throw wrong(`${field}.memory_swap_bytes`, 'memory and swap together are less than memory alone')
}

function memory(field: string, value: number | undefined): number | undefined {
  if (value === undefined || value === 0) return value
  if (value >= 0 && value < LEAST_MEMORY) throw wrong(field, `${value} bytes are too few: at least ${LEAST_MEMORY}`)
  return within(field, value, LEAST_MEMORY, MOST)
}

function list(field: string, value: string | undefined): string | undefined {
  if (value !== undefined && value !== '' && !LIST.test(value)) throw wrong(field, 'expected numbers and ranges: 0-2,4')
  return value
}

function devices(field: string, limits: readonly DeviceLimitMessage[]): readonly DeviceLimit[] | undefined {
  if (limits.length === 0) return undefined
  atMost(field, limits, 64)
  return limits.map(({ path, value }, index) => ({
    path: absolutePath(`${field}[${index}].path`, path),
    value: within(`${field}[${index}].value`, value, 0, MOST),
  }))
}

function unified(
  field: string,
  values: Readonly<Record<string, string>>,
): Readonly<Record<string, string>> | undefined {
  const entries = Object.entries(values)
  if (entries.length === 0) return undefined
  atMost(field, entries, 64)
  for (const [name, value] of entries) {
    if (!/^[a-z0-9_]+(\.[A-Za-z0-9_]+)+$/.test(name)) throw wrong(field, `${name.slice(0, 80)} is no key of a group`)
    text(field, value, 4_096)
  }
  return values
}
