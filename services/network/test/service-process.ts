import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, mkdtempSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { Channel, type ServiceClient } from '@caisson/api'
import { NetworksDefinition, SandboxesDefinition } from '@caisson/api/network'
import type { NetworkConfig } from '../src/config.ts'

const MAIN = join(import.meta.dirname, '../src/main.ts')
const READY_MS = 60_000

/** The service in a process of its own, which can be killed. */
export type ServiceProcess = {
  readonly process: ChildProcess
  readonly channel: Channel
  readonly sandboxes: ServiceClient<typeof SandboxesDefinition>
  readonly networks: ServiceClient<typeof NetworksDefinition>
}

/** A root whose service makes so many namespaces ahead. */
export function newRoot(sizes: Partial<NetworkConfig> = { poolSize: 0, barePoolSize: 0 }): string {
  const root = mkdtempSync('/tmp/caisson-kill-')
  mkdirSync(join(root, 'etc'))
  writeFileSync(join(root, 'etc/network.json'), JSON.stringify({ ...sizes, logLevel: 'error' }))
  return root
}

export async function startService(root: string): Promise<ServiceProcess> {
  const process_ = spawn(process.execPath, [MAIN, '--root', root], { stdio: ['ignore', 'ignore', 'inherit'] })
  const channel = new Channel(`unix://${join(root, 'run/network.sock')}`)
  await channel.ready(READY_MS)
  const [sandboxes, networks] = [channel.client(SandboxesDefinition), channel.client(NetworksDefinition)]
  return { process: process_, channel, sandboxes, networks }
}

/** Returns its exit code; null when a signal ended it. */
export async function stopService(served: ServiceProcess, signal: NodeJS.Signals): Promise<number | null> {
  const ended = once(served.process, 'exit')
  served.process.kill(signal)
  const [code] = await ended
  served.channel[Symbol.dispose]()
  return code
}
