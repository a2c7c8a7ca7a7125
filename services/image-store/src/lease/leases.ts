import { alreadyExists, invalid, notFound } from '@caisson/api'
import type { Digest } from '@caisson/oci'
import type { Transactions } from '../content/ports.ts'
import type { LeaseRecord, LeaseTable } from './ports.ts'

const DEFAULT_TTL_SECONDS = 86_400
const MAX_RESOURCES = 10_000
const ID = /^[A-Za-z0-9_-][A-Za-z0-9_.-]{0,127}$/

/** What images consist of. */
export interface LeasedImages {
  /** Blobs and chain ids of the image that a name, a digest or an id means now. Nothing: there is none. */
  contentOf(resource: string): readonly Digest[]
}

/** Leases of clients: what they name stays while they live. */
export class Leases {
  readonly #table: LeaseTable
  readonly #transactions: Transactions
  readonly #images: LeasedImages
  readonly #clock: () => number
  readonly #changed: () => void

  /** `changed` is called when the first of them may end at another time. */
  constructor(
    table: LeaseTable,
    images: LeasedImages,
    transactions: Transactions,
    clock: () => number,
    changed: () => void,
  ) {
    this.#changed = changed
    this.#images = images
    this.#table = table
    this.#transactions = transactions
    this.#clock = clock
  }

  create(wantedId: string, ttlSeconds: number, labels: Readonly<Record<string, string>>): LeaseRecord {
    const id = wantedId === '' ? crypto.randomUUID() : wantedId
    if (!ID.test(id))
      throw invalid(`${JSON.stringify(id.slice(0, 200))} is not the id of a lease: use letters, digits and _.- `, {
        reason: 'INVALID_ID',
      })
    const createdMs = this.#clock()
    const lease = { id, createdMs, expiresMs: this.#end(ttlSeconds), labels, resources: [] }
    this.#transactions.transaction(() => {
      const present = this.#table.get(id)
      if (present && present.expiresMs > createdMs) throw alreadyExists('lease', id, 'renew it or choose another id')
      this.#table.delete(id)
      this.#table.insert(lease)
    })
    this.#changed()
    return lease
  }

  renew(id: string, ttlSeconds: number): LeaseRecord {
    const renewed = this.#change(id, () => this.#table.renew(id, this.#end(ttlSeconds)))
    this.#changed()
    return renewed
  }

  addResource(id: string, resource: string): LeaseRecord {
    if (resource === '' || resource.length > 1024) throw invalid('name a digest, an image or a snapshot to keep')
    return this.#change(id, (lease) => {
      if (lease.resources.length >= MAX_RESOURCES)
        throw invalid(`lease ${id} names ${MAX_RESOURCES} things: make another`)
      this.#table.addResource(id, resource)
      this.#table.addContent(id, this.#images.contentOf(resource))
    })
  }

  release(id: string): void {
    this.#transactions.transaction(() => this.#table.delete(id))
  }

  list(after: string, limit: number): LeaseRecord[] {
    const now = this.#clock()
    return this.#table.list(after, limit).filter((lease) => lease.expiresMs > now)
  }

  #end(ttlSeconds: number): number {
    return this.#clock() + (ttlSeconds === 0 ? DEFAULT_TTL_SECONDS : ttlSeconds) * 1_000
  }

  /** Changes a lease that lives, and returns it as it is then. */
  #change(id: string, change: (lease: LeaseRecord) => void): LeaseRecord {
    return this.#transactions.transaction(() => {
      change(this.#living(id))
      return this.#living(id)
    })
  }

  #living(id: string): LeaseRecord {
    const lease = this.#table.get(id)
    if (!lease || lease.expiresMs <= this.#clock()) throw notFound('lease', id, 'it may have ended: create another')
    return lease
  }
}
