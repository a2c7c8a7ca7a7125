import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { ServiceName } from '@caisson/api/address'
import { failedPrecondition } from '@caisson/api/error'

/** How a service is started. */
export interface ServiceProgram {
  readonly name: ServiceName
  /** Words behind the path of Node: flags and the file. `--root DIR` comes behind them. */
  readonly args: readonly string[]
  readonly version: string
}

/**
 * Finds the services beside this command: services/<name>/dist/main.js, or in a checkout that was not built
 * src/main.ts. `servicesDir` holds one folder a service.
 */
export function findServicePrograms(servicesDir: string, services: readonly ServiceName[]): ServiceProgram[] {
  return services.map((name) => {
    const folder = join(servicesDir, name)
    const file = ['dist/main.js', 'src/main.ts'].map((path) => join(folder, path)).find(existsSync)
    if (file === undefined)
      throw failedPrecondition(
        'SERVICE_MISSING',
        `the service ${name} is not installed: build it with 'pnpm compile'`,
        {
          details: { folder },
        },
      )
    return { name, args: [...NODE_OPTIONS, file], version: versionOf(folder) }
  })
}

/**
 * SIGUSR1 would open a debugger port in a privileged process. Young objects in a small space: what a burst of calls leaves
 * behind is collected before the heap grows by it (100 MiB less after a thousand containers).
 */
const NODE_OPTIONS = ['--disable-sigusr1', '--max-semi-space-size=2']

function versionOf(folder: string): string {
  const manifest: unknown = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'))
  if (typeof manifest === 'object' && manifest !== null && 'version' in manifest) return String(manifest.version)
  return 'unknown'
}
