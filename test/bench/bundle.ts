import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { arch, release } from 'node:os'
import { join } from 'node:path'

const PROFILE = join(import.meta.dirname, '../../services/runtime/profiles/seccomp/default.json')
const CAPABILITIES = [
  'CHOWN',
  'DAC_OVERRIDE',
  'FSETID',
  'FOWNER',
  'MKNOD',
  'NET_RAW',
  'SETGID',
  'SETUID',
  'SETFCAP',
  'SETPCAP',
  'NET_BIND_SERVICE',
  'SYS_CHROOT',
  'KILL',
  'AUDIT_WRITE',
]
const MASKED = [
  '/proc/acpi',
  '/proc/asound',
  '/proc/interrupts',
  '/proc/kcore',
  '/proc/keys',
  '/proc/latency_stats',
  '/proc/sched_debug',
  '/proc/scsi',
  '/proc/timer_list',
  '/proc/timer_stats',
  '/sys/devices/virtual/powercap',
  '/sys/firmware',
]
const READONLY = ['/proc/bus', '/proc/fs', '/proc/irq', '/proc/sys', '/proc/sysrq-trigger']

interface Rule {
  readonly names: readonly string[]
  readonly action: string
  readonly includes?: {
    readonly caps?: readonly string[]
    readonly arches?: readonly string[]
    readonly minKernel?: string
  }
  readonly excludes?: { readonly caps?: readonly string[]; readonly arches?: readonly string[] }
}

/** Writes an OCI bundle with what Docker gives a container by default, for an OCI runtime to be compared with. */
export function writeBundle(dir: string, rootfs: string, args: readonly string[]): void {
  const caps = CAPABILITIES.map((name) => `CAP_${name}`)
  const mount = (destination: string, type: string, options: readonly string[], source = type): object => ({
    destination,
    type,
    source,
    options,
  })
  const config = {
    ociVersion: '1.0.2',
    process: {
      user: { uid: 0, gid: 0 },
      args,
      env: ['PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin', 'HOSTNAME=bench', 'HOME=/root'],
      cwd: '/',
      capabilities: { bounding: caps, effective: caps, permitted: caps },
      oomScoreAdj: 0,
    },
    root: { path: rootfs },
    hostname: 'bench',
    mounts: [
      mount('/proc', 'proc', ['nosuid', 'noexec', 'nodev']),
      mount('/dev', 'tmpfs', ['nosuid', 'strictatime', 'mode=755', 'size=65536k']),
      mount('/dev/pts', 'devpts', ['nosuid', 'noexec', 'newinstance', 'ptmxmode=0666', 'mode=0620', 'gid=5']),
      mount('/sys', 'sysfs', ['nosuid', 'noexec', 'nodev', 'ro']),
      mount('/sys/fs/cgroup', 'cgroup', ['ro', 'nosuid', 'noexec', 'nodev']),
      mount('/dev/mqueue', 'mqueue', ['nosuid', 'noexec', 'nodev']),
      mount('/dev/shm', 'tmpfs', ['nosuid', 'noexec', 'nodev', 'mode=1777', 'size=67108864'], 'shm'),
    ],
    linux: {
      cgroupsPath: `/bench-${process.pid}`,
      namespaces: ['mount', 'network', 'uts', 'pid', 'ipc', 'cgroup'].map((type) => ({ type })),
      resources: { devices: [{ allow: false, access: 'rwm' }], pids: { limit: 4_096 } },
      maskedPaths: MASKED,
      readonlyPaths: READONLY,
      seccomp: seccomp(caps),
    },
  }
  mkdirSync(dir, { recursive: true })
  writeFileSync(join(dir, 'config.json'), JSON.stringify(config))
}

/** The default profile as a runtime-spec filter: rules whose conditions hold here. */
function seccomp(caps: readonly string[]): object {
  const profile = JSON.parse(readFileSync(PROFILE, 'utf8')) as {
    defaultAction: string
    defaultErrnoRet: number
    syscalls: readonly Rule[]
  }
  const native = arch() === 'arm64' ? 'arm64' : 'amd64'
  const holds = ({ includes, excludes }: Rule): boolean =>
    (includes?.caps?.every((cap) => caps.includes(cap)) ?? true) &&
    (includes?.arches?.includes(native) ?? true) &&
    (includes?.minKernel === undefined || Number.parseFloat(release()) >= Number.parseFloat(includes.minKernel)) &&
    !(excludes?.caps?.some((cap) => caps.includes(cap)) ?? false) &&
    !(excludes?.arches?.includes(native) ?? false)
  const rules = profile.syscalls.filter(holds).map(({ includes: _includes, excludes: _excludes, ...rule }) => rule)
  const architectures =
    native === 'arm64' ? ['SCMP_ARCH_AARCH64', 'SCMP_ARCH_ARM'] : ['SCMP_ARCH_X86_64', 'SCMP_ARCH_X86', 'SCMP_ARCH_X32']
  return {
    defaultAction: profile.defaultAction,
    defaultErrnoRet: profile.defaultErrnoRet,
    architectures,
    syscalls: rules,
  }
}
