/** Work on the same id happens one after the other; on different ids at the same time. */
export class Turns {
  readonly #last = new Map<string, Promise<unknown>>()

  run<T>(id: string, work: () => Promise<T>): Promise<T> {
    const before = this.#last.get(id)
    const mine = before === undefined ? work() : before.then(work, work)
    this.#last.set(id, mine)
    const done = (): void => {
      if (this.#last.get(id) === mine) this.#last.delete(id)
    }
    mine.then(done, done)
    return mine
  }
}
