import type { Layout } from '@caisson/api/layout'
import { checkCgroups } from './cgroups.ts'
import type { Finding } from './finding.ts'
import type { Host } from './host.ts'
import { checkInstallation } from './installation.ts'
import { checkKernel } from './kernel.ts'
import { checkLimits } from './limits.ts'
import { checkNetwork } from './network.ts'
import { checkStorage } from './storage.ts'

/** Looks at everything an engine needs of a host. */
export async function examine(host: Host, layout: Layout, servicesDir: string): Promise<Finding[]> {
  const parts = await Promise.all([
    checkInstallation(host, servicesDir, process.version),
    checkKernel(host),
    checkCgroups(host),
    checkNetwork(host),
    checkStorage(host, layout),
    checkLimits(host),
  ])
  return parts.flat()
}
