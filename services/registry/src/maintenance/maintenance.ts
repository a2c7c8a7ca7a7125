import { setTimeout as sleep } from 'node:timers/promises'

/** Work that comes round by itself. */
export interface Chore {
  readonly name: string
  readonly everyMs: number
  readonly run: (signal: AbortSignal) => Promise<void>
}

/** Does each chore again and again, the first time after its interval. Disposing waits for what runs. */
export class Maintenance implements AsyncDisposable {
  readonly #stop = new AbortController()
  readonly #running: Promise<void>[]

  /** `failed` is told of what went wrong; the chore comes round again. */
  constructor(chores: readonly Chore[], failed: (name: string, error: unknown) => void) {
    this.#running = chores.map((chore) => this.#repeat(chore, failed))
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stop.abort()
    await Promise.all(this.#running)
  }

  async #repeat({ name, everyMs, run }: Chore, failed: (name: string, error: unknown) => void): Promise<void> {
    const { signal } = this.#stop
    while (!signal.aborted) {
      await sleep(Math.min(everyMs, 0x7fffffff), undefined, { signal, ref: false }).catch(() => {})
      if (signal.aborted) return
      await run(signal).catch((error: unknown) => {
        if (!signal.aborted) failed(name, error)
      })
    }
  }
}
