import type { LinuxNamespaceType } from '@caisson/oci'
import { invalid } from '../refusal.ts'
import type { PlanRecord } from './plan.ts'

const KEY = /^[a-z0-9_]+(?:\.[A-Za-z0-9_-]+)+$/
const VALUE = /^[A-Za-z0-9 \t.,:_/-]{1,1024}$/
const MAX_KEY = 256

const IPC_KEYS: ReadonlySet<string> = new Set([
  ...['kernel.msgmax', 'kernel.msgmnb', 'kernel.msgmni', 'kernel.sem', 'kernel.shmall', 'kernel.shmmax'],
  ...['kernel.shmmni', 'kernel.shm_rmid_forced'],
])

/**
 * Kernel settings of the container: only those that a namespace of its own keeps apart from the host's.
 * Throws SYSCTL_INVALID for a malformed key or value, SYSCTL_DENIED for a setting of the whole host.
 */
export function sysctlRecords(
  sysctls: Readonly<Record<string, string>>,
  own: ReadonlySet<LinuxNamespaceType>,
): PlanRecord[] {
  return Object.entries(sysctls).map(([key, value]) => {
    if (key.length > MAX_KEY || !KEY.test(key)) {
      throw malformed(key, 'is no kernel setting: expected names with dots, such as net.ipv4.ip_forward')
    }
    if (!VALUE.test(value)) throw malformed(key, `cannot be ${JSON.stringify(value.slice(0, 40))}`)
    const namespace = namespaceOf(key)
    if (namespace === undefined) throw denied(key, 'it would change the whole host')
    if (!own.has(namespace)) throw denied(key, `the container shares the host's ${namespace} namespace`)
    return { type: 'sysctl', file: key.replaceAll('.', '/'), value }
  })
}

function namespaceOf(key: string): LinuxNamespaceType | undefined {
  if (key.startsWith('net.')) return 'network'
  if (IPC_KEYS.has(key) || key.startsWith('fs.mqueue.')) return 'ipc'
  if (key === 'kernel.domainname') return 'uts'
  return undefined
}

function malformed(key: string, problem: string): Error {
  const shown = JSON.stringify(key.slice(0, 80))
  return invalid('SYSCTL_INVALID', key.slice(0, 80), `${shown} ${problem}`)
}

function denied(key: string, why: string): Error {
  return invalid('SYSCTL_DENIED', key, `the kernel setting ${key} is refused: ${why}`)
}
