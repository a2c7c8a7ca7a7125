/**
 * Who is about to follow the output of something that is being started: until it has come nothing of that output is dropped.
 * Disposing says that it does not come any more.
 */
export class Follower implements Disposable {
  readonly #gone = new AbortController()
  #hasCome = false

  /** Aborts when it does not come. */
  get gone(): AbortSignal {
    return this.#gone.signal
  }

  /** It follows from now on. */
  came(): void {
    this.#hasCome = true
  }

  [Symbol.dispose](): void {
    if (!this.#hasCome) this.#gone.abort()
  }
}
