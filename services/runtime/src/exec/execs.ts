import { conflict, invalid, now } from '@caisson/api'
import type { ContainerAccess } from '../access.ts'
import { Follower } from '../attach/follower.ts'
import type { AttachInput } from '../attach/input.ts'
import { type AttachedProcess, attachSession } from '../attach/session.ts'
import type { Container, Exit } from '../container/container.ts'
import { signalNumber } from '../container/signal.ts'
import type { TerminalSize } from '../container/spec.ts'
import { newId } from '../identity/identity.ts'
import type { LogEntry } from '../log/entry.ts'
import { LOG_START } from '../log/position.ts'
import type { ExecTable } from '../store/execs.ts'
import type { Exec, ExecSpec } from './exec.ts'
import type { ExecDirs } from './exec-dirs.ts'
import { checkRunning, execNotRunning, noSuchExec, startedAlready } from './exec-error.ts'
import type { ExecEvents } from './exec-events.ts'
import type { ExecSupervisor } from './exec-supervisor.ts'

export interface ExecsDeps {
  readonly transaction: <T>(work: () => T) => T
  readonly access: ContainerAccess
  readonly table: ExecTable
  readonly events: ExecEvents
  readonly dirs: ExecDirs
  readonly supervisor: ExecSupervisor
}

/** Which exec to attach to: one that was made, or one to make. */
export type ExecTarget =
  | { readonly kind: 'made'; readonly id: string }
  | { readonly kind: 'new'; readonly container: string; readonly spec: ExecSpec }

export type ExecStep =
  | { readonly kind: 'attached'; readonly exec: Exec }
  | { readonly kind: 'entries'; readonly entries: readonly LogEntry[] }
  /** It ended, and all output was given. */
  | { readonly kind: 'exited'; readonly exit: Exit | undefined }

const KEPT_MS = 3_600_000
const FOREVER = new AbortController().signal

/** Processes that are started in running containers. */
export class Execs {
  readonly #deps: ExecsDeps
  readonly #starting = new Set<string>()

  constructor(deps: ExecsDeps) {
    this.#deps = deps
  }

  /** Makes an exec; it does not run yet. The same request id gives the exec that was made before. */
  create(reference: string, spec: ExecSpec, requestId: string): Exec {
    const { access, table, events, transaction } = this.#deps
    const container = access.resolve(reference)
    const earlier = requestId === '' ? undefined : table.getByRequest(requestId)
    if (earlier) return checkSame(earlier, container, spec, requestId)
    checkRunning(container)
    const exec = newExec(container, spec)
    transaction(() => {
      table.expire(Date.now() - KEPT_MS)
      table.insert(exec, requestId, Date.now())
      events.created(exec, requestId)
    })
    return exec
  }

  /** Starts an exec that nobody is connected to: its output is dropped, and it has no input. */
  async start(id: string): Promise<Exec> {
    const exec = this.get(id)
    const container = this.#containerOf(exec)
    return this.#startOnce(exec, () => this.#launchMade(exec, container, undefined, undefined, FOREVER))
  }

