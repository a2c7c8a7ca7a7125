/**
 * The service's own leases on work in flight: what is held is not collected. They live as long as the process, as the work
 * does.
 */
export class Holds {
  readonly #counts = new Map<string, number>()

  /** Holds digests and chain ids until it is disposed. */
  open(): Hold {
    return new Hold(this.#counts)
  }

  has(resource: string): boolean {
    return this.#counts.has(resource)
  }
}

export class Hold implements Disposable {
  readonly #counts: Map<string, number>
  readonly #held = new Set<string>()

  constructor(counts: Map<string, number>) {
    this.#counts = counts
  }

  /** What it holds. */
  get resources(): ReadonlySet<string> {
    return this.#held
  }

  add(resource: string): void {
    if (this.#held.has(resource)) return
    this.#held.add(resource)
    this.#counts.set(resource, (this.#counts.get(resource) ?? 0) + 1)
  }

  [Symbol.dispose](): void {
    for (const resource of this.#held) {
      const left = (this.#counts.get(resource) ?? 1) - 1
      if (left > 0) this.#counts.set(resource, left)
      else this.#counts.delete(resource)
    }
    this.#held.clear()
  }
}
