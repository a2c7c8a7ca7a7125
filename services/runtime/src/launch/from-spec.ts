import type { LinuxConfig, RuntimeProcess, RuntimeSpec } from '@caisson/oci'
import { type CgroupHost, type CgroupPlacement, cgroupExecRecords, cgroupRecords } from '../cgroup/index.ts'
import { invalid } from '../refusal.ts'
import { devRecords } from './dev.ts'
import { checkContainerPath } from './mount-target.ts'
import { mountPropagation, mountRecords } from './mounts.ts'
import { type NamespacePlan, namespaceRecords, planNamespaces } from './namespaces.ts'
import type { PlanRecord } from './plan.ts'
import { CLONE_FLAG, LAUNCH_FLAG, MOUNT_FLAG, MOUNT_KIND, PLAN_KIND, PROPAGATION } from './plan-format.ts'
import { type ProcessSettings, processFlags, processRecords } from './process-records.ts'
import { sysctlRecords } from './sysctls.ts'

/** What a container needs beside its config.json. */
export interface LaunchSettings extends ProcessSettings {
  readonly root: RootSettings
  readonly cgroup: { readonly host: CgroupHost; readonly placement: CgroupPlacement }
  /** Sources of bind mounts that are no directories. */
  readonly fileSources?: ReadonlySet<string>
  /** Stops when the namespaces exist, until it is told to go on. */
  readonly hasBarrier?: boolean
  /** Runs the command below a small init as process 1. */
  readonly hasInit?: boolean
}

export type RootSettings = OverlayRoot | BindRoot

/** Layers as the image store has prepared them. */
export interface OverlayRoot {
  readonly kind: 'overlay'
  /** From the topmost to the lowest; at least one. */
  readonly lowerDirs: readonly string[]
  /** '' with an empty workDir: read-only. */
  readonly upperDir: string
  readonly workDir: string
  /** Extra overlay options: "volatile". */
  readonly options?: string
  /** Lets device nodes of the image be used. */
  readonly allowsDevices?: boolean
}

export interface BindRoot {
  readonly kind: 'bind'
  readonly path: string
  readonly allowsDevices?: boolean
}

/**
 * The records that start the container of a runtime spec. Follows the spec: a property that cannot be applied is refused
 * (LAUNCH_UNSUPPORTED or the reason of its part), never left out.
 */
export function launchRecords(spec: RuntimeSpec, settings: LaunchSettings): PlanRecord[] {
  refuseUnsupported(spec)
  const process = spec.process ?? raise(unsupported('process', 'a container needs a process'))
  const linux = spec.linux ?? {}
  const namespaces = planNamespaces(linux)
  const { host, placement } = settings.cgroup
  return [
    { type: 'launch', kind: PLAN_KIND.create, flags: launchFlags(process, namespaces, settings) },
    ...namespaceRecords(namespaces, linux),
    ...cgroupRecords(host, placement, linux.resources),
    ...rootRecords(spec, settings, namespaces),
    ...mountAndDeviceRecords(spec, linux, namespaces, settings),
    ...(linux.maskedPaths ?? []).map((path): PlanRecord => ({ type: 'mask', path: checkContainerPath(path) })),
    ...(linux.readonlyPaths ?? []).map((path): PlanRecord => ({ type: 'readonly', path: checkContainerPath(path) })),
    ...hostnameRecords(spec, namespaces),
    ...sysctlRecords(linux.sysctl ?? {}, namespaces.own),
    ...processRecords(process, settings),
    ...(settings.hasInit === true ? [{ type: 'init' } as const] : []),
  ]
}

/** What a process needs that joins a running container. */
export interface ExecSettings extends ProcessSettings {
  readonly target: ExecTarget
  readonly placement: CgroupPlacement
}

export interface ExecTarget {
  /** The container's first process, on the host. */
  readonly pid: number
  /** Field 22 of /proc/pid/stat. */
  readonly startTime: bigint
  /** The namespaces in which the container is not with the host. */
  readonly namespaces: LinuxConfig['namespaces']
}

/** The records that start one more process in a running container. */
export function execRecords(process: RuntimeProcess, settings: ExecSettings): PlanRecord[] {
  const { pid, startTime } = settings.target
  const namespaces = (settings.target.namespaces ?? []).reduce((all, { type }) => all | CLONE_FLAG[type], 0)
  return [
    { type: 'launch', kind: PLAN_KIND.exec, flags: processFlags(process, settings) },
    { type: 'execTarget', pid, startTime, namespaces },
    ...cgroupExecRecords(settings.placement),
    ...processRecords(process, settings),
  ]
}

