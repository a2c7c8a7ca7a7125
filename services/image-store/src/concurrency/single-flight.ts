interface Flight<T> {
  readonly result: Promise<T>
  readonly cancel: AbortController
  waiting: number
}

/**
 * Work that many may ask for and that is done once. Who gives up leaves the others undisturbed; when nobody is left, the
 * work is cancelled, and the last one waits for its end.
 */
export class SingleFlight<T> {
  readonly #flights = new Map<string, Flight<T>>()

  /** Joins the work under this key, or starts it. */
  async run(key: string, work: (signal: AbortSignal) => Promise<T>, signal: AbortSignal): Promise<T> {
    signal.throwIfAborted()
    const flight = this.#flights.get(key) ?? this.#start(key, work)
    flight.waiting += 1
    try {
      return await Promise.race([flight.result, aborted(signal)])
    } finally {
      flight.waiting -= 1
      if (flight.waiting === 0) {
        flight.cancel.abort()
        // What it still brings about is there when its last caller goes on, who may have to clear it away.
        await flight.result.catch(() => {})
      }
    }
  }

  #start(key: string, work: (signal: AbortSignal) => Promise<T>): Flight<T> {
    const cancel = new AbortController()
    const result = work(cancel.signal).finally(() => {
      if (this.#flights.get(key) === flight) this.#flights.delete(key)
    })
    const flight: Flight<T> = { result, cancel, waiting: 0 }
    // A flight that nobody waits for any more may fail unheard.
    result.catch(() => {})
    // One that was given up is not joined by who comes later.
    cancel.signal.addEventListener('abort', () => {
      if (this.#flights.get(key) === flight) this.#flights.delete(key)
    })
    this.#flights.set(key, flight)
    return flight
  }
}

function aborted(signal: AbortSignal): Promise<never> {
  return new Promise((_, reject) => {
    signal.addEventListener('abort', () => reject(signal.reason), { once: true })
  })
}
