import type { Exit } from './container.ts'

interface Waiters {
  readonly exit: Set<(exit: Exit | undefined) => void>
  readonly removal: Set<() => void>
}

/** Tells those who wait that a container ended, or that it is gone. Told only after it is on disk. */
export class Milestones {
  readonly #waiting = new Map<string, Waiters>()

  exited(id: string, exit: Exit): void {
    const waiters = this.#waiting.get(id)
    for (const resolve of waiters?.exit ?? []) resolve(exit)
  }

  /** Who still waits for an end learns that none will come. */
  removed(id: string): void {
    const waiters = this.#waiting.get(id)
    for (const resolve of waiters?.exit ?? []) resolve(undefined)
    for (const resolve of waiters?.removal ?? []) resolve()
  }

  /** The next end. Undefined when it is removed before. */
  nextExit(id: string, signal?: AbortSignal): Promise<Exit | undefined> {
    return this.#wait(id, 'exit', signal)
  }

  async removal(id: string, signal?: AbortSignal): Promise<void> {
    await this.#wait<void>(id, 'removal', signal)
  }

  #wait<T>(id: string, kind: keyof Waiters, signal: AbortSignal | undefined): Promise<T> {
    const waiters = this.#waiting.get(id) ?? { exit: new Set(), removal: new Set() }
    this.#waiting.set(id, waiters)
    const set = waiters[kind] as Set<(value: T) => void>
    return new Promise<T>((resolve, reject) => {
      const settle = (finish: () => void): void => {
        set.delete(done)
        signal?.removeEventListener('abort', aborted)
        if (waiters.exit.size === 0 && waiters.removal.size === 0 && this.#waiting.get(id) === waiters)
          this.#waiting.delete(id)
        finish()
      }
      const done = (value: T): void => settle(() => resolve(value))
      const aborted = (): void => settle(() => reject(signal?.reason))
      set.add(done)
      if (signal?.aborted) aborted()
      else signal?.addEventListener('abort', aborted)
    })
  }
}
