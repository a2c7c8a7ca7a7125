import { readFile } from 'node:fs/promises'
import { missing } from '../refusal.ts'

/** Where the host has its control groups. */
export interface CgroupLayout {
  readonly mode: 'v1' | 'v2' | 'hybrid'
  readonly unified?: UnifiedHierarchy
  /** Hierarchies of version 1: one a set of controllers, and those that have a name only. */
  readonly v1: readonly V1Hierarchy[]
}

export interface UnifiedHierarchy {
  readonly mount: string
  /** Controllers of cgroup.controllers at the mount. */
  readonly controllers: ReadonlySet<string>
}

export interface V1Hierarchy {
  readonly mount: string
  readonly controllers: readonly string[]
  /** A hierarchy without controllers, such as systemd's. */
  readonly name?: string
}

/**
 * Reads the layout from /proc and the mounts. With `root` all of it is below that directory: a copy of another host's
 * files. Throws CGROUP_NOT_MOUNTED.
 */
export async function readCgroupLayout(root = ''): Promise<CgroupLayout> {
  const [mountInfo, subsystems] = await Promise.all([
    readFile(`${root}/proc/self/mountinfo`, 'utf8'),
    readFile(`${root}/proc/cgroups`, 'utf8').catch(() => ''),
  ])
  const { v1, unifiedMount } = parseCgroupMounts(mountInfo, subsystems)
  const below = v1.map((hierarchy) => ({ ...hierarchy, mount: root + hierarchy.mount }))
  const unified = unifiedMount === undefined ? undefined : await readUnified(root + unifiedMount)
  if (unified === undefined && v1.length === 0) {
    const message =
      'no control groups are mounted: mount cgroup2 at /sys/fs/cgroup (mount -t cgroup2 none /sys/fs/cgroup)'
    throw missing('CGROUP_NOT_MOUNTED', '/sys/fs/cgroup', message)
  }
  if (unified === undefined) return { mode: 'v1', v1: below }
  return { mode: v1.length === 0 ? 'v2' : 'hybrid', unified, v1: below }
}

async function readUnified(mount: string): Promise<UnifiedHierarchy> {
  const text = await readFile(`${mount}/cgroup.controllers`, 'utf8')
  return { mount, controllers: new Set(text.split(/\s+/).filter(Boolean)) }
}

/** The control group mounts in the text of a mountinfo file. Of several mounts of one hierarchy the first is taken. */
export function parseCgroupMounts(
  mountInfo: string,
  subsystems: string,
): { readonly v1: V1Hierarchy[]; readonly unifiedMount?: string } {
  const known = new Set([...KNOWN_CONTROLLERS, ...subsystemNames(subsystems)])
  const v1 = new Map<string, V1Hierarchy>()
  let unifiedMount: string | undefined
  for (const line of mountInfo.split('\n')) {
    const mount = parseMount(line)
    if (mount?.type === 'cgroup2') unifiedMount ??= mount.point
    if (mount?.type !== 'cgroup') continue
    const controllers = mount.options.filter((option) => known.has(option))
    const name = mount.options.find((option) => option.startsWith('name='))?.slice('name='.length)
    const key = [...controllers, name ?? ''].join(',')
    if (!v1.has(key)) v1.set(key, { mount: mount.point, controllers, ...(name !== undefined && { name }) })
  }
  return { v1: [...v1.values()], ...(unifiedMount !== undefined && { unifiedMount }) }
}

const KNOWN_CONTROLLERS = [
  ...['cpu', 'cpuacct', 'cpuset', 'memory', 'devices', 'freezer', 'blkio', 'pids', 'hugetlb', 'perf_event'],
  ...['net_cls', 'net_prio', 'rdma', 'misc'],
]

function subsystemNames(text: string): string[] {
  const lines = text.split('\n').filter((line) => line !== '' && !line.startsWith('#'))
  return lines.map((line) => line.split('\t')[0] ?? '')
}

/** proc_pid_mountinfo(5): optional fields end with a single dash. */
function parseMount(line: string): { point: string; type: string; options: string[] } | undefined {
  const fields = line.split(' ')
  const dash = fields.indexOf('-', 6)
  const [point, type, options] = [fields[4], fields[dash + 1], fields[dash + 3]]
  if (dash < 0 || point === undefined || type === undefined) return undefined
  return { point: withoutEscapes(point), type, options: (options ?? '').split(',') }
}

const withoutEscapes = (text: string): string =>
  text.replaceAll(/\\([0-7]{3})/g, (_match, digits: string) => String.fromCharCode(Number.parseInt(digits, 8)))
