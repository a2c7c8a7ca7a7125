import { posix } from 'node:path'
import { invalid } from '../refusal.ts'

const MAX_PATH = 4095

/** Files below /proc that tools such as lxcfs put their own in the place of; nothing of the kernel's is hidden by that. */
const ALLOWED_BELOW_PROC: ReadonlySet<string> = new Set([
  ...['/proc/cpuinfo', '/proc/diskstats', '/proc/loadavg', '/proc/meminfo', '/proc/slabinfo', '/proc/stat'],
  ...['/proc/swaps', '/proc/uptime', '/proc/net/dev', '/proc/sys/kernel/ns_last_pid', '/proc/sys/crypto/fips_enabled'],
])

/** What may be mounted at places that the kernel's own file systems have. */
const KERNEL_PLACES: Readonly<Record<string, readonly string[]>> = {
  '/proc': ['proc'],
  '/sys': ['sysfs'],
  '/sys/fs/cgroup': ['cgroup', 'cgroup2'],
}

/**
 * Where a mount of the runtime spec goes, as an absolute path without "." and "..". Throws MOUNT_TARGET_INVALID for a
 * place that would hide or fake what the kernel tells the container (ISO-09). The kernel looks again when it resolves the
 * path: this is not about symbolic links.
 */
export function checkMountTarget(destination: string, type: string): string {
  if (destination === '' || destination.includes('\0') || Buffer.byteLength(destination) > MAX_PATH) {
    throw refused(destination, `expected a path of 1 to ${MAX_PATH} bytes`)
  }
  const target = posix.normalize(`/${destination}`).replace(/(?<=.)\/$/, '')
  if (target === '/') throw refused(destination, 'the root is the image')
  const allowedTypes = Object.hasOwn(KERNEL_PLACES, target) ? KERNEL_PLACES[target] : undefined
  if (allowedTypes !== undefined && !allowedTypes.includes(type))
    throw refused(destination, 'the kernel tells its own there')
  const isBelowProc = target.startsWith('/proc/') && !ALLOWED_BELOW_PROC.has(target)
  if (isBelowProc || target.startsWith('/sys/fs/cgroup/')) throw refused(destination, 'the kernel tells its own there')
  return target
}

/** A path of the container that is to be masked or made read-only. */
export function checkContainerPath(path: string): string {
  const isGood = path.startsWith('/') && !path.includes('\0') && Buffer.byteLength(path) <= MAX_PATH
  const isPlain = isGood && path !== '/' && posix.normalize(path) === path
  if (isPlain) return path
  const message = `${JSON.stringify(path.slice(0, 80))} cannot be masked or made read-only: expected an absolute, plain path`
  throw invalid('CONTAINER_PATH_INVALID', path.slice(0, 80), message)
}

function refused(destination: string, why: string): Error {
  const shown = destination.slice(0, 80)
  return invalid('MOUNT_TARGET_INVALID', shown, `nothing can be mounted at ${JSON.stringify(shown)}: ${why}`)
}
