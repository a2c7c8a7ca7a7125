import type { LogPosition } from './position.ts'

/** What is known of a log that may grow. */
export interface LogFeedState {
  /** Counts the changes of the rest. */
  readonly version: number
  /** Everything before this place is whole. Absent: not known, what can be read is what there is. */
  readonly end: LogPosition | undefined
  /** Nobody writes to the log any more: `end` is its last place. */
  readonly over: boolean
}

/** Tells the reader of a log that it has grown. */
export interface LogFeed extends Disposable {
  readonly state: LogFeedState
  /** Resolves when there was a change since `version`, at once when there was one already. Rejects when aborted. */
  changed(version: number, signal: AbortSignal): Promise<void>
  /** The reader is done with every segment before this one. */
  release(segment: number): void
}

/** The state of a feed and who waits for its changes. */
export class FeedState {
  #state: LogFeedState = { version: 0, end: undefined, over: false }
  #change = Promise.withResolvers<void>()

  get now(): LogFeedState {
    return this.#state
  }

  /** Takes over what is new. What is over stays over. */
  update(change: Partial<Omit<LogFeedState, 'version'>>): void {
    if (this.#state.over) return
    this.#state = { ...this.#state, ...change, version: this.#state.version + 1 }
    this.#change.resolve()
    this.#change = Promise.withResolvers<void>()
  }

  async changed(version: number, signal: AbortSignal): Promise<void> {
    signal.throwIfAborted()
    if (this.#state.version !== version) return
    const stopped = Promise.withResolvers<never>()
    const stop = (): void => stopped.reject(signal.reason)
    signal.addEventListener('abort', stop, { once: true })
    try {
      await Promise.race([this.#change.promise, stopped.promise])
    } finally {
      signal.removeEventListener('abort', stop)
    }
  }
}

/** A feed of a log that is over; `end` is its last place, if that is known. */
export function endedFeed(end: LogPosition | undefined): LogFeed {
  const state = new FeedState()
  state.update({ end, over: true })
  return {
    get state() {
      return state.now
    },
    changed: (version, signal) => state.changed(version, signal),
    release: () => {},
    [Symbol.dispose]: () => {},
  }
}
