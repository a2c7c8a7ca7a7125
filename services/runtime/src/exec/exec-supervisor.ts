import { CaissonError, now, unavailable } from '@caisson/api'
import type { Logger } from '@caisson/service-kit'
import type { Exit } from '../container/container.ts'
import { toExit, unknownExit } from '../container/exit.ts'
import { Milestones } from '../container/milestones.ts'
import { Monitored, type Started } from '../container/monitored.ts'
import { MONITOR_GONE, type MonitorClient } from '../monitor/client.ts'
import { readExitRecord } from '../monitor/exit-record.ts'
import type { Processes } from '../ports.ts'
import type { ExecTable } from '../store/execs.ts'
import type { Exec } from './exec.ts'
import type { ExecDirs } from './exec-dirs.ts'
import { containerGone, execError, exitCodeOf } from './exec-error.ts'
import type { ExecEvents } from './exec-events.ts'
import type { ExecLaunch, ExecMonitors } from './ports.ts'

export interface ExecSupervisorDeps {
  readonly transaction: <T>(work: () => T) => T
  readonly table: ExecTable
  readonly events: ExecEvents
  readonly monitors: ExecMonitors
  readonly processes: Processes
  readonly dirs: ExecDirs
  readonly log: Logger
  /** Milliseconds a launch may take until it is given up. */
  readonly startTimeoutMs: number
}

/** An exec to launch. */
export interface ExecStart extends Omit<ExecLaunch, 'stateDir' | 'isAttached'> {
  /** Of the client that attaches to it, as with LaunchOptions. Undefined: none does. */
  readonly follower: AbortSignal | undefined
}

/** How long an end waits that could not be written down, or a monitor that could not be asked. */
const RETRY_MS = 1_000
const SIGKILL = 9

/** Launches execs, listens to their monitors, and writes down how they end. */
export class ExecSupervisor implements Disposable {
  readonly milestones = new Milestones()
  readonly #deps: ExecSupervisorDeps
  readonly #live = new Map<string, Monitored>()
  /** Started by a client of this very service. */
  readonly #attached = new Set<string>()
  #isDisposed = false

  constructor(deps: ExecSupervisorDeps) {
    this.#deps = deps
  }

  /** The connection to the monitor of a running exec. */
  client(id: string): MonitorClient | undefined {
    const live = this.#live.get(id)
    return live && !live.isClosed ? live.client : undefined
  }

  /**
   * Launches an exec and waits until its program was executed. `save` writes it as running, inside the transaction. Throws
   * the typed error of a launch that failed; what was made already is then ended with the exit code that stands for it.
   */
  async launch(request: ExecStart, save: (running: Exec) => void, signal: AbortSignal): Promise<Exec> {
    const { follower, ...launch } = request
    const { exec, container } = launch
    const isAttached = follower !== undefined
    const stateDir = this.#deps.dirs.make(container.id, exec.id)
    let live: Monitored | undefined
    try {
      const client = this.#deps.monitors.launch({ ...launch, isAttached, stateDir })
      follower?.addEventListener('abort', () => client.letGo(), { once: true })
      live = new Monitored(client, (failed) => execError(exec, failed))
      this.#live.set(exec.id, live)
      return this.#commitStart({ ...exec, isAttached }, live, await this.#started(live, signal), save)
    } catch (thrown) {
      const error = this.#explained(CaissonError.from(thrown), launch)
      this.#live.delete(exec.id)
      live?.client.signal(SIGKILL)
      live?.leave()
      this.#deps.dirs.remove(container.id, exec.id)
      this.#saveFailure(exec, error)
      throw error
    }
  }

