import { type Finding, fail, ok, warn } from './finding.ts'
import type { Host } from './host.ts'

type Layout = 'v2' | 'hybrid' | 'v1' | 'none'

const NEEDED = ['memory', 'cpu', 'pids'] as const
const USEFUL = ['cpuset', 'io'] as const
const MOUNT_HELP = 'mount them: on Debian systemd or apt-get install cgroupfs-mount does'

/** Control groups: how they are laid out, and which controllers can limit containers. */
export function checkCgroups(host: Host): Finding[] {
  const mounts = cgroupMounts(host.read('/proc/self/mountinfo') ?? '')
  const layout = layoutOf(mounts)
  if (layout === 'none') return [fail('control groups', 'not mounted', MOUNT_HELP)]
  const words = { v2: 'v2', hybrid: 'hybrid: v1 controllers beside a v2 tree', v1: 'v1' }[layout]
  return [ok('control groups', words), controllers(host, layout, mounts)]
}

interface CgroupMount {
  readonly version: 1 | 2
  readonly path: string
  readonly controllers: readonly string[]
}

/** Mounts of control groups in proc_pid_mountinfo(5). */
function cgroupMounts(mountinfo: string): CgroupMount[] {
  return mountinfo.split('\n').flatMap((line): CgroupMount[] => {
    const [left = '', right = ''] = line.split(' - ')
    const path = left.split(' ')[4] ?? ''
    const [type, , options = ''] = right.split(' ')
    if (type === 'cgroup2') return [{ version: 2, path, controllers: [] }]
    return type === 'cgroup' ? [{ version: 1, path, controllers: options.split(',') }] : []
  })
}

function layoutOf(mounts: readonly CgroupMount[]): Layout {
  const v1 = mounts.some(({ version, controllers: list }) => version === 1 && list.some(isController))
  const v2 = mounts.some(({ version }) => version === 2)
  if (v1) return v2 ? 'hybrid' : 'v1'
  return v2 ? 'v2' : 'none'
}

function isController(name: string): boolean {
  return [...NEEDED, ...USEFUL, 'blkio', 'devices', 'freezer'].includes(name)
}

function controllers(host: Host, layout: Layout, mounts: readonly CgroupMount[]): Finding {
  const name = 'controllers'
  const there = new Set(available(host, layout, mounts))
  const missing = NEEDED.filter((one) => !there.has(one))
  if (missing.length > 0)
    return fail(
      name,
      `missing: ${missing.join(', ')}`,
      layout === 'v2'
        ? `echo '${missing.map((one) => `+${one}`).join(' ')}' > /sys/fs/cgroup/cgroup.subtree_control`
        : MOUNT_HELP,
    )
  const lacking = USEFUL.filter((one) => !there.has(one))
  const found = [...NEEDED, ...USEFUL].filter((one) => there.has(one)).join(', ')
  if (lacking.length > 0) return warn(name, found, `without ${lacking.join(' and ')} those limits are refused`)
  return ok(name, found)
}

function available(host: Host, layout: Layout, mounts: readonly CgroupMount[]): string[] {
  if (layout !== 'v2')
    return mounts.flatMap(({ controllers: list }) => list).map((one) => (one === 'blkio' ? 'io' : one))
  const path = mounts.find(({ version }) => version === 2)?.path ?? '/sys/fs/cgroup'
  return (host.read(`${path}/cgroup.controllers`) ?? '').trim().split(' ')
}
