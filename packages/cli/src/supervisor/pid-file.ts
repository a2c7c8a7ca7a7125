import { linkSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { conflict } from '@caisson/api/error'
import type { Layout } from '@caisson/api/layout'
import { makeDirectory } from './make-directory.ts'
import { identify, type ProcessIdentity, runs } from './process-identity.ts'

const NAME = 'supervisor.pid'

/** The supervisor of an engine that runs now, by DIR/run/supervisor.pid. */
export function runningSupervisor(layout: Layout): ProcessIdentity | undefined {
  const found = readPidFile(join(layout.runDir, NAME))
  return found && runs(found) ? found : undefined
}

/**
 * Makes this process the one supervisor of an engine. Throws ALREADY_RUNNING when there is one; what a dead one left
 * behind is taken over. Disposing gives the place free.
 */
export function claimSupervisor(layout: Layout): Disposable {
  const file = join(layout.runDir, NAME)
  const self = identify(process.pid)
  if (!self) throw new Error('/proc does not show this process: it must be mounted')
  makeDirectory(dirname(file), 0o711)
  const draft = `${file}.${self.pid}`
  writeFileSync(draft, `${JSON.stringify(self)}\n`, { mode: 0o644 })
  try {
    // A link appears whole or not at all, and only one of two can make it.
    while (!tryLink(draft, file)) removeStale(file)
  } finally {
    rmSync(draft, { force: true })
  }
  return {
    [Symbol.dispose]: () => {
      if (readPidFile(file)?.pid === self.pid) rmSync(file, { force: true })
    },
  }
}

function tryLink(draft: string, file: string): boolean {
  try {
    linkSync(draft, file)
    return true
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'EEXIST') return false
    throw error
  }
}

function removeStale(file: string): void {
  const found = readPidFile(file)
  if (found && runs(found))
    throw conflict('ALREADY_RUNNING', `the engine is running already, supervised by process ${found.pid}`, {
      details: { pid: String(found.pid) },
    })
  rmSync(file, { force: true })
}

function readPidFile(file: string): ProcessIdentity | undefined {
  try {
    const value: unknown = JSON.parse(readFileSync(file, 'utf8'))
    return isIdentity(value) ? value : undefined
  } catch {
    // Not there, or half of something else: the same as no supervisor.
    return undefined
  }
}

function isIdentity(value: unknown): value is ProcessIdentity {
  return (
    typeof value === 'object' &&
    value !== null &&
    'pid' in value &&
    Number.isSafeInteger(value.pid) &&
    'startTime' in value &&
    typeof value.startTime === 'string' &&
    'bootId' in value &&
    typeof value.bootId === 'string'
  )
}
