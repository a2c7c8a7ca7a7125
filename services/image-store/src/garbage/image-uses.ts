import type { Digest } from '@caisson/oci'
import type { Transactions } from '../content/ports.ts'
import type { ImageUseTable } from './ports.ts'

/**
 * When images were last used. A use is noted in memory only, for a container must not wait for the disk; who flushes now
 * and then loses no more than that time in a crash.
 */
export class ImageUses {
  readonly #table: ImageUseTable
  readonly #transactions: Transactions
  readonly #clock: () => number
  readonly #fresh = new Map<Digest, number>()

  constructor(table: ImageUseTable, transactions: Transactions, clock: () => number) {
    this.#table = table
    this.#transactions = transactions
    this.#clock = clock
  }

  touch(image: Digest): void {
    this.#fresh.set(image, this.#clock())
  }

  /** Last uses; an image that is not in it was never used. */
  all(): ReadonlyMap<Digest, number> {
    return new Map([...this.#table.all(), ...this.#fresh])
  }

  flush(): void {
    if (this.#fresh.size === 0) return
    this.#transactions.transaction(() => {
      for (const [image, usedMs] of this.#fresh) this.#table.set(image, usedMs)
    }, 'crash')
    this.#fresh.clear()
  }
}
