import { arch, availableParallelism, hostname, release, totalmem } from 'node:os'
import type { CgroupHost } from '../cgroup/index.ts'
import type { HostInfo } from '../rpc/host.ts'

const VERSION = '0.1.0'
const ARCHITECTURES: Readonly<Record<string, string>> = { x64: 'amd64', arm64: 'arm64', ia32: '386', arm: 'arm' }
/** Controllers that people limit containers with, as either version of control groups calls them. */
const WANTED: readonly (readonly [names: readonly string[], what: string])[] = [
  [['memory'], 'memory cannot be limited'],
  [['cpu'], 'processor time cannot be limited'],
  [['pids'], 'the number of processes cannot be limited'],
]

/** What this host is and can do. */
export function hostInfo(cgroups: CgroupHost, hostName: string, dataDir: string, bootId: string): HostInfo {
  const { layout, unifiedControllers } = cgroups
  const controllers = [...new Set([...layout.v1.flatMap((hierarchy) => hierarchy.controllers), ...unifiedControllers])]
  return {
    version: VERSION,
    hostname: hostName === '' ? hostname() : hostName,
    kernel: release(),
    architecture: ARCHITECTURES[arch()] ?? arch(),
    cpus: availableParallelism(),
    memoryBytes: totalmem(),
    cgroupLayout: layout.mode,
    cgroupControllers: controllers.toSorted(),
    warnings: warningsOf(controllers, cgroups),
    dataDir,
    bootId,
  }
}

function warningsOf(controllers: readonly string[], { hasSwapLimit }: CgroupHost): string[] {
  const missing = WANTED.filter(([names]) => !names.some((name) => controllers.includes(name)))
  const warnings = missing.map(([names, what]) => `no ${names.join(' or ')} cgroup controller: ${what}`)
  if (!hasSwapLimit) warnings.push('swap is not accounted for: it cannot be limited')
  return warnings
}
