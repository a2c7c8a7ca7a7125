import { setTimeout as sleep } from 'node:timers/promises'
import { unavailable } from '@caisson/api'
import { type Container, type Exit, isRunning } from './container.ts'
import { alone, type Core, settled } from './core.ts'
import { resumeContainer } from './pause.ts'
import { signalNumber } from './signal.ts'
import { notRunning } from './supervisor.ts'

/** Milliseconds that a killed container has to be gone. */
const KILL_PATIENCE_MS = 10_000
const SIGKILL = 9

export interface StopRequest {
  readonly container: string
  /** Undefined: the spec's. 0: none. */
  readonly timeoutSeconds?: number | undefined
  /** '': the container's. */
  readonly signal: string
}

/**
 * Asks a container to stop, and kills it when it does not within its time. Undefined when it did not run. One that is
 * paused goes on first. Two stops at once both wait; the shorter time wins.
 */
export async function stopContainer(core: Core, request: StopRequest, signal: AbortSignal): Promise<Exit | undefined> {
  let container = core.registry.resolve(request.container)
  if (core.registry.stateOf(container) === 'starting') container = await settled(core, container)
  const number = signalNumber(request.signal || container.stopSignal)
  if (!isRunning(container)) return undefined
  const ended = new AbortController()
  const exit = core.milestones.nextExit(container.id, AbortSignal.any([signal, ended.signal]))
  exit.catch(() => {})
  try {
    const seconds = request.timeoutSeconds ?? container.spec.stopTimeoutSeconds
    if (seconds > 0) {
      await wake(core, container)
      if (send(core, container, number) && (await within(exit, seconds * 1_000, signal))) return await exit
    }
    return await killAndWait(core, container, exit, signal)
  } finally {
    ended.abort()
  }
}

/** Kills a container and waits until its end is on disk. */
export async function killForGood(core: Core, container: Container, signal: AbortSignal): Promise<void> {
  const ended = new AbortController()
  const exit = core.milestones.nextExit(container.id, AbortSignal.any([signal, ended.signal]))
  exit.catch(() => {})
  try {
    await killAndWait(core, container, exit, signal)
  } finally {
    ended.abort()
  }
}

/** Sends a signal to the main process, or to every process. */
export async function killContainer(core: Core, reference: string, name: string, everyProcess: boolean): Promise<void> {
  const number = signalNumber(name || 'SIGKILL')
  const container = core.registry.resolve(reference)
  if (!isRunning(container)) throw notRunning(container)
  core.supervisor.client(container).signal(number, everyProcess)
  core.transaction(() => core.events.killed(container, name || 'SIGKILL'))
  // What is frozen does not die of it on every host.
  if (number === SIGKILL && container.state === 'paused') await core.controlGroups.thaw(container)
}

async function killAndWait(
  core: Core,
  container: Container,
  exit: Promise<Exit | undefined>,
  signal: AbortSignal,
): Promise<Exit | undefined> {
  if (!isRunning(core.registry.get(container.id))) return core.registry.get(container.id).exit
  send(core, container, SIGKILL)
  if (core.registry.get(container.id).state === 'paused') await core.controlGroups.thaw(container)
  if (await within(exit, KILL_PATIENCE_MS, signal)) return exit
  throw unavailable(
    'STOP_TIMEOUT',
    `${container.name} was killed and is not gone yet: it may wait for a disk; try again`,
    {
      details: { container: container.id },
    },
  )
}

/** Whether there was still someone to send it to. */
function send(core: Core, container: Container, number: number): boolean {
  try {
    core.supervisor.client(container).signal(number)
    return true
  } catch {
    // Its end is just being written down, or its monitor is being looked for: the wait that follows sees what becomes.
    return false
  }
}

async function wake(core: Core, container: Container): Promise<void> {
  if (core.registry.get(container.id).state === 'paused')
    await alone(core, container.id, async (current) => {
      if (current.state === 'paused') await resumeContainer(core, current)
    })
}

/** Whether it comes in time. */
async function within(promise: Promise<unknown>, ms: number, signal: AbortSignal): Promise<boolean> {
  const timer = new AbortController()
  const stop = AbortSignal.any([signal, timer.signal])
  try {
    const late = sleep(Math.min(ms, 0x7fff_ffff), false, { signal: stop })
    return await Promise.race([promise.then(() => true), late])
  } finally {
    timer.abort()
  }
}
