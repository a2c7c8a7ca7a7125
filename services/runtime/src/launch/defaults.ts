import type { RuntimeMount } from '@caisson/oci'

/** What every container has mounted, and what of the kernel it does not see or may not write. */

const DEFAULT_SHM_BYTES = 64 << 20
const KIB = 1024

export interface DefaultMountOptions {
  readonly shmBytes?: number
  /** A privileged container may write to /sys and to its control groups. */
  readonly isPrivileged?: boolean
}

export function defaultMounts(options: DefaultMountOptions = {}): RuntimeMount[] {
  const access = options.isPrivileged === true ? 'rw' : 'ro'
  const shmKib = Math.ceil((options.shmBytes ?? DEFAULT_SHM_BYTES) / KIB)
  const quiet = ['nosuid', 'noexec', 'nodev']
  return [
    { destination: '/proc', type: 'proc', source: 'proc', options: quiet },
    { destination: '/dev', type: 'tmpfs', source: 'tmpfs', options: ['nosuid', 'noexec', 'mode=755', 'size=65536k'] },
    {
      destination: '/dev/pts',
      type: 'devpts',
      source: 'devpts',
      options: ['nosuid', 'noexec', 'newinstance', 'ptmxmode=0666', 'mode=0620', 'gid=5', 'max=1024'],
    },
    { destination: '/sys', type: 'sysfs', source: 'sysfs', options: [...quiet, access] },
    { destination: '/sys/fs/cgroup', type: 'cgroup', source: 'cgroup', options: [...quiet, access] },
    { destination: '/dev/mqueue', type: 'mqueue', source: 'mqueue', options: quiet },
    { destination: '/dev/shm', type: 'tmpfs', source: 'shm', options: [...quiet, 'mode=1777', `size=${shmKib}k`] },
  ]
}

export const DEFAULT_MASKED_PATHS: readonly string[] = [
  ...['/proc/acpi', '/proc/asound', '/proc/config.gz', '/proc/interrupts', '/proc/kallsyms', '/proc/kcore'],
  ...['/proc/keys', '/proc/kmsg', '/proc/kpagecgroup', '/proc/kpagecount', '/proc/kpageflags'],
  ...['/proc/latency_stats', '/proc/modules', '/proc/sched_debug', '/proc/scsi', '/proc/sysrq-trigger'],
  ...['/proc/timer_list', '/proc/timer_stats', '/sys/devices/virtual/powercap', '/sys/firmware', '/sys/fs/bpf'],
  ...['/sys/kernel/btf', '/sys/kernel/config', '/sys/kernel/debug', '/sys/kernel/security', '/sys/kernel/tracing'],
  ...['/sys/module', '/sys/power'],
]

export const DEFAULT_READONLY_PATHS: readonly string[] = ['/proc/bus', '/proc/fs', '/proc/irq', '/proc/sys']

/** The counters of thermal events: they tell what other containers do. One path a processor of the host. */
export function thermalPaths(processors: number): string[] {
  return Array.from({ length: processors }, (_unused, n) => `/sys/devices/system/cpu/cpu${n}/thermal_throttle`)
}
