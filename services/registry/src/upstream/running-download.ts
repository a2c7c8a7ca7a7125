import { CaissonError } from '@caisson/api'
import type { Download } from './download.ts'

/** One download, from the wait for its turn to its end, and who shares it. */
export class Running {
  /** Aborted when it is given up, or has failed. */
  readonly abort = new AbortController()
  readonly #started = Promise.withResolvers<Download>()
  readonly #unshared = Promise.withResolvers<void>()
  readonly #lingerMs: number
  #shares = 0
  #isOver = false
  #linger: NodeJS.Timeout | undefined
  /** Whether it is at work, and has the file. */
  hasTurn = false
  ended: Promise<void> = Promise.resolve()

  constructor(lingerMs: number) {
    this.#lingerMs = lingerMs
    this.#started.promise.catch(() => {})
  }

  get signal(): AbortSignal {
    return this.abort.signal
  }

  get started(): Promise<Download> {
    return this.#started.promise
  }

  /** When it has ended and nobody reads any more. */
  unshared(): Promise<void> {
    this.#isOver = true
    this.#look()
    return this.#unshared.promise
  }

  start(download: Download): void {
    this.#started.resolve(download)
  }

  failed(error: unknown): void {
    this.#started.reject(error)
  }

  stop(reason: CaissonError): void {
    this.abort.abort(reason)
  }

  /** Returns how to leave. When the last one has left, the download is not gone on with for long. */
  share(): () => void {
    this.#shares++
    clearTimeout(this.#linger)
    let isLeft = false
    return () => {
      if (isLeft) return
      isLeft = true
      this.#shares--
      this.#look()
    }
  }

  #look(): void {
    if (this.#shares > 0) return
    if (this.#isOver) this.#unshared.resolve()
    const unwanted = new CaissonError('cancelled', 'nobody waits for it any more')
    if (!this.#isOver) this.#linger = setTimeout(() => this.stop(unwanted), this.#lingerMs).unref()
  }
}
