import { CaissonError } from '@caisson/api'
import type { LinuxResources } from '@caisson/oci'
import { deviceLines, devicePolicy } from './device-policy.ts'
import { isAbsence, parseLimit, readIfThere, writeControl } from './file.ts'
import type { CgroupHost } from './host.ts'
import { type CgroupPlacement, controllerMissing, findController } from './placement.ts'
import { resourceWrites } from './resource-writes.ts'
import type { CgroupWrite } from './writes.ts'

/**
 * Changes the limits of a running container. Only what `resources` names is written. When the kernel refuses a value, the
 * ones written before it are put back, and CGROUP_UPDATE_REFUSED names the file.
 */
export async function updateCgroup(
  host: CgroupHost,
  placement: CgroupPlacement,
  resources: LinuxResources,
): Promise<void> {
  const writes = resourceWrites(host, placement, resources, { ...(await currentLimits(host, placement)) })
  const undo: CgroupWrite[] = []
  try {
    for (const write of [...writes, ...deviceWrites(placement, resources)]) {
      const before = await readIfThere(write.path).catch(() => undefined)
      await apply(write)
      if (before !== undefined && isOneValue(before)) undo.unshift({ ...write, value: before })
    }
  } catch (error) {
    // Best effort: the first failure is what the caller needs to hear of.
    for (const write of undo) await apply(write).catch(() => undefined)
    throw error
  }
}

async function currentLimits(host: CgroupHost, placement: CgroupPlacement): Promise<{ memoryAndSwap?: number }> {
  const home = findController(placement, host.unifiedControllers, { v1: 'memory', v2: 'memory' })
  if (home?.version !== 1 || !host.hasSwapLimit) return {}
  const text = await readIfThere(`${home.directory}/memory.memsw.limit_in_bytes`)
  return text === undefined ? {} : { memoryAndSwap: parseLimit(text) ?? Number.POSITIVE_INFINITY }
}

function deviceWrites(placement: CgroupPlacement, resources: LinuxResources): CgroupWrite[] {
  if (resources.devices === undefined) return []
  const v1 = placement.v1.find(({ controllers }) => controllers.includes('devices'))
  if (v1 === undefined) throw controllerMissing('devices', 'a change of the device policy while the container runs')
  return deviceLines(devicePolicy(resources.devices)).map(({ file, value }) => {
    return { path: `${v1.directory}/${file}`, value, isOptional: false }
  })
}

/** Files of several lines (io.max, devices.list) cannot be put back by writing what was read. */
const isOneValue = (text: string): boolean => text !== '' && !text.includes('\n') && !text.includes('=')

async function apply(write: CgroupWrite): Promise<void> {
  try {
    await writeControl(write.path, write.value)
  } catch (error) {
    if (write.isOptional && isAbsence(error)) return
    throw refused(write, error)
  }
}

function refused(write: CgroupWrite, cause: unknown): CaissonError {
  const code = cause instanceof Error && 'code' in cause ? String(cause.code) : 'unknown error'
  if (code === 'ENOENT') {
    const message = `${write.path} is not there: the container has ended, or this kernel lacks the limit`
    return new CaissonError('failed-precondition', message, { reason: 'CGROUP_FILE_MISSING', cause })
  }
  const hint =
    code === 'EBUSY' ? 'the container uses more than that now' : 'it is out of range, or at odds with another limit'
  const message = `the kernel refused ${JSON.stringify(write.value)} for ${write.path} (${code}): ${hint}`
  return new CaissonError('invalid-argument', message, {
    reason: 'CGROUP_UPDATE_REFUSED',
    details: { file: write.path, value: write.value, errno: code },
    cause,
  })
}
