import { CaissonError } from '@caisson/api'

/** How a blob arrives in its file, for those who read along. */
export class Arrival {
  #bytes: number | undefined
  #end: 'whole' | 'broken' | undefined
  readonly #watchers = new Set<() => void>()

  /** The file has this many bytes. Fewer than before: it was begun anew, and is of no use to who read along. */
  reached(bytes: number): void {
    if (bytes < (this.#bytes ?? 0)) this.#end = 'broken'
    this.#bytes = bytes
    this.#tell()
  }

  /** Whether the blob is whole and right, or will never be. */
  finish(end: 'whole' | 'broken'): void {
    this.#end ??= end
    this.#tell()
  }

  /** Resolves when there is a file; false: there is nothing to read along any more. */
  async begun(signal: AbortSignal): Promise<boolean> {
    await this.#until(() => this.#bytes !== undefined || this.#end !== undefined, signal)
    return this.#end === undefined
  }

  /** Resolves when the file holds all of the blob, which has the right digest; tells each time it has grown until then. */
  async whole(onGrowth: () => void, signal: AbortSignal): Promise<void> {
    await this.#until(() => {
      if (this.#end === undefined) onGrowth()
      return this.#end !== undefined
    }, signal)
    if (this.#end === 'broken') throw new CaissonError('aborted', 'the download that was read along has ended')
  }

  #tell(): void {
    for (const watch of [...this.#watchers]) watch()
  }

  /** Looks now and after each change. */
  async #until(isDone: () => boolean, signal: AbortSignal): Promise<void> {
    signal.throwIfAborted()
    const { promise, resolve, reject } = Promise.withResolvers<void>()
    const watch = (): void => {
      if (isDone()) resolve()
    }
    const stop = (): void => reject(signal.reason)
    this.#watchers.add(watch)
    signal.addEventListener('abort', stop, { once: true })
    watch()
    try {
      await promise
    } finally {
      this.#watchers.delete(watch)
      signal.removeEventListener('abort', stop)
    }
  }
}
