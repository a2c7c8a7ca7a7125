import { execFile, spawnSync } from 'node:child_process'
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { needsDockerRegistry, startDockerRegistry } from '@caisson/testkit'

const run = promisify(execFile)
const CAISSON = join(import.meta.dirname, '../../caisson')

/** A registry that everybody may push to, over plain http on the loopback, with its files in a folder of its own. */
export interface RunningRegistry extends AsyncDisposable {
  readonly url: string
  readonly pid: number
}

export interface RegistryKind {
  readonly name: string
  /** Why it cannot run here. */
  readonly lacks: string | undefined
  open(dir: string): Promise<RunningRegistry>
}

export const caisson: RegistryKind = { name: 'caisson', lacks: undefined, open: openCaisson }
export const docker: RegistryKind = {
  name: 'docker-registry',
  lacks: needsDockerRegistry() || undefined,
  open: openDocker,
}

/** As its users start it: built, by the command. */
async function openCaisson(dir: string): Promise<RunningRegistry> {
  const etc = join(dir, 'etc')
  mkdirSync(etc, { recursive: true })
  writeFileSync(join(etc, 'registry.json'), JSON.stringify({ access: 'open', port: 0 }))
  const command = async (...words: string[]): Promise<string> =>
    (await run(CAISSON, ['--root', dir, ...words], { encoding: 'utf8' })).stdout
  await command('up', '-d', '--service', 'registry')
  const status = JSON.parse(await command('status', '--format', 'json')) as { services: [{ pid: number }] }
  const port = /"port":(\d+),"msg":"listening"/.exec(readFileSync(join(dir, 'log/registry.log'), 'utf8'))?.[1]
  return {
    url: `http://127.0.0.1:${port}`,
    pid: status.services[0].pid,
    async [Symbol.asyncDispose]() {
      // The command says that no runtime answered: there is none.
      spawnSync(CAISSON, ['--root', dir, 'down'], { stdio: 'ignore' })
    },
  }
}

/** With the cache of Debian's own configuration. */
async function openDocker(dir: string): Promise<RunningRegistry> {
  return await startDockerRegistry({ dir, cache: true })
}
