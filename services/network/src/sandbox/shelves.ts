import type { Logger } from '@caisson/service-kit'
import type { Namespace } from './sandbox.ts'
import { Shelf } from './shelf.ts'

export type ShelvesOptions = {
  /** Makes one for this key that is complete and recorded. */
  readonly make: (key: string) => Promise<Namespace>
  /** Takes down what nobody came for. */
  readonly discard: (namespace: Namespace) => void
  readonly log: Logger
  /** A shelf that nothing was taken from for so long is given up. */
  readonly idleMs?: number
}

/** More that are in use at once have none: what lies ready on all of them is kernel memory. */
export const MOST_SHELVES = 32
const IDLE_MS = 60_000

/**
 * Shelves that come with use and go without it: the second request for a key within the idle time opens one, if there is
 * room for another.
 */
export class Shelves {
  readonly #options: ShelvesOptions
  readonly #idleMs: number
  readonly #shelves = new Map<string, Shelf>()
  readonly #timers = new Map<string, NodeJS.Timeout>()

  constructor(options: ShelvesOptions) {
    this.#options = options
    this.#idleMs = options.idleMs ?? IDLE_MS
  }

  get(key: string): Shelf | undefined {
    return this.#shelves.get(key)
  }

  /** For somebody who wants one of this key: the shelf to look on, with so many of them from now on. */
  use(key: string, size: number): Shelf | undefined {
    const isSecond = this.#timers.has(key)
    if (size === 0) return undefined
    this.#restartTimer(key)
    const shelf = this.#shelves.get(key)
    if (shelf !== undefined || !isSecond || this.#shelves.size >= MOST_SHELVES) return shelf
    return this.open(key, size, [])
  }

  /** `found` lie on it from before. */
  open(key: string, size: number, found: readonly Namespace[]): Shelf {
    const { make, log } = this.#options
    const shelf = new Shelf({ size, make: () => make(key), log })
    this.#shelves.set(key, shelf)
    this.#restartTimer(key)
    shelf.open(found)
    return shelf
  }

  /** Gives up the shelf of a key with all that lies on it. */
  async clear(key: string): Promise<void> {
    clearTimeout(this.#timers.get(key))
    this.#timers.delete(key)
    const shelf = this.#shelves.get(key)
    if (shelf === undefined) return
    this.#shelves.delete(key)
    for (const namespace of await shelf.close()) this.#options.discard(namespace)
  }

  /** As clear, for somebody who does not wait for it. */
  giveUp(key: string): void {
    this.clear(key).catch((error: unknown) =>
      this.#options.log.warn({ err: error }, 'what was made ahead could not be removed: the next start does that'),
    )
  }

  /** Stops all of them; gives what lies ready. */
  async close(): Promise<Namespace[]> {
    for (const timer of this.#timers.values()) clearTimeout(timer)
    this.#timers.clear()
    const ready = await Promise.all([...this.#shelves.values()].map((shelf) => shelf.close()))
    this.#shelves.clear()
    return ready.flat()
  }

  #restartTimer(key: string): void {
    clearTimeout(this.#timers.get(key))
    this.#timers.set(key, setTimeout(() => this.giveUp(key), this.#idleMs).unref())
  }
}