  /** Starts an exec and yields what it writes, and at last how it ended. */
  async *attach(
    target: ExecTarget,
    terminalSize: TerminalSize | undefined,
    inputs: AsyncIterable<AttachInput>,
    signal: AbortSignal,
  ): AsyncGenerator<ExecStep> {
    const { dirs, access, supervisor } = this.#deps
    const { container, exec: draft } = this.#aim(target)
    using _containerHold = access.hold(container.id)
    using _hold = dirs.hold(container.id, draft.id)
    const over = new AbortController()
    const exit = supervisor.milestones.nextExit(draft.id, over.signal)
    exit.catch(() => {})
    // It may write before the session follows it.
    using follower = new Follower()
    try {
      const exec =
        target.kind === 'made'
          ? await this.#startOnce(draft, () => this.#launchMade(draft, container, follower.gone, terminalSize, signal))
          : await this.#launchNew(draft, container, follower.gone, terminalSize, signal)
      for await (const entries of attachSession(this.#process(exec), inputs, signal)) {
        follower.came()
        yield entries.length > 0 ? { kind: 'entries', entries } : { kind: 'attached', exec }
      }
      yield { kind: 'exited', exit: await exit }
    } finally {
      over.abort()
      // Does nothing when it has ended.
      if (draft.spec.endWithClient) supervisor.client(draft.id)?.signal(SIGKILL)
    }
  }

  /** EXEC_NOT_FOUND when there is none, or not any more. */
  get(id: string): Exec {
    const exec = this.#deps.table.get(id)
    if (!exec) throw noSuchExec(id)
    return exec
  }

  /** The execs of a container, the newest first. */
  list(reference: string): Exec[] {
    return this.#deps.table.listOf(this.#deps.access.resolve(reference).id)
  }

  /** Sends a signal by name or number; '' is SIGKILL. */
  kill(id: string, signal: string): void {
    const number = signal === '' ? SIGKILL : signalNumber(signal)
    this.#client(this.get(id)).signal(number)
  }

  resize(id: string, { rows, columns }: TerminalSize): void {
    const exec = this.get(id)
    if (!exec.spec.process.tty)
      throw conflict('NO_TERMINAL', `the exec ${id.slice(0, 12)} has no terminal: make it with one`, {
        details: { exec: id },
      })
    this.#client(exec).resize(rows, columns)
  }

  #client(exec: Exec) {
    const client = this.#deps.supervisor.client(exec.id)
    if (!client) throw execNotRunning(exec)
    return client
  }

  #aim(target: ExecTarget): { container: Container; exec: Exec } {
    if (target.kind === 'made') {
      const exec = this.get(target.id)
      return { container: this.#containerOf(exec), exec }
    }
    const container = this.#deps.access.resolve(target.container)
    checkRunning(container)
    return { container, exec: newExec(container, target.spec) }
  }

  #containerOf(exec: Exec): Container {
    const container = this.#deps.access.resolve(exec.containerId)
    checkRunning(container)
    return container
  }

  async #startOnce(exec: Exec, start: () => Promise<Exec>): Promise<Exec> {
    if (exec.state !== 'created' || this.#starting.has(exec.id)) throw startedAlready(exec)
    this.#starting.add(exec.id)
    try {
      return await start()
    } finally {
      this.#starting.delete(exec.id)
    }
  }

  #launchMade(
    exec: Exec,
    container: Container,
    follower: AbortSignal | undefined,
    terminalSize: TerminalSize | undefined,
    signal: AbortSignal,
  ): Promise<Exec> {
    const save = (running: Exec): void => this.#deps.table.update(running, Date.now())
    return this.#deps.supervisor.launch({ container, exec, follower, terminalSize }, save, signal)
  }

  /** It is written down when it runs: one transaction less. */
  #launchNew(
    exec: Exec,
    container: Container,
    follower: AbortSignal,
    terminalSize: TerminalSize | undefined,
    signal: AbortSignal,
  ): Promise<Exec> {
    const { supervisor, table, events } = this.#deps
    const save = (running: Exec): void => {
      table.expire(Date.now() - KEPT_MS)
      table.insert(running, '', Date.now())
      events.created(running, '')
    }
    return supervisor.launch({ container, exec, follower, terminalSize }, save, signal)
  }

  #process(exec: Exec): AttachedProcess {
    return {
      stateDir: this.#deps.dirs.path(exec.containerId, exec.id),
      from: LOG_START,
      output: true,
      // Nobody can attach to it again.
      stdin: exec.spec.process.stdin ? 'once' : 'none',
      resize: async (size) => this.resize(exec.id, size),
      kill: async (signal) => this.kill(exec.id, signal),
    }
  }
}

const SIGKILL = 9

function newExec(container: Container, spec: ExecSpec): Exec {
  const made = { id: newId(), containerId: container.id, spec, createdNs: now(), startedNs: 0n }
  return { ...made, state: 'created', isAttached: false }
}

function checkSame(earlier: Exec, container: Container, spec: ExecSpec, requestId: string): Exec {
  if (earlier.containerId === container.id && JSON.stringify(earlier.spec) === JSON.stringify(spec)) return earlier
  throw invalid(`the request id ${requestId.slice(0, 80)} was used for another exec: take a new one`, {
    reason: 'REQUEST_ID_REUSED',
  })
}
