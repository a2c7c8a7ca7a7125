import { setTimeout as sleep } from 'node:timers/promises'
import type { Logger } from '@caisson/service-kit'
import type { IdRanges } from '../identity/id-ranges.ts'
import type { ControlGroups, Roots, Sandboxes } from '../ports.ts'
import type { IdRange } from './container.ts'
import type { KeyedMutex } from './mutex.ts'
import type { StateDirs } from './state-dirs.ts'

export interface DiscardDeps {
  readonly roots: Roots
  readonly sandboxes: Sandboxes
  readonly controlGroups: ControlGroups
  readonly stateDirs: StateDirs
  readonly ranges: IdRanges
  readonly mutex: KeyedMutex
  readonly log: Logger
}

/** What a container that is gone had. */
export interface Discarded {
  readonly id: string
  readonly range: IdRange | undefined
  /** Its monitor was killed, and did not remove its control groups. */
  readonly isUnclean?: boolean
  /** Resolves when nothing of it runs any more. Absent: nothing does. */
  readonly gone?: Promise<void> | undefined
}

const FIRST_RETRY_MS = 500
const LAST_RETRY_MS = 30_000
/** Containers that may be outstanding before new ones have to wait. */
const PRESSURE = 64
/** How long containers that nobody waits for are collected, to be given back in few calls: each costs as much as a start. */
const COLLECT_MS = 100
const MOST_COLLECTED = 16
/** How long what is collected may take when the service ends. */
const FAREWELL_MS = 1_000

type Work = (signal: AbortSignal) => Promise<void>

/**
 * Gives back what containers had outside of the database, off the path of the calls: a service that does not answer now
 * is asked again and again. What is still owed when this service ends is found at its next start (reconcile.ts).
 */
export class Discards implements AsyncDisposable {
  readonly #deps: DiscardDeps
  readonly #stopping = new AbortController()
  readonly #pending = new Set<Promise<void>>()
  #outstanding = 0
  #collected: Discarded[] = []
  #timer: NodeJS.Timeout | undefined

  constructor(deps: DiscardDeps) {
    this.#deps = deps
  }

  /** Gives the sandbox of a container that ended back, unless it was started again meanwhile. */
  release(id: string, isRunning: () => boolean): void {
    const { mutex, sandboxes } = this.#deps
    void this.#insist([id], 'its sandbox', (signal) =>
      mutex.run(id, async () => {
        if (!isRunning()) await sandboxes.remove([id], signal)
      }),
    )
  }

  /**
   * Removes everything of a container whose record is gone. Resolves when it is done or when the first try failed; it is
   * then tried again in the background.
   */
  discard(discarded: Discarded): Promise<void> {
    this.#outstanding += 1
    return this.#discardAll([discarded])
  }

  /** The same a little later, together with others. */
  discardSoon(discarded: Discarded): void {
    this.#outstanding += 1
    this.#collected.push(discarded)
    if (this.#collected.length >= MOST_COLLECTED) void this.#discardCollected()
    else this.#timer ??= setTimeout(() => void this.#discardCollected(), COLLECT_MS)
  }

  /** Resolves when not too much is outstanding. */
  async relieved(): Promise<void> {
    while (this.#outstanding > PRESSURE && this.#pending.size > 0) await Promise.race(this.#pending)
  }

  /** Resolves when nothing is outstanding. */
  async idle(): Promise<void> {
    await this.#discardCollected()
    while (this.#pending.size > 0) await Promise.all(this.#pending)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const timer = setTimeout(() => this.#stopping.abort(), this.#collected.length > 0 ? FAREWELL_MS : 0)
    await this.idle()
    clearTimeout(timer)
  }

  #discardCollected(): Promise<void> {
    clearTimeout(this.#timer)
    this.#timer = undefined
    return this.#discardAll(this.#collected.splice(0))
  }

  async #discardAll(discarded: readonly Discarded[]): Promise<void> {
    if (discarded.length > 0) await this.#track(this.#giveBack(discarded))
  }

  async #giveBack(discarded: readonly Discarded[]): Promise<void> {
    await Promise.all(discarded.map(({ gone }) => gone))
    const { roots, sandboxes, controlGroups, stateDirs, ranges } = this.#deps
    const ids = discarded.map(({ id }) => id)
    const work = [
      this.#insistOnEach(ids, 'its root', (some, signal) => roots.remove(some, signal)),
      this.#insistOnEach(ids, 'its sandbox', (some, signal) => sandboxes.remove(some, signal)),
      ...discarded
        .filter(({ isUnclean }) => isUnclean)
        .map(({ id }) => this.#insist([id], 'its control groups', () => controlGroups.sweep(id))),
    ]
    // Whoever reads the log may take his time: nobody waits for that.
    for (const id of ids) void this.#insist([id], 'its state directory', () => stateDirs.remove(id))
    await Promise.all(work)
    for (const { range } of discarded) ranges.give(range)
    this.#outstanding -= discarded.length
  }

  /** Does the work for all at once, and when that fails for each alone: one must not hold up the others. */
  #insistOnEach(
    ids: string[],
    what: string,
    work: (ids: string[], signal: AbortSignal) => Promise<void>,
  ): Promise<void> {
    if (ids.length === 1) return this.#insist(ids, what, (signal) => work(ids, signal))
    return this.#track(
      work(ids, this.#stopping.signal).catch(async () => {
        await Promise.all(ids.map((id) => this.#insist([id], what, (signal) => work([id], signal))))
      }),
    )
  }

  /** Does the work until it succeeds. The promise returned tells of the first try. */
  #insist(ids: readonly string[], what: string, work: Work): Promise<void> {
    const first = Promise.withResolvers<void>()
    void this.#track(this.#untilDone(ids, what, work, first.resolve).finally(first.resolve))
    return first.promise
  }

  async #track(work: Promise<void>): Promise<void> {
    this.#pending.add(work)
    try {
      await work
    } finally {
      this.#pending.delete(work)
    }
  }

  async #untilDone(ids: readonly string[], what: string, work: Work, failedOnce: () => void): Promise<void> {
    const { signal } = this.#stopping
    for (let delay = FIRST_RETRY_MS; !signal.aborted; delay = Math.min(delay * 2, LAST_RETRY_MS)) {
      try {
        return await work(signal)
      } catch (error) {
        failedOnce()
        if (signal.aborted) return
        this.#deps.log.warn({ containers: ids, error: String(error) }, `${what} could not be removed: trying again`)
        await sleep(delay, undefined, { signal }).catch(() => {})
      }
    }
  }
}