function launchFlags(process: RuntimeProcess, namespaces: NamespacePlan, settings: LaunchSettings): number {
  const barrier = settings.hasBarrier === true ? LAUNCH_FLAG.barrier : 0
  // With a pid namespace of its own everything dies with process 1.
  const sweep = namespaces.made.has('pid') ? 0 : LAUNCH_FLAG.killCgroup
  return processFlags(process, settings) | barrier | sweep
}

function rootRecords(spec: RuntimeSpec, settings: LaunchSettings, namespaces: NamespacePlan): PlanRecord[] {
  const { root } = settings
  const flags =
    (spec.root?.readonly === true ? MOUNT_FLAG.readOnly : 0) |
    (root.allowsDevices === true ? 0 : MOUNT_FLAG.noDev) |
    (namespaces.own.has('user') ? MOUNT_FLAG.idmap : 0)
  const propagation = propagationRecords(spec)
  if (root.kind === 'bind') return [{ type: 'rootBind', flags, path: root.path }, ...propagation]
  if (root.lowerDirs.length === 0) throw unsupported('root', 'it has no layers')
  if ((root.upperDir === '') !== (root.workDir === ''))
    throw unsupported('root', 'it has one of upperDir and workDir only')
  const { upperDir, workDir, options = '', lowerDirs: lowers } = root
  return [{ type: 'rootOverlay', flags, upperDir, workDir, options, lowers }, ...propagation]
}

/** What the spec says, or what one of its binds needs: a mount can share no more than the root does. */
function propagationRecords(spec: RuntimeSpec): PlanRecord[] {
  const asked = spec.linux?.rootfsPropagation ?? 'private'
  if (asked === 'unbindable') throw unsupported('linux.rootfsPropagation', 'a root can be private, slave or shared')
  const needed = [asked, mountPropagation(spec.mounts ?? [])]
  const propagation = needed.includes('shared') ? 'shared' : needed.includes('slave') ? 'slave' : undefined
  return propagation === undefined ? [] : [{ type: 'rootPropagation', propagation: PROPAGATION[propagation] }]
}

function mountAndDeviceRecords(
  spec: RuntimeSpec,
  linux: LinuxConfig,
  namespaces: NamespacePlan,
  settings: LaunchSettings,
): PlanRecord[] {
  const mounts = mountRecords(spec.mounts ?? [], {
    namespaces,
    linux,
    layout: settings.cgroup.host.layout,
    fileSources: settings.fileSources ?? new Set(),
  })
  // Nodes stand in a tmpfs. Who binds the host's /dev has the host's.
  const dev = mounts.findLast((mount) => mount.target === '/dev')
  if (dev === undefined && (linux.devices ?? []).length > 0) {
    throw unsupported('linux.devices', 'devices need a tmpfs at /dev to stand in')
  }
  return [...mounts, ...(dev?.kind === MOUNT_KIND.dev ? devRecords(linux.devices) : [])]
}

const HOSTNAME = /^[A-Za-z0-9._-]{1,64}$/

function hostnameRecords(spec: RuntimeSpec, namespaces: NamespacePlan): PlanRecord[] {
  const records: PlanRecord[] = []
  for (const type of ['hostname', 'domainname'] as const) {
    const name = spec[type]
    if (name === undefined || name === '') continue
    if (!namespaces.own.has('uts'))
      throw unsupported(type, "it would be the host's: the container shares its uts namespace")
    if (!HOSTNAME.test(name))
      throw unsupported(type, `${JSON.stringify(name.slice(0, 80))} is no name of up to 64 characters`)
    records.push({ type, name })
  }
  return records
}

function refuseUnsupported(spec: RuntimeSpec): void {
  const hooks = Object.values(spec.hooks ?? {}).some((list) => list.length > 0)
  if (hooks) throw unsupported('hooks', 'programs of the host are not run for a container')
  const linux = spec.linux ?? {}
  const parts = ['netDevices', 'personality', 'intelRdt', 'memoryPolicy', 'mountLabel', 'timeOffsets'] as const
  for (const part of parts) {
    const value = linux[part]
    const isEmpty =
      value === undefined || value === '' || (typeof value === 'object' && Object.keys(value).length === 0)
    if (!isEmpty) throw unsupported(`linux.${part}`, 'this version cannot apply it: leave it out')
  }
}

function unsupported(subject: string, why: string): Error {
  return invalid('LAUNCH_UNSUPPORTED', subject, `the container's ${subject} cannot be set up: ${why}`)
}

function raise(error: Error): never {
  throw error
}
