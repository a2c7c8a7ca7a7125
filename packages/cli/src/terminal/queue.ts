/** Values that one side adds and the other takes, in order. */
export class Queue<T> implements AsyncIterable<T> {
  readonly #values: T[] = []
  #ended = false
  #wake: (() => void) | undefined

  /** Called when everything that was added has been taken. */
  drained: () => void = () => {}

  get size(): number {
    return this.#values.length
  }

  add(value: T): void {
    if (this.#ended) return
    this.#values.push(value)
    this.#wake?.()
  }

  /** No more is added; what is there is still taken. */
  end(): void {
    this.#ended = true
    this.#wake?.()
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<T> {
    for (;;) {
      const value = this.#values.shift()
      if (value !== undefined) {
        yield value
        continue
      }
      if (this.#ended) return
      this.drained()
      await new Promise<void>((resolve) => {
        this.#wake = resolve
      })
    }
  }
}
