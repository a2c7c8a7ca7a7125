/** A number of places of which work takes one at a time. Who waits gets one in the order of asking. */
export class Slots {
  #free: number
  readonly #waiting = new Set<() => void>()

  constructor(places: number) {
    this.#free = places
  }

  /** Whether work would begin at once. */
  get hasFree(): boolean {
    return this.#free > 0
  }

  /** Runs work in a place; throws the signal's reason when it is given up before there was one. */
  async run<T>(work: () => Promise<T>, signal: AbortSignal): Promise<T> {
    await this.#take(signal)
    try {
      return await work()
    } finally {
      this.#give()
    }
  }

  async #take(signal: AbortSignal): Promise<void> {
    signal.throwIfAborted()
    if (this.#free > 0) {
      this.#free -= 1
      return
    }
    await new Promise<void>((resolve, reject) => {
      const stop = (): void => {
        this.#waiting.delete(take)
        reject(signal.reason)
      }
      const take = (): void => {
        signal.removeEventListener('abort', stop)
        resolve()
      }
      this.#waiting.add(take)
      signal.addEventListener('abort', stop, { once: true })
    })
  }

  /** The place goes to who waits longest, so that nobody who comes later overtakes. */
  #give(): void {
    const [next] = this.#waiting
    if (!next) {
      this.#free += 1
      return
    }
    this.#waiting.delete(next)
    next()
  }
}
