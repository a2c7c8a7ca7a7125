import { conflict, unavailable } from '@caisson/api'
import type { Logger } from '@caisson/service-kit'
import type { ContainerEvents } from '../events.ts'
import type { MonitorClient } from '../monitor/client.ts'
import type { LaunchRequest, Monitors, Processes } from '../ports.ts'
import type { ContainerTable } from '../store/container-table.ts'
import { type ContainerVolumes, volumeMounts } from '../volumes/container-volumes.ts'
import { type Container, type Exit, isRunning, type Sandbox } from './container.ts'
import type { Discards } from './discards.ts'
import { toExit } from './exit.ts'
import { launchError } from './launch-error.ts'
import type { Milestones } from './milestones.ts'
import { Monitored, type Started } from './monitored.ts'
import type { Parked } from './parked.ts'
import { hostnameOf } from './sandbox-request.ts'
import type { NetworkSpec, TerminalSize } from './spec.ts'
import type { StateDirs } from './state-dirs.ts'
import { durabilityOf, type Transaction } from './transaction.ts'

export interface SupervisorDeps {
  readonly transaction: Transaction
  readonly table: ContainerTable
  readonly events: ContainerEvents
  readonly monitors: Monitors
  readonly processes: Processes
  readonly stateDirs: StateDirs
  readonly milestones: Milestones
  readonly discards: Discards
  readonly volumes: Pick<ContainerVolumes, 'ready' | 'mounted' | 'removeWith'>
  readonly log: Logger
  /** Milliseconds a launch may take until it is given up. */
  readonly startTimeoutMs: number
  /** Told of every monitor that went without a word about the end. */
  readonly onLost: (id: string) => void
}

/** How a container is launched and written down. */
export interface LaunchOptions {
  /** Undefined: the spec's. */
  readonly terminalSize?: TerminalSize | undefined
  /** Writes it as running; inside the transaction, before the event `started`. */
  readonly save: (running: Container) => void
  /** How long an end is waited for that could be written down in the same transaction. */
  readonly graceMs?: number
  /** It was launched ahead, and waits to be let go. */
  readonly parked?: Parked | undefined
  /** Of who is about to follow its output: nothing is dropped before that; aborts when it does not come to it. */
  readonly follower?: AbortSignal | undefined
}

/** How long an end waits that could not be written down. */
const RECORD_RETRY_MS = 1_000
const SIGKILL = 9

/** Launches containers, listens to their monitors, and writes down how they end. */
export class Supervisor implements Disposable {
  readonly #deps: SupervisorDeps
  readonly #live = new Map<string, Monitored>()
  #isDisposed = false

  constructor(deps: SupervisorDeps) {
    this.#deps = deps
  }

  /** The connection to the monitor of a running container. CONTAINER_NOT_RUNNING when there is none. */
  client(container: Container): MonitorClient {
    const live = this.#live.get(container.id)
    if (!live || live.isClosed) throw notRunning(container)
    return live.client
  }

  /**
   * Launches a container in its sandbox and waits until its program was executed. Throws the typed error of a launch that
   * failed; nothing is left then but the state directory.
   */
  async launch(container: Container, sandbox: Sandbox, options: LaunchOptions): Promise<Container> {
    const { terminalSize, graceMs = 0, follower, parked } = options
    const { id } = container
    if (volumeMounts(container).length > 0)
      await this.#deps.volumes.ready(container, AbortSignal.timeout(this.#deps.startTimeoutMs))
    const launched = { ...container, sandbox }
    const request = { terminalSize, waits: false, holdsOutput: follower?.aborted === false }
    const live = parked?.take() ?? this.#spawn(launched, sandbox, request)
    if (parked && follower?.aborted) live.client.letGo()
    if (parked) live.client.start()
    follower?.addEventListener('abort', () => live.client.letGo(), { once: true })
    this.#live.set(id, live)
    try {
      const started = await this.#started(container, live)
      if (graceMs > 0) await live.over(graceMs)
      return this.#commitStart(launched, live, started, options.save)
    } catch (error) {
      this.#live.delete(id)
      live.client.signal(SIGKILL, true)
      live.leave()
      throw error
    }
  }

  /** Launches one for a burst but for its program. Throws when its plan cannot be made. */
  park(container: Container, sandbox: Sandbox, holdsOutput: boolean): Monitored {
    return this.#spawn({ ...container, sandbox }, sandbox, { terminalSize: undefined, waits: true, holdsOutput })
  }

  /** Takes a container over whose monitor lives: at the start, or when the connection broke. It is on disk as running. */
  adopt(id: string, client: MonitorClient): void {
    const live = new Monitored(client, () => unavailable('MONITOR_LOST', 'it runs already'))
    this.#live.set(id, live)
    this.#watchEnd(id, live)
  }

