import { CaissonError, now } from '@caisson/api'
import { MONITOR_GONE } from '../monitor/client.ts'
import { type ExitRecord, readExitRecord } from '../monitor/exit-record.ts'
import type { Monitors, Processes } from '../ports.ts'
import { type Container, isRunning } from './container.ts'
import type { Core } from './core.ts'
import { toExit, unknownExit } from './exit.ts'

export interface ReconcileDeps {
  readonly core: Core
  readonly monitors: Monitors
  readonly processes: Processes
  /** Looks after a container again in a while. */
  readonly tryLater: (id: string) => void
}

/** How many containers are looked after at the same time. */
const AT_ONCE = 32

/**
 * Brings the database and what really runs together, before the service serves: every container that was running is
 * found again, or its end is written down; what was begun and not written down is finished or cleared away. Needs no other
 * service: what they have to be told is told in the background (clearLeftovers).
 */
export async function reconcile(deps: ReconcileDeps): Promise<void> {
  const { table, stateDirs, log } = deps.core
  const known = table.ids()
  await each(table.active(), (container) =>
    recover(deps, container).catch((error: unknown) => {
      log.error({ container: container.id, error: String(error) }, 'it cannot be found out what became of it yet')
      deps.tryLater(container.id)
    }),
  )
  await each(stateDirs.ids(), (id) =>
    (known.has(id) ? settle(deps, id) : clear(deps, id)).catch((error: unknown) => {
      log.error({ container: id, error: String(error) }, 'its state directory cannot be put in order')
    }),
  )
}

/**
 * Finds out what became of a container that is on disk as running: its monitor is listened to again; or it has ended, and
 * the exit record says how; or its monitor was killed: then its process is killed too, and nobody can say how it ended.
 */
export async function recover(
  { core, monitors, processes }: Omit<ReconcileDeps, 'tryLater'>,
  container: Container,
): Promise<void> {
  const { id, process, startedNs } = container
  const client = await connect(monitors, core.stateDirs.path(id))
  if (client) {
    core.supervisor.adopt(id, client)
    await restoreFreeze(core, container)
    return
  }
  const record = recordOf(core, id)
  if (record) return core.supervisor.ended(id, toExit(record))
  const isThisBoot = process?.bootId === processes.bootId
  if (process && isThisBoot) await processes.kill(process.pid, process.startTime)
  const why = isThisBoot
    ? 'its monitor was lost: the container was killed, and nobody can say how it ended'
    : 'the host was started anew while it ran: nobody can say how it ended'
  core.supervisor.ended(id, unknownExit(startedNs, now(), why))
  await core.controlGroups.sweep(id)
}

/** The service may have died between freezing and writing it down, or the other way round: what is on disk counts. */
async function restoreFreeze(core: Core, container: Container): Promise<void> {
  try {
    if (container.state === 'paused') await core.controlGroups.freeze(container)
    else await core.controlGroups.thaw(container)
  } catch (error) {
    // It may have ended this very moment.
    core.log.warn({ container: container.id, error: String(error) }, 'its freezer could not be set')
  }
}

/** One that is on disk as not running, and has a state directory: it may have been started just before the service died. */
async function settle({ core, monitors, processes }: ReconcileDeps, id: string): Promise<void> {
  const container = core.table.get(id)
  if (!container || isRunning(container)) return
  const client = await connect(monitors, core.stateDirs.path(id))
  const hello = client?.hello
  if (client && hello?.state === 'running') {
    const { pid, startTime, startedNs } = hello
    const running: Container = {
      ...container,
      state: 'running',
      startedNs,
      process: { pid, startTime, bootId: processes.bootId },
    }
    core.transaction(() => {
      core.table.update(running)
      core.events.started(running)
    })
    core.supervisor.adopt(id, client)
    return
  }
  if (client) await endLaunch(client)
  const record = recordOf(core, id)
  if (!record || record.startedNs === 0n || record.startedNs === container.exit?.startedNs) return
  const started: Container = { ...container, state: 'running', startedNs: record.startedNs }
  core.transaction(() => {
    core.table.update(started)
    core.events.started(started)
  })
  core.supervisor.ended(id, toExit(record))
}

/** A state directory that no container has: one that was begun, or one that was removed. */
async function clear({ core, monitors }: ReconcileDeps, id: string): Promise<void> {
  const client = await connect(monitors, core.stateDirs.path(id))
  if (client) await endLaunch(client)
  core.log.info({ container: id }, 'removing what is left of a container that was never finished, or was removed')
  void core.discards.discard({ id, range: undefined, isUnclean: true })
}

const SIGKILL = 9
const PATIENCE_MS = 5_000

/** Kills what a monitor runs, and waits until the monitor is gone. */
async function endLaunch(client: NonNullable<Awaited<ReturnType<typeof connect>>>): Promise<void> {
  await new Promise<void>((resolve) => {
    const timer = setTimeout(resolve, PATIENCE_MS)
    client.on((event) => {
      if (event.type !== 'closed') return
      clearTimeout(timer)
      resolve()
    })
    client.signal(SIGKILL, true)
  })
  client.close()
}

async function connect(monitors: Monitors, stateDir: string) {
  try {
    return await monitors.connect(stateDir)
  } catch (error) {
    if (error instanceof CaissonError && error.reason === MONITOR_GONE) return undefined
    throw error
  }
}

/** A record that is damaged says nothing, and is told of. */
function recordOf(core: Core, id: string): ExitRecord | undefined {
  const record = readExitRecord(core.stateDirs.path(id))
  if (record !== 'damaged') return record
  core.log.error({ container: id }, 'its exit record is damaged: how it ended is not known')
  return undefined
}

async function each<T>(items: readonly T[], work: (item: T) => Promise<void>): Promise<void> {
  const queue = items.values()
  const worker = async (): Promise<void> => {
    for (const item of queue) await work(item)
  }
  await Promise.all(Array.from({ length: AT_ONCE }, worker))
}

function isRunningNow(core: Core, id: string): boolean {
  const container = core.table.get(id)
  return container !== undefined && isRunning(container)
}

/**
 * Finds roots, sandboxes and control groups of containers that are not there any more, and sandboxes of those that do not
 * run, and removes them. Asks other services, so it is done in the background, once they answer.
 */
export async function clearLeftovers(core: Core, signal: AbortSignal): Promise<void> {
  // What is listed before the table is read, and belongs to nobody in it, was there before this service: anything made
  // since then is on disk, or held by a request (isOurs).
  const [roots, sandboxes, groups] = await Promise.all([
    core.roots.list(signal),
    core.sandboxes.list(signal),
    core.controlGroups.list(),
  ])
  for (const id of new Set([...roots, ...sandboxes, ...groups])) {
    if (core.creator.isInFlight(id) || core.spares.has(id)) continue
    const container = core.table.get(id)
    if (container && sandboxes.includes(id)) core.discards.release(id, () => isRunningNow(core, id))
    if (container) continue
    core.log.info({ container: id }, 'removing what is left of a container that is gone')
    await core.discards.discard({ id, range: undefined, isUnclean: groups.includes(id) })
  }
}
