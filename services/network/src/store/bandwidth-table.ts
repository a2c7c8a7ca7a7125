import type { Store } from '@caisson/service-kit'
import { type Bandwidth, isUnlimited } from '../shaping/bandwidth.ts'
import { integer, text } from './rows.ts'

/** Limits of sandboxes that have some. */
export class BandwidthTable {
  readonly #all
  readonly #set
  readonly #delete

  constructor(store: Store) {
    this.#all = store.prepare('SELECT * FROM bandwidth')
    this.#set = store.prepare('INSERT INTO bandwidth (sandbox_id, egress, ingress) VALUES (?, ?, ?)')
    this.#delete = store.prepare('DELETE FROM bandwidth WHERE sandbox_id = ?')
  }

  /** By the id of the sandbox. */
  all(): Map<string, Bandwidth> {
    return new Map(
      this.#all
        .all()
        .map((row) => [text(row, 'sandbox_id'), { egress: integer(row, 'egress'), ingress: integer(row, 'ingress') }]),
    )
  }

  /** In place of what was there. */
  set(sandboxId: string, bandwidth: Bandwidth): void {
    this.delete(sandboxId)
    if (!isUnlimited(bandwidth)) this.#set.run(sandboxId, bandwidth.egress, bandwidth.ingress)
  }

  delete(sandboxId: string): void {
    this.#delete.run(sandboxId)
  }
}
