/** One thing at a time for each key, in the order of asking. */
export class Exclusive {
  readonly #tails = new Map<string, Promise<void>>()

  async run<T>(key: string, work: () => Promise<T>): Promise<T> {
    const before = this.#tails.get(key)
    const mine = Promise.withResolvers<void>()
    this.#tails.set(key, mine.promise)
    try {
      await before
      return await work()
    } finally {
      mine.resolve()
      if (this.#tails.get(key) === mine.promise) this.#tails.delete(key)
    }
  }
}
