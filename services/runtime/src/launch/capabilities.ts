import type { RuntimeCapabilities } from '@caisson/oci'
import { invalid } from '../refusal.ts'
import type { CapabilitiesRecord } from './plan.ts'

/** Capabilities by number: bit n of a set is the n-th name. linux/capability.h */
export const CAPABILITY_NAMES = [
  ...['CAP_CHOWN', 'CAP_DAC_OVERRIDE', 'CAP_DAC_READ_SEARCH', 'CAP_FOWNER', 'CAP_FSETID', 'CAP_KILL', 'CAP_SETGID'],
  ...['CAP_SETUID', 'CAP_SETPCAP', 'CAP_LINUX_IMMUTABLE', 'CAP_NET_BIND_SERVICE', 'CAP_NET_BROADCAST'],
  ...['CAP_NET_ADMIN', 'CAP_NET_RAW', 'CAP_IPC_LOCK', 'CAP_IPC_OWNER', 'CAP_SYS_MODULE', 'CAP_SYS_RAWIO'],
  ...['CAP_SYS_CHROOT', 'CAP_SYS_PTRACE', 'CAP_SYS_PACCT', 'CAP_SYS_ADMIN', 'CAP_SYS_BOOT', 'CAP_SYS_NICE'],
  ...['CAP_SYS_RESOURCE', 'CAP_SYS_TIME', 'CAP_SYS_TTY_CONFIG', 'CAP_MKNOD', 'CAP_LEASE', 'CAP_AUDIT_WRITE'],
  ...['CAP_AUDIT_CONTROL', 'CAP_SETFCAP', 'CAP_MAC_OVERRIDE', 'CAP_MAC_ADMIN', 'CAP_SYSLOG', 'CAP_WAKE_ALARM'],
  ...['CAP_BLOCK_SUSPEND', 'CAP_AUDIT_READ', 'CAP_PERFMON', 'CAP_BPF', 'CAP_CHECKPOINT_RESTORE'],
] as const

const NUMBERS: ReadonlyMap<string, number> = new Map(CAPABILITY_NAMES.map((name, number) => [name, number]))

/** What a container has by default. */
export const DEFAULT_CAPABILITIES: readonly string[] = [
  ...['CAP_CHOWN', 'CAP_DAC_OVERRIDE', 'CAP_FOWNER', 'CAP_FSETID', 'CAP_KILL', 'CAP_NET_BIND_SERVICE'],
  ...['CAP_SETFCAP', 'CAP_SETGID', 'CAP_SETPCAP', 'CAP_SETUID', 'CAP_SYS_CHROOT'],
]

/** What a container has that is made through the Docker API. */
export const DOCKER_CAPABILITIES: readonly string[] = [
  ...DEFAULT_CAPABILITIES,
  ...['CAP_AUDIT_WRITE', 'CAP_MKNOD', 'CAP_NET_RAW'],
]

/** "net_raw", "NET_RAW" and "CAP_NET_RAW" are CAP_NET_RAW. Throws CAPABILITY_UNKNOWN. */
export function parseCapability(text: string): string {
  const upper = text.toUpperCase()
  const name = upper.startsWith('CAP_') ? upper : `CAP_${upper}`
  if (NUMBERS.has(name)) return name
  const message = `${JSON.stringify(text.slice(0, 40))} is no capability: see capabilities(7) for the names`
  throw invalid('CAPABILITY_UNKNOWN', text.slice(0, 40), message)
}

/**
 * Names after additions and drops, as Docker reads them: ALL stands for every one; what is both added and dropped by name
 * is dropped, but a name beats ALL.
 */
export function adjustCapabilities(base: readonly string[], add: readonly string[], drop: readonly string[]): string[] {
  const isAll = (text: string) => text.toUpperCase() === 'ALL' || text.toUpperCase() === 'CAP_ALL'
  const added = new Set(add.filter((text) => !isAll(text)).map(parseCapability))
  const dropped = new Set(drop.filter((text) => !isAll(text)).map(parseCapability))
  const start = add.some(isAll) ? CAPABILITY_NAMES : drop.some(isAll) ? [] : base
  const names = new Set<string>([...start, ...added])
  return CAPABILITY_NAMES.filter((name) => names.has(name) && !dropped.has(name))
}

/** The runtime spec's five sets. What is absent is empty. */
export function capabilitiesRecord(capabilities: RuntimeCapabilities): CapabilitiesRecord {
  return {
    type: 'capabilities',
    bounding: bitsOf(capabilities.bounding),
    effective: bitsOf(capabilities.effective),
    permitted: bitsOf(capabilities.permitted),
    inheritable: bitsOf(capabilities.inheritable),
    ambient: bitsOf(capabilities.ambient),
  }
}

/** The sets of a process that starts with these and can gain no others. */
export function capabilitySets(names: readonly string[]): RuntimeCapabilities {
  return { bounding: names, effective: names, permitted: names, inheritable: [], ambient: [] }
}

function bitsOf(names: readonly string[] = []): bigint {
  return names.reduce((bits, name) => bits | (1n << BigInt(NUMBERS.get(parseCapability(name)) ?? 0)), 0n)
}
