import type { Monitored } from './monitored.ts'

const SIGKILL = 9
/** How long the end of one that was killed is waited for. */
const PATIENCE_MS = 5_000

/**
 * A container that was launched ahead of time but for its program, and waits to be let go. Whoever has it takes it, ends it,
 * or disposes it: disposed before it was taken, it is killed.
 */
export class Parked implements Disposable {
  /** What it was launched for: it is of use for nothing else. */
  readonly fits: string
  readonly #live: Monitored
  #isTaken = false

  constructor(live: Monitored, fits: string) {
    this.#live = live
    this.fits = fits
  }

  /** Something killed it meanwhile. */
  get isOver(): boolean {
    return this.#live.isClosed
  }

  /** Resolves when it waits; false: it could not be launched. */
  isReady(): Promise<boolean> {
    return this.#live.created.then(
      () => true,
      () => false,
    )
  }

  take(): Monitored {
    this.#isTaken = true
    return this.#live
  }

  /** Kills it. Resolves when its monitor is gone, or does not go. */
  async end(): Promise<void> {
    this[Symbol.dispose]()
    await this.#live.closed(PATIENCE_MS)
    this.#live.leave()
  }

  [Symbol.dispose](): void {
    if (this.#isTaken) return
    this.#isTaken = true
    this.#live.client.signal(SIGKILL, true)
  }
}
