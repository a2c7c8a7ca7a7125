import { CaissonError } from '@caisson/api'
import { Follower } from '../attach/follower.ts'
import { refreshSharer } from '../connection/living-files.ts'
import type { LogEntry } from '../log/entry.ts'
import type { SandboxRequest } from '../ports.ts'
import { type Container, type Exit, isRunning, type Sandbox } from './container.ts'
import type { Core } from './core.ts'
import type { CreateRequest, Draft, Identity } from './create.ts'
import { openSandbox } from './open-sandbox.ts'
import { sandboxRequest } from './sandbox-request.ts'
import { startContainer } from './start.ts'
import type { LaunchOptions } from './supervisor.ts'

export interface RunRequest extends CreateRequest {
  /** Send its output too. */
  readonly output: boolean
  /** Only start it. */
  readonly detach: boolean
}

/** What happened to a run, in this order. */
export type RunStep =
  | { readonly kind: 'created'; readonly container: Container }
  | { readonly kind: 'started'; readonly container: Container }
  | { readonly kind: 'output'; readonly entries: readonly LogEntry[] }
  | { readonly kind: 'exited'; readonly exit: Exit }

/** Yields what a container writes from its first byte on, until it ended. */
export type OutputOf = (id: string, signal: AbortSignal) => AsyncIterable<readonly LogEntry[]>

/**
 * Creates, starts, and waits. Root and network are prepared at the same time, and what is to be removed at its end is
 * written down only when it runs: a crash before leaves nothing but what the next start of the service clears away. Going
 * away once it runs does not stop it.
 */
export async function* runContainer(
  core: Core,
  request: RunRequest,
  outputOf: OutputOf,
  signal: AbortSignal,
): AsyncGenerator<RunStep> {
  // It may write before its output can be followed.
  using follower = new Follower()
  const attempt = { request, signal, ...(request.output && { follower: follower.gone }) }
  const run = await core.creator.once(
    request,
    async (earlier) => resume(core, earlier, attempt),
    () => (request.spec.autoRemove ? runTransient(core, attempt) : runLasting(core, attempt)),
  )
  using _hold = run.hold
  yield { kind: 'created', container: run.container }
  yield { kind: 'started', container: await run.started }
  if (request.detach) return
  const { id } = run.container
  if (request.output) {
    for await (const entries of outputOf(id, signal)) {
      follower.came()
      yield { kind: 'output', entries }
    }
    follower.came()
  }
  const exit = await unlessAborted(run.exit, signal)
  if (!exit) throw removedMeanwhile(run.container)
  yield { kind: 'exited', exit }
}

interface Attempt extends Pick<LaunchOptions, 'follower'> {
  readonly request: RunRequest
  readonly signal: AbortSignal
}

/** A run whose container exists. */
interface Running {
  readonly container: Container
  readonly started: Promise<Container>
  /** Undefined: it was removed before its end was known. */
  readonly exit: Promise<Exit | undefined>
  /** Keeps its log until everything was sent. */
  readonly hold: Disposable
}

/** How long a run that nobody watches may last to be written down as a whole. */
const SHORT_RUN_MS = 5

/** One that goes when it ends: nothing is on disk before it runs. */
function runTransient(core: Core, attempt: Attempt): Promise<Running> {
  const { request, signal, follower } = attempt
  const burst = { holdsOutput: request.output }
  // Who waits for the end has no use of hearing of the start first: a short run is one transaction.
  const graceMs = request.detach || request.output ? 0 : SHORT_RUN_MS
  return core.creator.withDraft(
    request,
    signal,
    async (draft, identity) => {
      const { id, spare } = identity
      using parked = spare?.parked
      const { draft: made, sandbox } = spare
        ? { draft: await draft, sandbox: spare.sandbox }
        : await both(draft, core, await sandboxOf(draft, identity), signal)
      return await watched(core, id, async () => {
        const options = { save: made.save, graceMs, parked, follower }
        const running = await core.supervisor.launch(made.container, await sandbox, options)
        refreshSharer(core, running)
        if (!spare && !request.detach) core.spares.stock({ name: request.name, spec: request.spec, ...burst })
        return { container: running, started: Promise.resolve(running) }
      })
    },
    burst,
  )
}

/** One that stays: it is on disk before it is started, and stays when that fails. */
async function runLasting(core: Core, { request, signal, follower }: Attempt): Promise<Running> {
  const { container, sandbox } = await core.creator.withDraft(request, signal, async (draft, identity) => {
    const prepared = await both(draft, core, await sandboxOf(draft, identity), signal)
    const { container, save } = prepared.draft
    core.transaction(() => save(container))
    return { container, sandbox: prepared.sandbox }
  })
  return watched(core, container.id, async () => {
    const started = startContainer(core, container.id, { ready: sandbox, follower }, signal)
    started.catch(() => {})
    return { container, started }
  })
}

/** The container that the same request made before: it is started if it never was, and waited for. */
async function resume(core: Core, earlier: Container, { signal, follower }: Attempt): Promise<Running> {
  const { id, exit } = earlier
  if (exit && !isRunning(earlier))
    return {
      container: earlier,
      started: Promise.resolve(earlier),
      exit: Promise.resolve(exit),
      hold: core.stateDirs.hold(id),
    }
  return watched(core, id, async () => {
    const started = isRunning(earlier) ? Promise.resolve(earlier) : startContainer(core, id, { follower }, signal)
    started.catch(() => {})
    return { container: earlier, started }
  })
}

/** Asks for the end, and holds the log, before the container may be over. */
async function watched(
  core: Core,
  id: string,
  start: () => Promise<Pick<Running, 'container' | 'started'>>,
): Promise<Running> {
  const given = new AbortController()
  const exit = core.milestones.nextExit(id, given.signal)
  exit.catch(() => {})
  const held = core.stateDirs.hold(id)
  const hold = {
    [Symbol.dispose]: () => {
      held[Symbol.dispose]()
      given.abort()
    },
  }
  try {
    return { ...(await start()), exit, hold }
  } catch (error) {
    hold[Symbol.dispose]()
    throw error
  }
}

/** Which ports an image exposes is known when its root is prepared. */
async function sandboxOf(draft: Promise<Draft>, { id, name, spec }: Identity): Promise<SandboxRequest> {
  return sandboxRequest(id, name, spec.network.publishAll ? (await draft).container.spec : spec)
}

/** Waits for both, so that neither is left behind unseen when the other fails. */
async function both(
  draft: Promise<Draft>,
  core: Core,
  request: SandboxRequest,
  signal: AbortSignal,
): Promise<{ draft: Draft; sandbox: Promise<Sandbox> }> {
  const sandbox = openSandbox(core, request, signal)
  await Promise.allSettled([draft, sandbox])
  return { draft: await draft, sandbox }
}

function unlessAborted<T>(promise: Promise<T>, signal: AbortSignal): Promise<T> {
  signal.throwIfAborted()
  const aborted = Promise.withResolvers<never>()
  const abort = (): void => aborted.reject(signal.reason)
  signal.addEventListener('abort', abort, { once: true })
  return Promise.race([promise, aborted.promise]).finally(() => signal.removeEventListener('abort', abort))
}

function removedMeanwhile(container: Container): CaissonError {
  return new CaissonError('aborted', `the container ${container.name} was removed before its end was known`, {
    reason: 'CONTAINER_REMOVED',
    details: { container: container.id },
  })
}
