import type { LinuxCpu } from '@caisson/oci'
import { sharesToWeight } from './conversions.ts'
import type { ControllerHome } from './placement.ts'
import { asked, type CgroupWrite, WriteList } from './writes.ts'

const DEFAULT_PERIOD = 100_000

export function cpuWrites(home: ControllerHome, cpu: LinuxCpu): CgroupWrite[] {
  return home.version === 1 ? cpuWritesV1(home, cpu) : cpuWritesV2(home, cpu)
}

function cpuWritesV1(home: ControllerHome, cpu: LinuxCpu): CgroupWrite[] {
  return new WriteList(home)
    .set('cpu.shares', asked(cpu.shares))
    .set('cpu.rt_period_us', asked(cpu.realtimePeriod))
    .set('cpu.rt_runtime_us', asked(cpu.realtimeRuntime))
    .set('cpu.cfs_period_us', asked(cpu.period))
    .set('cpu.cfs_quota_us', asked(cpu.quota))
    .set('cpu.cfs_burst_us', cpu.burst)
    .set('cpu.idle', cpu.idle).writes
}

function cpuWritesV2(home: ControllerHome, cpu: LinuxCpu): CgroupWrite[] {
  const shares = asked(cpu.shares)
  return new WriteList(home)
    .set('cpu.idle', cpu.idle)
    .set('cpu.weight', shares === undefined || cpu.idle === 1 ? undefined : sharesToWeight(shares))
    .set('cpu.max', cpuMax(cpu))
    .set('cpu.max.burst', cpu.burst).writes
}

function cpuMax(cpu: LinuxCpu): string | undefined {
  const [quota, period] = [asked(cpu.quota), asked(cpu.period)]
  if (quota === undefined && period === undefined) return undefined
  return `${quota === undefined || quota < 0 ? 'max' : quota} ${period ?? DEFAULT_PERIOD}`
}

/** A version 1 cpuset has to have CPUs and memory nodes before a process may enter: the engine's, where none are asked. */
export function cpusetWrites(
  home: ControllerHome,
  cpu: Pick<LinuxCpu, 'cpus' | 'mems'>,
  inherited: { readonly cpus: string; readonly mems: string } | undefined,
): CgroupWrite[] {
  const base = home.version === 1 ? inherited : undefined
  const value = (text: string | undefined) => (text === undefined || text === '' ? undefined : text)
  return new WriteList(home)
    .set('cpuset.cpus', value(cpu.cpus) ?? base?.cpus)
    .set('cpuset.mems', value(cpu.mems) ?? base?.mems).writes
}
