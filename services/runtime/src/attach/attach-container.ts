import { CaissonError, conflict } from '@caisson/api'
import type { ContainerAccess } from '../access.ts'
import type { Container, Exit } from '../container/container.ts'
import type { ProcessSpec } from '../container/spec.ts'
import type { LogEntry } from '../log/entry.ts'
import { logDirectory, openMonitorFeed } from '../log/monitor-feed.ts'
import { LOG_START, type LogPosition } from '../log/position.ts'
import { followLog } from '../log/read-log.ts'
import { logEnd } from '../log/segments.ts'
import { Follower } from './follower.ts'
import type { AttachInput } from './input.ts'
import { type AttachedProcess, attachSession } from './session.ts'

/** How to attach to a container. */
export interface AttachRequest {
  readonly container: string
  /** Whether what the client sends is its input. */
  readonly stdin: boolean
  /** Whether its output is wanted. */
  readonly output: boolean
  /** Begin with what it has written so far. */
  readonly logs: boolean
  /** Start it when it does not run. */
  readonly start: boolean
}

export type AttachStep =
  | { readonly kind: 'attached'; readonly container: Container }
  | { readonly kind: 'entries'; readonly entries: readonly LogEntry[] }
  /** It ended, and all output was given. `exit` is undefined when it was removed before that could be said. */
  | { readonly kind: 'exited'; readonly exit: Exit | undefined }

/**
 * Attaches to a container: says that it is connected, yields output as it comes, and at last how it ended.
 * CONTAINER_NOT_RUNNING when it does not run and is not to be started.
 */
export async function* attachContainer(
  access: ContainerAccess,
  request: AttachRequest,
  inputs: AsyncIterable<AttachInput>,
  signal: AbortSignal,
): AsyncGenerator<AttachStep> {
  const container = access.resolve(request.container)
  const { id } = container
  using _hold = access.hold(id)
  const isRunning = ['running', 'paused'].includes(access.stateOf(container))
  if (!isRunning && !request.start) throw notRunning(container)
  // Asked for before it starts: the end of a short program is not missed.
  const exit = access.nextExit(id, signal)
  exit.catch(() => {})
  const stateDir = access.stateDir(id)
  const before = isRunning ? undefined : await logEnd(logDirectory(stateDir))
  // It may write before the session follows it.
  using follower = new Follower()
  const process: AttachedProcess = {
    stateDir,
    from: request.logs ? LOG_START : before,
    output: request.output,
    stdin: request.stdin ? stdinOf(container.spec.process) : 'none',
    resize: (size) => access.resize(id, size),
    kill: (name) => access.kill(id, name),
  }
  if (!isRunning) await startOnce(access, id, request.output ? follower.gone : undefined, signal)
  for await (const entries of attachSession(process, inputs, signal)) {
    follower.came()
    yield entries.length > 0 ? { kind: 'entries', entries } : { kind: 'attached', container }
  }
  yield { kind: 'exited', exit: await exit }
}

/** Somebody else may have started it meanwhile. */
async function startOnce(
  access: ContainerAccess,
  id: string,
  follower: AbortSignal | undefined,
  signal: AbortSignal,
): Promise<void> {
  try {
    await access.start(id, { follower }, signal)
  } catch (error) {
    if (!(error instanceof CaissonError) || error.code !== 'not-modified') throw error
  }
}

function stdinOf({ stdin, stdinOnce }: ProcessSpec): 'none' | 'open' | 'once' {
  if (!stdin) return 'none'
  return stdinOnce ? 'once' : 'open'
}

function notRunning(container: Container): Error {
  return conflict('CONTAINER_NOT_RUNNING', `container ${container.name} does not run: start it first`, {
    details: { container: container.id },
  })
}

/**
 * What a container wrote behind a place and writes until it ends: for whoever started it and knows where its log was
 * before. A slow reader holds the container up.
 */
export async function* outputOf(
  access: ContainerAccess,
  id: string,
  from: LogPosition,
  signal: AbortSignal,
): AsyncGenerator<readonly LogEntry[]> {
  using _hold = access.hold(id)
  const stateDir = access.stateDir(id)
  using feed = await openMonitorFeed(stateDir, { pin: true })
  yield* followLog(logDirectory(stateDir), { position: from }, feed, signal)
}
