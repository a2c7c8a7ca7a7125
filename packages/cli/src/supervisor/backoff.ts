/** How long to wait before a service is started again: doubling with each end, from the start after a calm time. */
export class Backoff {
  readonly #firstMs: number
  readonly #mostMs: number
  readonly #calmMs: number
  #nextMs: number

  constructor(options: { firstMs: number; mostMs: number; calmMs: number }) {
    this.#firstMs = options.firstMs
    this.#mostMs = options.mostMs
    this.#calmMs = options.calmMs
    this.#nextMs = options.firstMs
  }

  /** Milliseconds to wait after a process that was up for `upMs` ended. */
  after(upMs: number): number {
    if (upMs >= this.#calmMs) this.#nextMs = this.#firstMs
    const delay = this.#nextMs
    this.#nextMs = Math.min(this.#mostMs, delay * 2)
    return delay
  }
}
