import { mkdirSync, readdirSync, renameSync } from 'node:fs'
import { join } from 'node:path'
import type { Ballast, Logger } from '@caisson/service-kit'

/** Removes trees that containers and images filled: nothing in them is followed, no path is built from their names. */
export interface TreeRemover {
  /** Removes `name` in `directory`, whatever it is. */
  remove(directory: string, name: string, signal: AbortSignal): Promise<void>
}

export interface TrashOptions {
  /** Milliseconds in which things are gathered before they are removed together. */
  readonly gatherMs: number
  /** Space for throwing things away on a full disk. */
  readonly ballast?: Ballast
}

const GATHER_MS = 1_000

/**
 * Where things go that are no longer there: a rename on the path of the caller, the removal behind it. What is thrown away
 * while a batch is being removed waits in the folder of the next one, so the queue is the disk's and has no bound to
 * overflow; one remover runs at a time.
 */
export class Trash implements AsyncDisposable {
  readonly #root: string
  readonly #remover: TreeRemover
  readonly #log: Logger
  readonly #options: TrashOptions
  readonly #stopping = new AbortController()
  #batch: string | undefined
  #working: Promise<void> | undefined

  constructor(root: string, remover: TreeRemover, log: Logger, options: Partial<TrashOptions> = {}) {
    this.#root = root
    this.#remover = remover
    this.#log = log
    this.#options = { gatherMs: GATHER_MS, ...options }
  }

  /** Takes a file or a tree away from its place, at once. Its bytes are freed later. */
  discard(path: string): void {
    const { ballast } = this.#options
    const move = (): void => {
      this.#batch ??= this.#newBatch()
      renameSync(path, join(this.#root, this.#batch, crypto.randomUUID()))
    }
    if (ballast) ballast.spend(move)
    else move()
    this.#working ??= this.#work()
  }

  /** Removes what an earlier process left. */
  empty(): void {
    if (readdirSync(this.#root).length > 0) this.#working ??= this.#work()
  }

  /** Resolves when nothing is left. */
  async settled(): Promise<void> {
    while (this.#working) await this.#working
  }

  /** Stops removing; the rest is done at the next start. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#stopping.abort()
    await this.settled()
  }

  #newBatch(): string {
    const batch = crypto.randomUUID()
    mkdirSync(join(this.#root, batch), { mode: 0o700 })
    return batch
  }

  async #work(): Promise<void> {
    const { signal } = this.#stopping
    try {
      do {
        await pause(this.#options.gatherMs, signal)
        this.#batch = undefined
        for (const batch of readdirSync(this.#root)) {
          signal.throwIfAborted()
          if (batch !== this.#batch) await this.#remover.remove(this.#root, batch, signal)
        }
      } while (this.#batch !== undefined)
      this.#options.ballast?.fill()
    } catch (error) {
      // It stays where it is; the next batch and the next start try again.
      if (!signal.aborted) this.#log.error({ err: error }, 'removing what was thrown away failed')
    } finally {
      this.#working = undefined
    }
  }
}

function pause(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    signal.throwIfAborted()
    const stop = (): void => {
      clearTimeout(timer)
      reject(signal.reason)
    }
    const timer = setTimeout(() => {
      signal.removeEventListener('abort', stop)
      resolve()
    }, ms)
    signal.addEventListener('abort', stop, { once: true })
  })
}
