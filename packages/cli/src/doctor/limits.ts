import { type Finding, fail, ok, warn } from './finding.ts'
import type { Host } from './host.ts'

/** Limits of the host that many containers run into. */
export function checkLimits(host: Host): Finding[] {
  return [
    openFiles(host),
    number(host, 'processes', '/proc/sys/kernel/pid_max', 32_768, 'kernel.pid_max', 4_194_304),
    number(host, 'network namespaces', '/proc/sys/user/max_net_namespaces', 4_096, 'user.max_net_namespaces', 65_536),
    number(
      host,
      'inotify instances',
      '/proc/sys/fs/inotify/max_user_instances',
      128,
      'fs.inotify.max_user_instances',
      1_024,
    ),
  ]
}

function openFiles(host: Host): Finding {
  const name = 'open files'
  const found = /^Max open files\s+(\S+)\s+(\S+)/m.exec(host.read('/proc/self/limits') ?? '')
  const hard = found?.[2] === 'unlimited' ? Number.POSITIVE_INFINITY : Number(found?.[2] ?? 0)
  if (hard >= 65_536) return ok(name, `up to ${found?.[2]}`)
  const mend = 'ulimit -Hn 524288, or LimitNOFILE=524288 in the unit of the service'
  if (hard >= 4_096) return warn(name, `up to ${hard}: not enough for many containers`, mend)
  return fail(name, `up to ${hard}`, mend)
}

function number(host: Host, name: string, path: string, least: number, key: string, better: number): Finding {
  const value = Number(host.read(path)?.trim() ?? Number.NaN)
  if (Number.isNaN(value)) return warn(name, `${path} cannot be read`, 'see whether /proc is mounted')
  if (value >= least) return ok(name, `up to ${value}`)
  return warn(name, `up to ${value}: not enough for many containers`, `sysctl -w ${key}=${better}`)
}
