import type { Progress } from '@caisson/api/common'

export type Step<T> = { readonly progress: Partial<Progress> } | { readonly result: T }

/** Milliseconds between reports that only have other numbers. */
const PACE_MS = 50

/**
 * Runs work and yields what it reports, and then its result. A subject's next number waits a moment, its next action does
 * not. When the client does not keep up, it gets the newest of each subject only.
 */
export async function* withProgress<T>(
  work: (report: (progress: Partial<Progress>) => void) => Promise<T>,
): AsyncGenerator<Step<T>> {
  const reports = new Reports()
  const running = work((progress) => reports.add(progress)).finally(() => reports.end())
  // Its failure is thrown below, when it is awaited.
  running.catch(() => {})
  for (;;) {
    const batch = await reports.next()
    for (const progress of batch) yield { progress }
    if (batch.length === 0) break
    await reports.pause()
  }
  yield { result: await running }
}

/** What was reported and not taken yet. */
class Reports {
  readonly #newest = new Map<string, Partial<Progress>>()
  /** The action of each subject that was taken last. */
  readonly #taken = new Map<string, string | undefined>()
  #isOver = false
  #hasNews = false
  #wake = (): void => {}

  add(progress: Partial<Progress>): void {
    const { subject = '', action } = progress
    this.#newest.set(subject, progress)
    if (!this.#taken.has(subject) || this.#taken.get(subject) !== action) this.#hasNews = true
    this.#wake()
  }

  end(): void {
    this.#isOver = true
    this.#wake()
  }

  /** Takes the newest of each subject, as soon as there is any. Nothing: it is over. */
  async next(): Promise<Partial<Progress>[]> {
    await this.#until(() => this.#newest.size > 0)
    const batch = [...this.#newest.values()]
    for (const { subject = '', action } of batch) this.#taken.set(subject, action)
    this.#newest.clear()
    this.#hasNews = false
    return batch
  }

  /** Waits until there may be another batch. */
  async pause(): Promise<void> {
    const timer = setTimeout(() => {
      this.#hasNews = true
      this.#wake()
    }, PACE_MS)
    await this.#until(() => this.#hasNews)
    clearTimeout(timer)
  }

  async #until(isDone: () => boolean): Promise<void> {
    await new Promise<void>((resolve) => {
      this.#wake = () => {
        if (this.#isOver || isDone()) resolve()
      }
      this.#wake()
    })
  }
}