  /**
   * Takes over what the service before left running: adopts execs whose monitors live, writes down how the others ended,
   * and ends those that were never written down.
   */
  async recover(): Promise<void> {
    const running = this.#deps.table.running()
    const known = new Set(running.map((exec) => exec.id))
    await Promise.all(running.map((exec) => this.#settle(exec)))
    for (const { containerId, id } of this.#deps.dirs.list()) {
      if (known.has(id)) continue
      await this.#endStray(containerId, id)
    }
  }

  /** Lets go of every monitor; execs do not notice. */
  [Symbol.dispose](): void {
    this.#isDisposed = true
    for (const live of this.#live.values()) live.leave()
  }

  /** Whatever fails while the container goes away fails because it does. */
  #explained(error: CaissonError, { exec, container }: Pick<ExecLaunch, 'exec' | 'container'>): CaissonError {
    const { pid, startTime } = container.process ?? { pid: 0, startTime: 0n }
    if (error.code === 'cancelled' || this.#deps.processes.isAlive(pid, startTime)) return error
    return containerGone(exec, error.message)
  }

  async #started(live: Monitored, signal: AbortSignal): Promise<Started> {
    const stopped = Promise.withResolvers<never>()
    const message = `the process was not started within ${this.#deps.startTimeoutMs} ms: try again`
    const timer = setTimeout(() => stopped.reject(unavailable('START_TIMEOUT', message)), this.#deps.startTimeoutMs)
    const abort = (): void => stopped.reject(signal.reason)
    signal.addEventListener('abort', abort, { once: true })
    try {
      signal.throwIfAborted()
      return await Promise.race([live.started, stopped.promise])
    } finally {
      clearTimeout(timer)
      signal.removeEventListener('abort', abort)
    }
  }

  #commitStart(exec: Exec, live: Monitored, started: Started, save: (running: Exec) => void): Exec {
    const { pid, startTime, startedNs } = started
    const process = { pid, startTime, bootId: this.#deps.processes.bootId }
    const running: Exec = { ...exec, state: 'running', startedNs, process }
    const early = live.record && toExit(live.record)
    if (exec.isAttached) this.#attached.add(exec.id)
    this.#deps.transaction(() => {
      save(running)
      this.#deps.events.started(running)
      if (early) this.#saveEnd(running, early)
    })
    if (early) this.#tellEnd(running, early)
    else this.#watchEnd(running, live)
    return running
  }

  #watchEnd(exec: Exec, live: Monitored): void {
    this.#live.set(exec.id, live)
    live.tellEnd({
      ended: (record) => this.#ended(exec, toExit(record)),
      lost: () => {
        this.#live.delete(exec.id)
        if (!this.#isDisposed) void this.#settle(exec)
      },
    })
  }

  #adopt(exec: Exec, client: MonitorClient): void {
    this.#watchEnd(exec, new Monitored(client, () => unavailable('MONITOR_LOST', 'it runs already')))
    if (!exec.isAttached || this.#attached.has(exec.id)) return
    // Its client went with the service before.
    if (exec.spec.process.stdin) client.stdinClose()
    if (exec.spec.endWithClient) client.signal(SIGKILL)
  }

  /** Finds out about an exec that is on disk as running and that nobody listens to. */
  async #settle(exec: Exec): Promise<void> {
    try {
      const stateDir = this.#deps.dirs.path(exec.containerId, exec.id)
      const client = this.#hasEnded(exec, stateDir) ? undefined : await this.#connect(stateDir)
      if (client) this.#adopt(exec, client)
      else if (!this.#hasEnded(exec, stateDir)) await this.#lost(exec)
    } catch (error) {
      this.#deps.log.error({ exec: exec.id, error: String(error) }, 'an exec cannot be looked after: trying again')
      setTimeout(() => this.#isDisposed || void this.#settle(exec), RETRY_MS).unref()
    }
  }

  async #connect(stateDir: string): Promise<MonitorClient | undefined> {
    try {
      return await this.#deps.monitors.connect(stateDir)
    } catch (error) {
      if (error instanceof CaissonError && error.reason === MONITOR_GONE) return undefined
      throw error
    }
  }

  /** Writes down the end that the monitor recorded, if it did. */
  #hasEnded(exec: Exec, stateDir: string): boolean {
    const record = readExitRecord(stateDir)
    if (record === undefined || record === 'damaged') return false
    this.#ended(exec, toExit(record))
    return true
  }

  /** Without its monitor nobody would ever know how it ends: it is ended, and its end is said to be unknown. */
  async #lost(exec: Exec): Promise<void> {
    const { processes, log } = this.#deps
    const { pid, startTime, bootId } = exec.process ?? { pid: 0, startTime: 0n, bootId: '' }
    if (bootId === processes.bootId && processes.isAlive(pid, startTime)) await processes.kill(pid, startTime)
    log.warn({ exec: exec.id, container: exec.containerId }, 'the monitor of an exec is gone: its end is not known')
    this.#ended(exec, unknownExit(exec.startedNs, now(), 'its monitor was killed: how it ended is not known'))
  }

  #ended(exec: Exec, exit: Exit): void {
    try {
      this.#deps.transaction(() => this.#saveEnd(exec, exit))
    } catch (error) {
      this.#deps.log.error({ exec: exec.id, error: String(error) }, 'an end cannot be written down: trying again')
      setTimeout(() => this.#isDisposed || this.#ended(exec, exit), RETRY_MS).unref()
      return
    }
    this.#tellEnd(exec, exit)
  }

  #saveEnd(exec: Exec, exit: Exit): void {
    const { process: _process, ...rest } = exec
    this.#deps.table.update({ ...rest, state: 'exited', exit }, Date.now())
    this.#deps.events.exited(exec, exit)
  }

  #tellEnd(exec: Exec, exit: Exit): void {
    this.#live.delete(exec.id)
    this.#attached.delete(exec.id)
    this.#deps.dirs.remove(exec.containerId, exec.id)
    this.milestones.exited(exec.id, exit)
  }

  /** Of an exec that was made before it was started, why it could not be. */
  #saveFailure(exec: Exec, error: CaissonError): void {
    if (!this.#deps.table.get(exec.id)) return
    const exit = { ...unknownExit(0n, now(), error.message), exitCode: exitCodeOf(error) }
    this.#deps.transaction(() => this.#saveEnd(exec, exit))
  }

  /** The service before died between a launch and its record: nobody was told of it, so nobody misses it. */
  async #endStray(containerId: string, id: string): Promise<void> {
    const client = await this.#connect(this.#deps.dirs.path(containerId, id)).catch(() => undefined)
    client?.signal(SIGKILL)
    client?.close()
    this.#deps.dirs.remove(containerId, id)
  }
}
