import { exhausted } from '@caisson/api'
import type { IdRange } from '../container/container.ts'

/** Ids in a container's range: 0..65535 inside. */
export const RANGE_SIZE = 65_536

/**
 * Gives each container a range of host ids of its own. A range that was given back is the last to be given out again, so
 * that what a container left behind somewhere does not fall to the next one.
 */
export class IdRanges {
  readonly #start: number
  readonly #count: number
  readonly #used = new Set<number>()
  #next = 0

  /** A pool of `count` ranges from the id `start` on. */
  constructor(start: number, count: number) {
    this.#start = start
    this.#count = count
  }

  /** Marks a range that a container has since before. Ranges out of the pool (it was moved) cannot collide. */
  claim(start: number): void {
    const index = (start - this.#start) / RANGE_SIZE
    if (Number.isInteger(index) && index >= 0 && index < this.#count) {
      this.#used.add(index)
      this.#next = Math.max(this.#next, index + 1) % this.#count
    }
  }

  /** Throws `resource-exhausted` when every range is given out. */
  take(): IdRange {
    for (let tries = 0; tries < this.#count; tries++) {
      const index = (this.#next + tries) % this.#count
      if (this.#used.has(index)) continue
      this.#used.add(index)
      this.#next = (index + 1) % this.#count
      return { start: this.#start + index * RANGE_SIZE, count: RANGE_SIZE }
    }
    throw exhausted(
      'ID_RANGES_EXHAUSTED',
      `all ${this.#count} ranges of user ids are given out: remove containers, or raise idRangeCount of the runtime`,
    )
  }

  give(range: IdRange | undefined): void {
    if (range) this.#used.delete((range.start - this.#start) / RANGE_SIZE)
  }
}
