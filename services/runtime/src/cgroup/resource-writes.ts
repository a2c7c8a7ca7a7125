import type { LinuxResources } from '@caisson/oci'
import { invalid } from '../refusal.ts'
import { cpusetWrites, cpuWrites } from './cpu-writes.ts'
import type { CgroupHost } from './host.ts'
import { ioWrites } from './io-writes.ts'
import { memoryWrites } from './memory-writes.ts'
import { type CgroupPlacement, type ControllerHome, controllerMissing, findController } from './placement.ts'
import { type CgroupWrite, WriteList } from './writes.ts'

/** What the limits of a container hold now; only for a live update. */
export interface CurrentLimits {
  /** Version 1: the limit of memory and swap together, in bytes; Infinity for none. */
  readonly memoryAndSwap?: number
}

/**
 * The writes that give a control group its limits, in order. Devices are apart: see device-policy.ts.
 * Throws CGROUP_CONTROLLER_MISSING, naming the controller, for a limit that the host cannot keep.
 */
export function resourceWrites(
  host: CgroupHost,
  placement: CgroupPlacement,
  resources: LinuxResources,
  current?: CurrentLimits,
): CgroupWrite[] {
  const home = (v1: string, v2: string, setting: string): ControllerHome =>
    findController(placement, host.unifiedControllers, { v1, v2 }) ?? raise(controllerMissing(v2, setting))
  const { memory, cpu, pids, blockIO } = resources
  const writes: CgroupWrite[] = []
  writes.push(...cpusetOf(host, placement, resources))
  if (memory && hasAny(memory)) {
    writes.push(...memoryWrites(home('memory', 'memory', 'a memory limit'), memory, host.hasSwapLimit, current))
  }
  if (cpu && hasAny({ ...cpu, cpus: undefined, mems: undefined })) {
    writes.push(...cpuWrites(home('cpu', 'cpu', 'a CPU limit'), cpu))
  }
  if (pids?.limit !== undefined) {
    const value = pids.limit < 0 ? 'max' : pids.limit
    writes.push(...new WriteList(home('pids', 'pids', 'a limit of processes')).set('pids.max', value).writes)
  }
  if (blockIO && hasAny(blockIO)) {
    writes.push(...ioWrites(home('blkio', 'io', 'a block I/O limit'), blockIO, host.ioFiles))
  }
  writes.push(...otherWrites(resources, home), ...unifiedWrites(host, placement, resources.unified ?? {}))
  return writes
}

function cpusetOf(host: CgroupHost, placement: CgroupPlacement, resources: LinuxResources): CgroupWrite[] {
  const { cpus, mems } = resources.cpu ?? {}
  const home = findController(placement, host.unifiedControllers, { v1: 'cpuset', v2: 'cpuset' })
  if (home !== undefined) return cpusetWrites(home, resources.cpu ?? {}, host.cpuset)
  if (cpus || mems) throw controllerMissing('cpuset', 'a choice of CPUs or memory nodes')
  return []
}

function otherWrites(
  resources: LinuxResources,
  home: (v1: string, v2: string, setting: string) => ControllerHome,
): CgroupWrite[] {
  const writes: CgroupWrite[] = []
  for (const { pageSize, limit } of resources.hugepageLimits ?? []) {
    const at = home('hugetlb', 'hugetlb', 'a limit of huge pages')
    const file = at.version === 1 ? 'limit_in_bytes' : 'max'
    const to = new WriteList(at)
      .set(`hugetlb.${pageSize}.${file}`, limit)
      .try(`hugetlb.${pageSize}.rsvd.${file}`, limit)
    writes.push(...to.writes)
  }
  for (const [device, { hcaHandles, hcaObjects }] of Object.entries(resources.rdma ?? {})) {
    const value = `${device} hca_handle=${hcaHandles ?? 'max'} hca_object=${hcaObjects ?? 'max'}`
    writes.push(...new WriteList(home('rdma', 'rdma', 'a limit of RDMA')).set('rdma.max', value).writes)
  }
  const { classID, priorities } = resources.network ?? {}
  if (classID !== undefined) {
    const at = home('net_cls', 'net_cls', 'a network class')
    writes.push(...new WriteList(at).set('net_cls.classid', classID).writes)
  }
  for (const { name, priority } of priorities ?? []) {
    const at = home('net_prio', 'net_prio', 'a network priority')
    writes.push(...new WriteList(at).set('net_prio.ifpriomap', `${name} ${priority}`).writes)
  }
  return writes
}

/** Raw version 2 files. A key whose controller is not there is an error; whether the file exists is the kernel's to say. */
function unifiedWrites(
  host: CgroupHost,
  placement: CgroupPlacement,
  unified: Readonly<Record<string, string>>,
): CgroupWrite[] {
  return Object.entries(unified).map(([file, value]) => {
    if (!/^[a-z0-9_]+(\.[A-Za-z0-9_]+)+$/.test(file) || file.startsWith('cgroup.')) {
      throw invalid(
        'CGROUP_FILE_INVALID',
        file,
        `${JSON.stringify(file)} is no resource file of control groups version 2`,
      )
    }
    const controller = file.slice(0, file.indexOf('.'))
    if (placement.unified === undefined || !host.unifiedControllers.has(controller)) {
      throw controllerMissing(controller, file)
    }
    return { path: `${placement.unified}/${file}`, value, isOptional: false }
  })
}

const hasAny = (settings: object): boolean => Object.values(settings).some((value) => value !== undefined)

function raise(error: Error): never {
  throw error
}
