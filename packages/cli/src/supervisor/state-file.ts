import { readFileSync, renameSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Layout } from '@caisson/api/layout'
import type { ProcessIdentity } from './process-identity.ts'

/** What the supervisor knows of a service. */
export interface ServiceRecord {
  readonly name: string
  /** Its process, while it runs. */
  readonly process: ProcessIdentity | null
  /** Version that was started. */
  readonly version: string
  /** When it was started, milliseconds since 1970. */
  readonly startedAtMs: number
  /** How often it was started again because it had ended. */
  readonly restarts: number
  /** How it ended the last time: "exit code 1", "signal SIGKILL". Empty: never. */
  readonly lastEnd: string
}

export interface SupervisorState {
  readonly services: readonly ServiceRecord[]
}

const NAME = 'supervisor.json'

/** Writes DIR/run/supervisor.json as a whole. */
export function writeState(layout: Layout, state: SupervisorState): void {
  const file = join(layout.runDir, NAME)
  const draft = `${file}.${process.pid}`
  writeFileSync(draft, `${JSON.stringify(state, null, 2)}\n`, { mode: 0o644 })
  renameSync(draft, file)
}

/** Reads DIR/run/supervisor.json; what is not there or not readable is no services. */
export function readState(layout: Layout): SupervisorState {
  try {
    const value: unknown = JSON.parse(readFileSync(join(layout.runDir, NAME), 'utf8'))
    if (typeof value === 'object' && value !== null && 'services' in value && Array.isArray(value.services))
      return { services: value.services.filter(isRecord) }
  } catch {
    // Never started, or stopped.
  }
  return { services: [] }
}

function isRecord(value: unknown): value is ServiceRecord {
  return typeof value === 'object' && value !== null && 'name' in value && 'process' in value && 'restarts' in value
}
