import { unavailable } from '@caisson/api'

/** Ends something when the other side is waited for too long. It counts only while it is armed. */
export class IdleTimer implements Disposable {
  readonly #ms: number
  readonly #end: (error: Error) => void
  #timer: NodeJS.Timeout | undefined
  #isOver = false

  constructor(ms: number, end: (error: Error) => void) {
    this.#ms = ms
    this.#end = end
  }

  arm(host: string): void {
    this.disarm()
    if (this.#isOver) return
    this.#timer = setTimeout(() => {
      const message = `${host} has not answered within ${this.#ms / 1000} s: check the network, then try again`
      this.#end(unavailable('REGISTRY_UNREACHABLE', message, { details: { host, code: 'ETIMEDOUT' } }))
    }, this.#ms)
  }

  disarm(): void {
    clearTimeout(this.#timer)
    this.#timer = undefined
  }

  /** It is not armed again. */
  [Symbol.dispose](): void {
    this.disarm()
    this.#isOver = true
  }
}
