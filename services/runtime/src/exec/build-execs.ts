import { join } from 'node:path'
import type { EventLog, Logger, Store } from '@caisson/service-kit'
import type { ContainerAccess } from '../access.ts'
import type { Processes } from '../ports.ts'
import { ExecTable } from '../store/execs.ts'
import { ExecDirs } from './exec-dirs.ts'
import { ExecEvents } from './exec-events.ts'
import { ExecSupervisor } from './exec-supervisor.ts'
import { Execs } from './execs.ts'
import type { ExecMonitors } from './ports.ts'

export interface ExecsBuildDeps {
  readonly store: Store
  readonly eventLog: EventLog
  readonly access: ContainerAccess
  readonly execMonitors: ExecMonitors
  readonly processes: Processes
  /** The service's own folder. */
  readonly dataDir: string
  readonly startTimeoutMs: number
  readonly log: Logger
}

/** Puts the parts of execs together. */
export function buildExecs(deps: ExecsBuildDeps): { execs: Execs; supervisor: ExecSupervisor } {
  const { store, access, processes, log, startTimeoutMs, execMonitors: monitors } = deps
  // An exec ends with the machine, and is not asked for afterwards.
  const transaction = <T>(work: () => T): T => store.transaction(work, 'crash')
  const table = new ExecTable(store)
  const events = new ExecEvents(deps.eventLog)
  const dirs = new ExecDirs(join(deps.dataDir, 'containers'))
  const supervisor = new ExecSupervisor({ transaction, table, events, monitors, processes, dirs, log, startTimeoutMs })
  return { execs: new Execs({ transaction, access, table, events, dirs, supervisor }), supervisor }
}
