import { posix } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { CaissonError, failedPrecondition } from '@caisson/api'
import { type Container, isRunning } from '../container/container.ts'
import type { KeyedMutex } from '../container/mutex.ts'
import type { FilePlace, Files, PathFacts, ReadRequest, WriteRequest, Written } from './ports.ts'

export interface ContainerFilesDeps {
  readonly files: Files
  /** Held while the root of a container that does not run is in use: it cannot start then. */
  readonly mutex: KeyedMutex
  /** By id, name or unique prefix of the id. */
  readonly resolve: (reference: string) => Container
  /** By full id. */
  readonly get: (id: string) => Container
}

interface Reached extends Disposable {
  readonly container: Container
  readonly place: FilePlace
}

/** The end of a container is known a moment after its processes are gone. */
const GONE_PATIENCE_MS = 5_000
const GONE_POLL_MS = 20

/**
 * Files of containers, whether they run or not. Of one that runs (or is paused) everything mounted in it is seen; of one
 * that does not, only its root.
 */
export class ContainerFiles {
  readonly #deps: ContainerFilesDeps

  constructor(deps: ContainerFilesDeps) {
    this.#deps = deps
  }

  async stat(reference: string, path: string, follow: boolean, signal: AbortSignal): Promise<PathFacts> {
    using reached = await this.#reach(reference, signal)
    checkMounted(reached, path)
    return await this.#deps.files.stat(reached.place, path, follow, signal)
  }

  /** Yields a tar. */
  async *read(reference: string, request: ReadRequest, signal: AbortSignal): AsyncGenerator<Buffer> {
    using reached = await this.#reach(reference, signal)
    checkMounted(reached, request.path)
    yield* this.#deps.files.read(reached.place, request, signal)
  }

  async write(
    reference: string,
    request: WriteRequest,
    archive: AsyncIterable<Buffer>,
    signal: AbortSignal,
  ): Promise<Written> {
    using reached = await this.#reach(reference, signal)
    const { container, place } = reached
    checkMounted(reached, request.path)
    if ('id' in place && container.spec.readOnlyRoot)
      throw failedPrecondition('READ_ONLY', `the root of container ${container.name} is read-only`, {
        details: { container: container.id },
      })
    return await this.#deps.files.write(place, request, archive, signal)
  }

  async *export(reference: string, signal: AbortSignal): AsyncGenerator<Buffer> {
    using reached = await this.#reach(reference, signal)
    yield* this.#deps.files.read(reached.place, { path: '/', follow: false, oneMount: true }, signal)
  }

  /** Finds out where its files are now. A process that has just ended is waited for: then its root is free. */
  async #reach(reference: string, signal: AbortSignal): Promise<Reached> {
    const { id } = this.#deps.resolve(reference)
    const deadline = performance.now() + GONE_PATIENCE_MS
    for (;;) {
      const reached = await this.#reachNow(id)
      if ('id' in reached.place) return reached
      try {
        await this.#deps.files.stat(reached.place, '/', false, signal)
        return reached
      } catch (error) {
        if (!isGone(error) || performance.now() > deadline) throw error
      }
      await sleep(GONE_POLL_MS, undefined, { signal })
    }
  }

  async #reachNow(id: string): Promise<Reached> {
    const turn = await this.#deps.mutex.take(id)
    try {
      const container = this.#deps.get(id)
      if (!isRunning(container) || !container.process)
        return { container, place: { id }, [Symbol.dispose]: () => turn[Symbol.dispose]() }
      turn[Symbol.dispose]()
      return { container, place: { process: container.process }, [Symbol.dispose]: () => {} }
    } catch (error) {
      turn[Symbol.dispose]()
      throw error
    }
  }
}

function isGone(error: unknown): boolean {
  return error instanceof CaissonError && error.reason === 'PROCESS_GONE'
}

/** By its letters: below a place of a mount there is nothing that the container would find there. */
function checkMounted({ container, place }: Reached, path: string): void {
  if (!('id' in place)) return
  const wanted = `${posix.normalize(`/${path}`)}/`
  const mount = container.spec.mounts.find(({ target }) => wanted.startsWith(`${target}/`))
  if (mount)
    throw failedPrecondition(
      'PATH_NOT_MOUNTED',
      `${path} is in a mount of container ${container.name}, which does not run: start it, or go to the source`,
      { details: { container: container.id, path } },
    )
}
