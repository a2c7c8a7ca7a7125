import { spawn } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { text } from 'node:stream/consumers'
import { fileURLToPath } from 'node:url'

// From src/name-server/ in a checkout, from dist/ in a bundle.
const places = ['../../native/build/caisson-resolver', '../native/build/caisson-resolver']

/** Where the build puts the program. */
export function builtProgram(): string {
  const path = places.map((place) => fileURLToPath(new URL(place, import.meta.url))).find((file) => existsSync(file))
  if (path === undefined) throw new Error('caisson-resolver is not built: run `make -C services/network/native`')
  return path
}

/** What a resolver of this program says in its hello: it changes with every byte of it. */
export const buildOf = async (program: string): Promise<string> =>
  createHash('sha256')
    .update(await readFile(program))
    .digest('hex')
    .slice(0, 32)

/**
 * Starts the resolver in a session of its own, where it outlives this process, and waits until it listens at `socketPath`,
 * in place of any other. Rejects with what it says when it cannot.
 */
export async function startProgram(program: string, socketPath: string, build: string): Promise<void> {
  const child = spawn(program, [socketPath, build], {
    detached: true,
    cwd: '/',
    env: {},
    stdio: ['ignore', 'ignore', 'pipe'],
  })
  const failed = new Promise<never>((_, reject) => child.once('error', reject))
  child.unref()
  // It closes its standard error once it listens.
  const complaint = await Promise.race([text(child.stderr), failed])
  if (complaint !== '') throw new Error(`${program}: ${complaint.trim()}`)
}
