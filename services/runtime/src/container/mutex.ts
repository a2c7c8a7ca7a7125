/** One thing at a time for each key, in the order of asking. */
export class KeyedMutex {
  readonly #tails = new Map<string, Promise<void>>()

  /** Runs `work` when everything that was asked for this key before is done. */
  async run<T>(key: string, work: () => Promise<T>): Promise<T> {
    using _turn = await this.take(key)
    return await work()
  }

  /** Waits for its turn, which lasts until what it gets is disposed. */
  async take(key: string): Promise<Disposable> {
    const before = this.#tails.get(key)
    const mine = Promise.withResolvers<void>()
    this.#tails.set(key, mine.promise)
    await before
    return {
      [Symbol.dispose]: () => {
        mine.resolve()
        if (this.#tails.get(key) === mine.promise) this.#tails.delete(key)
      },
    }
  }
}
