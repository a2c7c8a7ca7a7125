/** Lets one at a time act on a key; those that come later wait in order. */
export class Turns {
  readonly #last = new Map<string, Promise<unknown>>()

  async take<T>(key: string, act: () => Promise<T>): Promise<T> {
    const before = this.#last.get(key)
    const turn = before === undefined ? act() : before.then(act, act)
    const settled = turn.catch(() => {})
    this.#last.set(key, settled)
    try {
      return await turn
    } finally {
      if (this.#last.get(key) === settled) this.#last.delete(key)
    }
  }
}
