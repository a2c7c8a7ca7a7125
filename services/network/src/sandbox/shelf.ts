import type { Logger } from '@caisson/service-kit'
import type { Namespace } from './sandbox.ts'

export type ShelfOptions = {
  /** How many namespaces lie ready; 0: none are made ahead. */
  readonly size: number
  /** Makes one that is complete and recorded. */
  readonly make: () => Promise<Namespace>
  readonly log: Logger
}

// After a namespace was taken its container starts: that goes first.
const REFILL_DELAY_MS = 2
const RETRY_DELAY_MS = 5_000

/** Namespaces made ahead of time, so that a start only takes one. Fills itself, one at a time, off the event loop. */
export class Shelf {
  readonly #options: ShelfOptions
  #ready: Namespace[] = []
  #timer: NodeJS.Timeout | undefined
  #filling: Promise<void> | undefined
  #open = false

  constructor(options: ShelfOptions) {
    this.#options = options
  }

  get length(): number {
    return this.#ready.length
  }

  /** Begins to fill; `found` are ready from before. */
  open(found: readonly Namespace[] = []): void {
    this.#ready.push(...found)
    this.#open = true
    this.#refillIn(REFILL_DELAY_MS)
  }

  /** The oldest one, or the first that `fits`. */
  take(fits: (namespace: Namespace) => boolean = () => true): Namespace | undefined {
    const index = this.#ready.findIndex(fits)
    const [taken] = index === -1 ? [] : this.#ready.splice(index, 1)
    this.#refillIn(REFILL_DELAY_MS)
    return taken
  }

  /** Stops filling and gives out all that is ready. */
  async close(): Promise<Namespace[]> {
    this.#open = false
    clearTimeout(this.#timer)
    this.#timer = undefined
    await this.#filling
    return this.#ready.splice(0)
  }

  #refillIn(delayMs: number): void {
    if (!this.#open || this.#timer !== undefined || this.#filling !== undefined) return
    if (this.#ready.length >= this.#options.size) return
    this.#timer = setTimeout(() => {
      this.#timer = undefined
      this.#filling = this.#fill()
    }, delayMs)
    this.#timer.unref()
  }

  async #fill(): Promise<void> {
    let next = 0
    try {
      while (this.#open && this.#ready.length < this.#options.size) this.#ready.push(await this.#options.make())
    } catch (error) {
      this.#options.log.warn({ err: error }, 'no namespace could be made ahead: starts take longer until one can')
      next = RETRY_DELAY_MS
    }
    this.#filling = undefined
    this.#refillIn(next)
  }
}
