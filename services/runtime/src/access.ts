import type { Container, ContainerState, Exit } from './container/container.ts'
import type { TerminalSize } from './container/spec.ts'
import type { LaunchOptions } from './container/supervisor.ts'

/**
 * What logs, attaching, execs, stats and top need of the life of containers; service.ts puts it together from the
 * registry, the milestones, the state directories and the lifecycle.
 */
export interface ContainerAccess {
  /** By id, name or unique prefix of the id. `not-found`, or AMBIGUOUS_ID. */
  resolve(reference: string): Container
  /** Where it is in its life, passing states included. */
  stateOf(container: Container): ContainerState
  /** Those that run or are paused, in the order in which they were made. */
  active(): readonly Container[]
  /** Where its monitor has socket, exit record and log. */
  stateDir(id: string): string
  /** Keeps the state directory until the hold is disposed, also when the container is removed meanwhile. */
  hold(id: string): Disposable
  /** The next end, once it is on disk. Undefined when the container is removed before. */
  nextExit(id: string, signal: AbortSignal): Promise<Exit | undefined>
  /** Starts it; resolves when its program was executed. */
  start(id: string, options: Pick<LaunchOptions, 'follower'>, signal: AbortSignal): Promise<void>
  /** Sends a signal, by name or number, to the main process. */
  kill(id: string, signal: string): Promise<void>
  /** Sets the size of the terminal. */
  resize(id: string, size: TerminalSize): Promise<void>
}
