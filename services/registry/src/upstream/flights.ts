import { CaissonError } from '@caisson/api'
import { unlessAborted } from './unless-aborted.ts'

/**
 * Work that many wait for at once is done once. Who waits may leave; the work goes on for the others, and for the store, until
 * its end or its time.
 */
export class Flights<T> implements AsyncDisposable {
  readonly #flights = new Map<string, Promise<T>>()
  readonly #stop = new AbortController()

  /** Joins the work that goes by `key`, or begins it. It gets `timeoutMs`, then `deadline-exceeded`. */
  async join(
    key: string,
    timeoutMs: number,
    work: (signal: AbortSignal) => Promise<T>,
    signal: AbortSignal,
  ): Promise<T> {
    const flight = this.#flights.get(key) ?? this.#begin(key, timeoutMs, work)
    return await unlessAborted(flight, signal)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stop.abort(new CaissonError('cancelled', 'the registry is stopping'))
    await Promise.allSettled(this.#flights.values())
  }

  #begin(key: string, timeoutMs: number, work: (signal: AbortSignal) => Promise<T>): Promise<T> {
    const late = new AbortController()
    const timer = setTimeout(() => late.abort(new CaissonError('deadline-exceeded', 'it takes too long')), timeoutMs)
    const flight = work(AbortSignal.any([late.signal, this.#stop.signal])).finally(() => {
      clearTimeout(timer)
      this.#flights.delete(key)
    })
    flight.catch(() => {})
    this.#flights.set(key, flight)
    return flight
  }
}
