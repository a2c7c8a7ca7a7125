import { invalid } from '@caisson/api'
import type { Progress } from '@caisson/api/common'

interface UploadMessage<O> {
  item?: { $case: 'options'; value: O } | { $case: 'chunk'; value: Buffer } | undefined
}

/** The options of an upload, which are its first message, and the bytes behind them. */
export async function openUpload<O>(
  requests: AsyncIterable<UploadMessage<O>>,
): Promise<{ options: O; chunks: AsyncIterable<Buffer> }> {
  const iterator = requests[Symbol.asyncIterator]()
  const first = await iterator.next()
  const item = first.done ? undefined : first.value.item
  if (item?.$case !== 'options') throw invalid('the first message must be the options', { reason: 'OPTIONS_MISSING' })
  return { options: item.value, chunks: chunksOf(iterator) }
}

async function* chunksOf<O>(iterator: AsyncIterator<UploadMessage<O>>): AsyncGenerator<Buffer> {
  try {
    for (let next = await iterator.next(); !next.done; next = await iterator.next()) {
      const { item } = next.value
      if (item?.$case !== 'chunk') throw invalid('after the options only bytes may follow', { reason: 'OPTIONS_TWICE' })
      if (item.value.length > 0) yield item.value
    }
  } finally {
    await iterator.return?.()
  }
}

/** The same bytes; `report` is told how many there were so far. */
export async function* counting(
  chunks: AsyncIterable<Buffer>,
  report: (bytes: number) => void,
): AsyncGenerator<Buffer> {
  let bytes = 0
  for await (const chunk of chunks) {
    yield chunk
    bytes += chunk.length
    report(bytes)
  }
}

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
