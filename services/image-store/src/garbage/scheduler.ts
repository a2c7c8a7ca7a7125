import type { Logger } from '@caisson/service-kit'

/** The service's timers, or those of a test. */
export interface Timers {
  /** Calls once, after so many milliseconds. */
  after(ms: number, call: () => void): Disposable
}

export const hostTimers: Timers = {
  after: (ms, call) => {
    const timer = setTimeout(call, ms).unref()
    return { [Symbol.dispose]: () => clearTimeout(timer) }
  },
}

/** Work that is done again and again: it says itself in how many milliseconds, undefined: no more. */
export interface RepeatedWork {
  readonly name: string
  next(): number | undefined
  run(signal: AbortSignal): void | Promise<void>
}

const MOST_MS = 2 ** 31 - 1

/** Runs work behind the calls, one at a time each, until it is disposed. A failure is logged, and tried again in its turn. */
export class Scheduler implements AsyncDisposable {
  readonly #timers: Timers
  readonly #log: Logger
  readonly #stopping = new AbortController()
  readonly #waiting = new Map<RepeatedWork, Disposable>()
  readonly #running = new Set<Promise<void>>()

  constructor(timers: Timers, log: Logger) {
    this.#timers = timers
    this.#log = log
  }

  /** Begins, or asks anew when it is to run. */
  plan(work: RepeatedWork): void {
    this.#waiting.get(work)?.[Symbol.dispose]()
    this.#waiting.delete(work)
    const ms = this.#stopping.signal.aborted ? undefined : work.next()
    if (ms === undefined) return
    this.#waiting.set(
      work,
      this.#timers.after(Math.min(MOST_MS, Math.max(0, ms)), () => void this.#run(work)),
    )
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stopping.abort()
    for (const timer of this.#waiting.values()) timer[Symbol.dispose]()
    this.#waiting.clear()
    await Promise.all(this.#running)
  }

  async #run(work: RepeatedWork): Promise<void> {
    this.#waiting.delete(work)
    const { signal } = this.#stopping
    const running = (async () => {
      try {
        await work.run(signal)
      } catch (error) {
        if (!signal.aborted) this.#log.error({ err: error, work: work.name }, 'work in the background failed')
      }
    })()
    this.#running.add(running)
    await running
    this.#running.delete(running)
    this.plan(work)
  }
}
