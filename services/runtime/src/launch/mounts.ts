import { basename } from 'node:path'
import type { IdMapping, LinuxConfig, RuntimeMount } from '@caisson/oci'
import type { CgroupLayout } from '../cgroup/layout.ts'
import { invalid } from '../refusal.ts'
import { type MountOptions, parseMountOptions } from './mount-options.ts'
import { checkMountTarget } from './mount-target.ts'
import type { NamespacePlan } from './namespaces.ts'
import type { MountRecord } from './plan.ts'
import { MOUNT_FLAG, MOUNT_KIND } from './plan-format.ts'

export interface MountContext {
  readonly namespaces: NamespacePlan
  readonly linux: LinuxConfig
  readonly layout: CgroupLayout
  /** Sources of bind mounts that are no directories. */
  readonly fileSources: ReadonlySet<string>
}

const FILE_SYSTEM = /^[a-z0-9][a-z0-9_.-]{0,63}$/
/** File systems that have no device: what the spec calls their source is a mere label. */
const WITHOUT_DEVICE: ReadonlySet<string> = new Set(['tmpfs', 'ramfs', 'proc', 'devpts', 'mqueue', 'binfmt_misc'])
const MAX_MOUNTS = 10_000
/** The group that owns terminals: it is left out where it has no id inside. */
const TTY_GROUP = 5

/** Records for the mounts of a runtime spec, in their order. */
export function mountRecords(mounts: readonly RuntimeMount[], context: MountContext): MountRecord[] {
  if (mounts.length > MAX_MOUNTS) {
    throw invalid('MOUNT_INVALID', 'mounts', `${mounts.length} mounts are too many: at most ${MAX_MOUNTS} are made`)
  }
  return mounts.map((mount) => mountRecord(mount, context))
}

/** The most that any of the mounts wants to share with the host. */
export function mountPropagation(mounts: readonly RuntimeMount[]): 'shared' | 'slave' | undefined {
  const wanted = mounts.map(({ destination, type = '', options = [] }) => {
    return parseMountOptions(destination, type, options).propagation
  })
  return wanted.includes('shared') ? 'shared' : wanted.includes('slave') ? 'slave' : undefined
}

function mountRecord(mount: RuntimeMount, context: MountContext): MountRecord {
  const options = parseMountOptions(mount.destination, mount.type ?? '', mount.options ?? [])
  const type = options.isBind ? 'bind' : (mount.type ?? '')
  const target = checkMountTarget(mount.destination, type)
  const flags = options.flags | mappingFlag(mount, context.linux, target)
  const plain = { type: 'mount' as const, target, flags, source: '', options: '' }
  if (type === 'bind') return { ...bind(plain, mount.source ?? '', context), options: options.subpath }
  if (!FILE_SYSTEM.test(type)) throw refused(target, `${JSON.stringify(type.slice(0, 40))} is no file system`)
  const { own } = context.namespaces
  const isForeign = own.has('user')
  if (type === 'proc' && isForeign && !own.has('pid')) return hostBind(plain, '/proc')
  if (type === 'mqueue' && isForeign && !own.has('ipc')) return hostBind(plain, '/dev/mqueue')
  if (type === 'sysfs') return { ...plain, kind: MOUNT_KIND.sysfs }
  if (type === 'cgroup' || type === 'cgroup2') {
    if (!own.has('cgroup')) return hostBind(plain, '/sys/fs/cgroup')
    return { ...plain, kind: MOUNT_KIND.cgroup, options: cgroupHierarchies(context.layout) }
  }
  const data = dataOf(type, mount, options, context.linux)
  if (type === 'tmpfs' && target === '/dev') return { ...plain, kind: MOUNT_KIND.dev, source: type, options: data }
  return { ...plain, kind: MOUNT_KIND.fs, source: type, options: data }
}

type PlainRecord = Omit<MountRecord, 'kind'>

function bind(plain: PlainRecord, source: string, context: MountContext): MountRecord {
  if (!source.startsWith('/') || source.includes('\0')) {
    const shown = JSON.stringify(source.slice(0, 80))
    throw refused(plain.target, `its source ${shown} is not an absolute path of the host`)
  }
  const isFile = context.fileSources.has(source)
  const flags = isFile ? (plain.flags | MOUNT_FLAG.file) & ~MOUNT_FLAG.recursive : plain.flags
  return { ...plain, kind: MOUNT_KIND.bind, flags, source }
}

/** What cannot be mounted anew in a namespace that belongs to the host is taken from the host. */
function hostBind(plain: PlainRecord, source: string): MountRecord {
  return { ...plain, kind: MOUNT_KIND.bind, flags: plain.flags | MOUNT_FLAG.recursive, source }
}

/** Options for the file system itself. */
function dataOf(type: string, mount: RuntimeMount, options: MountOptions, linux: LinuxConfig): string {
  const data = options.data.filter((option) => !isUnmappedTtyGroup(type, option, linux))
  if (!WITHOUT_DEVICE.has(type) && mount.source) data.push(`source=${mount.source}`)
  return data.join(',')
}

function isUnmappedTtyGroup(type: string, option: string, linux: LinuxConfig): boolean {
  const maps = linux.gidMappings ?? []
  const isMapped = maps.length === 0 || maps.some((map) => isInside(map, TTY_GROUP))
  return type === 'devpts' && option === `gid=${TTY_GROUP}` && !isMapped
}

const isInside = (map: IdMapping, id: number): boolean => id >= map.containerID && id < map.containerID + map.size

/** Mappings of a mount: the container's own are what can be asked for. */
function mappingFlag(mount: RuntimeMount, linux: LinuxConfig, target: string): number {
  const { uidMappings: uids, gidMappings: gids } = mount
  if (uids === undefined && gids === undefined) return 0
  if (uids === undefined || gids === undefined) throw refused(target, 'it has a map for user ids or group ids only')
  const isOwn = sameMap(uids, linux.uidMappings ?? []) && sameMap(gids, linux.gidMappings ?? [])
  if (!isOwn) throw refused(target, "its id map is not the container's own")
  return MOUNT_FLAG.idmap
}

function sameMap(one: readonly IdMapping[], other: readonly IdMapping[]): boolean {
  const text = (maps: readonly IdMapping[]) =>
    maps.map(({ containerID, hostID, size }) => `${containerID} ${hostID} ${size}`).join('\n')
  return one.length === 0 || text(one) === text(other)
}

/** The hierarchies of this host in the words of PLAN_MOUNT_CGROUP. */
function cgroupHierarchies(layout: CgroupLayout): string {
  if (layout.mode === 'v2') return 'v2'
  const v1 = layout.v1.map(({ mount, controllers, name }) => {
    const what =
      name === undefined
        ? controllers.join(',')
        : [...(controllers.length ? controllers : ['none']), `name=${name}`].join(',')
    return `${basename(mount)}=${what}`
  })
  return [...v1, ...(layout.unified ? [`${basename(layout.unified.mount)}=v2`] : [])].join(';')
}

function refused(target: string, why: string): Error {
  return invalid('MOUNT_INVALID', target, `nothing can be mounted at ${target}: ${why}`)
}
