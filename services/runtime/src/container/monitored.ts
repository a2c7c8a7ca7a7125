import { CaissonError } from '@caisson/api'
import type { MonitorClient } from '../monitor/client.ts'
import type { ExitRecord } from '../monitor/exit-record.ts'
import type { MonitorEvent, MonitorFailed } from '../monitor/message.ts'

export type Started = Extract<MonitorEvent, { type: 'started' }>

/** Who is told how it ends: one of the two, once. */
export interface EndListener {
  ended(record: ExitRecord): void
  /** The connection is over, and nothing was said about the end. */
  lost(): void
}

/** A monitor that is being listened to. What it says of the end before somebody wants to be told is kept. */
export class Monitored {
  readonly client: MonitorClient
  readonly #created = Promise.withResolvers<void>()
  readonly #started = Promise.withResolvers<Started>()
  #record: ExitRecord | undefined
  #isClosed = false
  #listener: EndListener | undefined
  #wake: () => void = () => {}

  /** `failure` makes the error of a launch that failed. */
  constructor(client: MonitorClient, failure: (event: MonitorFailed) => Error) {
    this.client = client
    this.#created.promise.catch(() => {})
    this.#started.promise.catch(() => {})
    client.on((event) => this.#heard(event, failure))
  }

  /** Resolves when it waits to be let go, or went already; rejects when the launch failed. */
  get created(): Promise<void> {
    return this.#created.promise
  }

  /** Resolves when its program was executed; rejects when the launch failed. */
  get started(): Promise<Started> {
    return this.#started.promise
  }

  /** How it ended, when it ended already. */
  get record(): ExitRecord | undefined {
    return this.#record
  }

  get isClosed(): boolean {
    return this.#isClosed
  }

  /** Resolves when it is over, or after a time. */
  async over(ms: number): Promise<void> {
    if (!this.#record && !this.#isClosed) await this.#woken(ms)
  }

  /** Resolves when its connection is over, or after a time. */
  async closed(ms: number): Promise<void> {
    const waited = performance.now() + ms
    while (!this.#isClosed && performance.now() < waited) await this.#woken(waited - performance.now())
  }

  /** Tells the end from now on; at once when it is over. */
  tellEnd(listener: EndListener): void {
    this.#listener = listener
    if (this.#record) this.#tell((told) => told.ended(this.#record as ExitRecord))
    else if (this.#isClosed) this.#tell((told) => told.lost())
  }

  /** Stops listening; the container does not notice. */
  leave(): void {
    this.#listener = undefined
    this.client.close()
  }

  #woken(ms: number): Promise<void> {
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, ms)
      this.#wake = () => {
        clearTimeout(timer)
        resolve()
      }
    })
  }

  #tell(call: (listener: EndListener) => void): void {
    const listener = this.#listener
    this.#listener = undefined
    if (listener) call(listener)
  }

  #executed(event: Started): void {
    this.#created.resolve()
    this.#started.resolve(event)
  }

  #fail(error: Error): void {
    this.#created.reject(error)
    this.#started.reject(error)
  }

  #heard(event: MonitorEvent, failure: (event: MonitorFailed) => Error): void {
    if (event.type === 'created') this.#created.resolve()
    else if (event.type === 'started') this.#executed(event)
    else if (event.type === 'failed') this.#fail(failure(event))
    else if (event.type === 'exited') {
      this.#record = event.record
      this.#wake()
      this.#tell((listener) => listener.ended(event.record))
    } else if (event.type === 'closed') {
      this.#isClosed = true
      this.#wake()
      this.#fail(lostError(event.error))
      this.#tell((listener) => listener.lost())
    }
  }
}

function lostError(cause: Error | undefined): CaissonError {
  return new CaissonError('internal', 'the monitor of the container ended without a word', {
    reason: 'MONITOR_LOST',
    cause,
  })
}
