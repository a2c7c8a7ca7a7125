import type { LinuxResources } from '@caisson/oci'
import type { PlanRecord } from '../launch/plan.ts'
import { CGROUP_FLAG, OOM_FILE_KIND, USAGE_KIND } from '../launch/plan-format.ts'
import { DEFAULT_DEVICE_RULES, type DevicePolicy, deviceLines, devicePolicy } from './device-policy.ts'
import { deviceProgram } from './device-program.ts'
import type { CgroupHost } from './host.ts'
import { type CgroupPlacement, controllerMissing, findController, placeCgroup } from './placement.ts'
import { resourceWrites } from './resource-writes.ts'

/** Where a container's control group is: below the engine's subtree, under the container's id. */
export function placeContainer(host: CgroupHost, id: string): CgroupPlacement {
  return placeCgroup(host.layout, `${host.enginePath}/${id}`)
}

/**
 * The plan records that make a container's control group, limit it, put its first process inside, and say where its
 * usage is read. `resources.devices` are rules after which nothing is added; absent, those of the default /dev.
 */
export function cgroupRecords(
  host: CgroupHost,
  placement: CgroupPlacement,
  resources: LinuxResources = {},
): PlanRecord[] {
  const directories = directoryRecords(placement, CGROUP_FLAG.remove)
  const writes = resourceWrites(host, placement, resources).map(
    ({ path, value, isOptional }): PlanRecord => ({
      type: 'cgroupWrite',
      flags: isOptional ? CGROUP_FLAG.optional : 0,
      path,
      value,
    }),
  )
  const devices = deviceRecords(placement, devicePolicy(resources.devices ?? DEFAULT_DEVICE_RULES))
  return [...directories, ...writes, ...devices, ...usageRecords(host, placement)]
}

/** The records that put an exec's process into the container's control group, which has to exist. */
export function cgroupExecRecords(placement: CgroupPlacement): PlanRecord[] {
  return directoryRecords(placement, CGROUP_FLAG.exists)
}

function directoryRecords(placement: CgroupPlacement, flags: number): PlanRecord[] {
  const records: PlanRecord[] = placement.v1.map(({ directory, controllers }) => ({
    type: 'cgroupDir',
    // A hierarchy that only has a name limits nothing.
    flags: flags | (controllers.length === 0 ? CGROUP_FLAG.optional : 0),
    path: directory,
  }))
  if (placement.unified !== undefined) {
    records.push({ type: 'cgroupDir', flags: flags | CGROUP_FLAG.v2, path: placement.unified })
  }
  return records
}

function deviceRecords(placement: CgroupPlacement, policy: DevicePolicy): PlanRecord[] {
  const v1 = placement.v1.find(({ controllers }) => controllers.includes('devices'))
  if (v1 !== undefined) {
    return deviceLines(policy).map(({ file, value }) => {
      return { type: 'cgroupWrite', flags: 0, path: `${v1.directory}/${file}`, value }
    })
  }
  if (policy.isAllowed && policy.exceptions.length === 0) return []
  if (placement.unified === undefined) throw controllerMissing('devices', 'the policy of device nodes')
  return [{ type: 'cgroupDevices', program: deviceProgram(policy) }]
}

function usageRecords(host: CgroupHost, placement: CgroupPlacement): PlanRecord[] {
  const find = (v1: string, v2: string) => findController(placement, host.unifiedControllers, { v1, v2 })
  const records: PlanRecord[] = []
  const memory = find('memory', 'memory')
  if (memory?.version === 1) {
    const peak = `${memory.directory}/memory.max_usage_in_bytes`
    records.push({ type: 'oomFile', kind: OOM_FILE_KIND.v1OomControl, path: `${memory.directory}/memory.oom_control` })
    records.push({ type: 'usageFile', kind: USAGE_KIND.memoryPeak, path: peak })
  } else if (memory !== undefined) {
    records.push({ type: 'oomFile', kind: OOM_FILE_KIND.v2Events, path: `${memory.directory}/memory.events` })
    records.push({ type: 'usageFile', kind: USAGE_KIND.memoryPeak, path: `${memory.directory}/memory.peak` })
  }
  const cpuacct = placement.v1.find(({ controllers }) => controllers.includes('cpuacct'))
  if (cpuacct !== undefined) {
    records.push({ type: 'usageFile', kind: USAGE_KIND.cpuNsec, path: `${cpuacct.directory}/cpuacct.usage` })
  } else if (placement.unified !== undefined) {
    // Every group of version 2 accounts for processor time, with or without the controller.
    records.push({ type: 'usageFile', kind: USAGE_KIND.cpuUsecStat, path: `${placement.unified}/cpu.stat` })
  }
  return records
}
