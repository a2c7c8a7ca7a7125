import { join } from 'node:path'
import type { EventLog, Logger, Store } from '@caisson/service-kit'
import { agreeSoon } from '../connection/agreement.ts'
import { ContainerEvents } from '../events.ts'
import type { Files } from '../files/ports.ts'
import { IdRanges } from '../identity/id-ranges.ts'
import { madeUpName } from '../identity/identity.ts'
import type { ControlGroups, Monitors, Processes, Roots, Sandboxes } from '../ports.ts'
import { ContainerTable } from '../store/container-table.ts'
import { RequestTable } from '../store/request-table.ts'
import { buildVolumes } from '../volumes/build-volumes.ts'
import type { HostTrees } from '../volumes/ports.ts'
import { isRunning } from './container.ts'
import type { Core } from './core.ts'
import { Creator } from './create.ts'
import { Discards } from './discards.ts'
import { Milestones } from './milestones.ts'
import { KeyedMutex } from './mutex.ts'
import { recover } from './reconcile.ts'
import { Registry } from './registry.ts'
import { Spares } from './spares.ts'
import { StateDirs } from './state-dirs.ts'
import { Supervisor } from './supervisor.ts'
import type { Transaction } from './transaction.ts'

/** What the domain is built from. */
export interface CoreDeps {
  readonly store: Store
  readonly eventLog: EventLog
  readonly roots: Roots
  readonly sandboxes: Sandboxes
  readonly monitors: Monitors
  readonly controlGroups: ControlGroups
  readonly processes: Processes
  readonly files: Files
  readonly trees: HostTrees
  /** The service's own folder. */
  readonly dataDir: string
  readonly idRangeStart: number
  readonly idRangeCount: number
  readonly startTimeoutMs: number
  readonly log: Logger
  /** Aborted when the service ends. */
  readonly stopping: AbortSignal
}

/** Puts the parts of the domain together. */
export function buildCore(deps: CoreDeps): Core {
  const { store, roots, sandboxes, monitors, controlGroups, processes, log, startTimeoutMs } = deps
  const transaction: Transaction = (work, durability) => store.transaction(work, durability)
  const table = new ContainerTable(store)
  const requests = new RequestTable(store)
  const events = new ContainerEvents(deps.eventLog)
  const registry = new Registry(table)
  const milestones = new Milestones()
  const mutex = new KeyedMutex()
  const stateDirs = new StateDirs(join(deps.dataDir, 'containers'))
  const ranges = new IdRanges(deps.idRangeStart, deps.idRangeCount)
  for (const start of table.idRanges()) ranges.claim(start)
  const discards = new Discards({ roots, sandboxes, controlGroups, stateDirs, ranges, mutex, log })
  const reserveName = (): { name: string } & Disposable => {
    const name = madeUpName((taken) => registry.isNameTaken(taken))
    return { name, ...registry.reserveName(name) }
  }
  const { volumeStore, volumes } = buildVolumes({ ...deps, transaction, resolve: (name) => registry.resolve(name) })
  const supervisor = new Supervisor({
    ...{
      transaction,
      table,
      events,
      monitors,
      processes,
      stateDirs,
      milestones,
      discards,
      log,
      startTimeoutMs,
      volumes,
    },
    onLost: (id) => void lost(id),
  })
  const spares = new Spares({
    ...{ roots, sandboxes, ranges, discards, reserveName },
    launch: (container, sandbox, holdsOutput) => supervisor.park(container, sandbox, holdsOutput),
  })
  const creator = new Creator({
    ...{ transaction, table, requests, events, registry, roots, ranges, discards, spares, volumes },
  })
  const lookAfter = (id: string): void => void setTimeout(() => void lost(id), LOST_RETRY_MS).unref()
  const lost = async (id: string): Promise<void> => {
    const container = table.get(id)
    if (!container || !isRunning(container)) return
    log.warn({ container: id }, 'the connection to its monitor broke: looking what became of it')
    try {
      await recover({ core, monitors, processes }, container)
    } catch (error) {
      log.error({ container: id, error: String(error) }, 'it cannot be found out what became of it: trying again')
      lookAfter(id)
    }
  }
  const core: Core = {
    ...{ transaction, table, events, registry, creator, supervisor, milestones, discards, spares, stateDirs, mutex },
    ...{ roots, sandboxes, controlGroups, log, lookAfter, volumes, volumeStore },
    agreeSoon: (id) => void agreeSoon(core, [id], deps.stopping),
  }
  return core
}

const LOST_RETRY_MS = 2_000