  /** Writes down how a container ended: once, whoever says so. */
  ended(id: string, exit: Exit): void {
    this.#live.delete(id)
    const container = this.#deps.table.get(id)
    if (!container || !isRunning(container)) return
    let saved: () => void
    try {
      saved = this.#deps.transaction(() => this.#saveEnd(container, exit), durabilityOf(container.spec))
    } catch (error) {
      // A full disk, most likely. Nothing is lost: the record of the monitor stays where it is.
      this.#deps.log.error({ container: id, error: String(error) }, 'an end cannot be written down: trying again')
      setTimeout(() => this.#isDisposed || this.ended(id, exit), RECORD_RETRY_MS).unref()
      return
    }
    saved()
    this.#tellEnd(container, exit)
  }

  /** Lets go of every monitor; containers do not notice. */
  [Symbol.dispose](): void {
    this.#isDisposed = true
    for (const live of this.#live.values()) live.leave()
  }

  #spawn(container: Container, sandbox: Sandbox, request: Omit<LaunchRequest, 'container' | 'stateDir'>): Monitored {
    const { id, program } = container
    const stateDir = this.#deps.stateDirs.prepare(id, hostnameOf(container), sandbox)
    const client = this.#deps.monitors.launch({ container, stateDir, ...request })
    return new Monitored(client, (failed) => launchError(id, program.args[0] ?? '', failed))
  }

  async #started(container: Container, live: Monitored): Promise<Started> {
    const timeout = Promise.withResolvers<never>()
    const timer = setTimeout(() => {
      const message = `the container ${container.name} was not started within ${this.#deps.startTimeoutMs} ms`
      timeout.reject(unavailable('START_TIMEOUT', message, { details: { container: container.id } }))
    }, this.#deps.startTimeoutMs)
    try {
      return await Promise.race([live.started, timeout.promise])
    } finally {
      clearTimeout(timer)
    }
  }

  #commitStart(container: Container, live: Monitored, started: Started, save: (running: Container) => void): Container {
    const { pid, startTime, startedNs } = started
    const process = { pid, startTime, bootId: this.#deps.processes.bootId }
    const running: Container = { ...container, state: 'running', startedNs, process }
    const early = live.record && toExit(live.record)
    const saved = this.#deps.transaction(
      () => {
        save(running)
        this.#deps.events.started(running)
        this.#deps.volumes.mounted(running)
        return early ? this.#saveEnd(running, early) : () => {}
      },
      early ? durabilityOf(running.spec) : 'crash',
    )
    saved()
    if (early) {
      this.#live.delete(running.id)
      this.#tellEnd(running, early)
    } else this.#watchEnd(running.id, live)
    return running
  }

  #watchEnd(id: string, live: Monitored): void {
    live.tellEnd({
      ended: (record) => this.ended(id, toExit(record)),
      lost: () => {
        this.#live.delete(id)
        if (!this.#isDisposed) this.#deps.onLost(id)
      },
    })
  }

  /** Inside a transaction; what it returns is called when that is done. */
  #saveEnd(container: Container, exit: Exit): () => void {
    const { table, events, volumes } = this.#deps
    const { process: _process, sandbox: _sandbox, ...rest } = container
    const ended: Container = { ...rest, state: 'exited', exit }
    if (exit.oomKilled) events.outOfMemory(ended)
    events.exited(ended, exit)
    if (container.spec.autoRemove)
      return volumes.removeWith(ended, () => {
        table.delete(container.id)
        events.removed(ended)
      })
    table.update(ended)
    return () => {}
  }

  #tellEnd(container: Container, exit: Exit): void {
    const { id, spec, idRange } = container
    const { discards, milestones, table } = this.#deps
    const discarded = { id, range: idRange, isUnclean: exit.error !== '' }
    if (spec.autoRemove && hasWanted(spec.network)) void discards.discard(discarded)
    else if (spec.autoRemove) discards.discardSoon(discarded)
    else
      discards.release(id, () => {
        const current = table.get(id)
        return current !== undefined && isRunning(current)
      })
    milestones.exited(id, exit)
    if (spec.autoRemove) milestones.removed(id)
  }
}

/** Whether it had what others may ask for at once: ports, a place on a network that somebody made. */
function hasWanted({ ports, publishAll, attachments, mode }: NetworkSpec): boolean {
  return ports !== undefined || publishAll === true || attachments.length > 0 || mode === 'shared'
}

export function notRunning(container: Container): Error {
  return conflict('CONTAINER_NOT_RUNNING', `the container ${container.name} does not run: start it first`, {
    details: { container: container.id },
  })
}
