import type { Digest } from '@caisson/oci'
import type { Ballast } from '@caisson/service-kit'
import type { BlobTable, Transactions } from '../content/ports.ts'
import type { Staging } from '../disk/staging.ts'
import type { StateDir } from '../disk/state-dir.ts'
import type { Trash } from '../disk/trash.ts'
import type { Hold, Holds } from '../lease/holds.ts'
import type { LeaseTable } from '../lease/ports.ts'
import type { Layers } from '../snapshot/layers.ts'
import type { LayerTable } from '../snapshot/ports.ts'
import type { GarbageQueries } from './ports.ts'

export interface CollectorDeps {
  readonly dir: StateDir
  readonly trash: Trash
  readonly ballast: Ballast
  readonly staging: Staging
  /** Downloads that ended early. */
  readonly partials: { sweep(): string[] }
  readonly holds: Holds
  readonly queries: GarbageQueries
  readonly blobs: BlobTable
  readonly layerRows: LayerTable
  readonly layers: Layers
  readonly leases: LeaseTable
  readonly transactions: Transactions
  readonly clock: () => number
}

export interface Collected {
  readonly removed: readonly string[]
  readonly freedBytes: number
  /** What each of them was. */
  readonly items: readonly GarbageItem[]
}

/** Something that went, or would go. */
export interface GarbageItem {
  readonly kind: 'image' | 'blob' | 'layer' | 'staging' | 'partial'
  readonly name: string
  /** 0: not known, or told with other items. */
  readonly bytes: number
  readonly reason: 'unreferenced' | 'abandoned' | 'unused' | 'disk-pressure'
}

interface Garbage {
  readonly blobs: readonly { digest: Digest; bytes: number }[]
  readonly layers: readonly { chainId: Digest; bytes: number }[]
}

/**
 * Removes content that nothing refers to. It runs in one piece: rows go in one transaction, and the files follow into the
 * trash before anything else runs, so no work in flight can see one without the other.
 */
export class Collector {
  readonly #deps: CollectorDeps

  constructor(deps: CollectorDeps) {
    this.#deps = deps
  }

  /** Everything that is garbage, and folders that work left behind. */
  collect({ dryRun = false }: { dryRun?: boolean } = {}): Collected {
    if (!dryRun) this.#deps.ballast.spend(() => this.#deps.leases.expire(this.#deps.clock()))
    const garbage = this.#garbage(() => true)
    if (dryRun) return summary(garbage)
    this.#sweep(garbage)
    const stale = [
      ...this.#deps.staging.sweep().map((name) => abandoned('staging', name)),
      ...this.#deps.partials.sweep().map((name) => abandoned('partial', name)),
    ]
    const { removed, freedBytes, items } = summary(garbage)
    return { removed: [...removed, ...stale.map(({ name }) => name)], freedBytes, items: [...items, ...stale] }
  }

  /** Only what is garbage among these digests and chain ids. */
  collectAmong(resources: ReadonlySet<string>, { dryRun = false }: { dryRun?: boolean } = {}): Collected {
    const garbage = this.#garbage((resource) => resources.has(resource))
    if (!dryRun) this.#sweep(garbage)
    return summary(garbage)
  }

  /**
   * Runs work that brings content in. What it holds is safe from collection while it runs; what it leaves without anything
   * that refers to it goes again.
   */
  async guard<T>(work: (hold: Hold) => Promise<T>): Promise<T> {
    const hold = this.#deps.holds.open()
    let left: ReadonlySet<string> = new Set()
    try {
      return await work(hold)
    } catch (error) {
      left = new Set(hold.resources)
      throw error
    } finally {
      hold[Symbol.dispose]()
      if (left.size > 0) this.collectAmong(left)
    }
  }

  #garbage(isWanted: (resource: string) => boolean): Garbage {
    const { queries, holds } = this.#deps
    const isFree = (resource: string): boolean => isWanted(resource) && !holds.has(resource)
    const layers = queries.layers().filter(({ chainId }) => isFree(chainId))
    return { blobs: queries.blobs().filter(({ digest }) => isFree(digest)), layers: this.#withoutParents(layers) }
  }

  /** A layer on which one that stays stands stays too. */
  #withoutParents(candidates: Garbage['layers']): Garbage['layers'] {
    const going = new Set<Digest>(candidates.map(({ chainId }) => chainId))
    for (const layer of this.#deps.layers.all()) {
      if (going.has(layer.chainId)) continue
      for (let at = layer.parent; at !== undefined; at = this.#deps.layers.get(at)?.parent) going.delete(at)
    }
    return candidates.filter(({ chainId }) => going.has(chainId))
  }

  #sweep({ blobs, layers }: Garbage): void {
    if (blobs.length === 0 && layers.length === 0) return
    const { transactions, ballast, dir, trash } = this.#deps
    const forget = (): void => {
      for (const { digest } of blobs) this.#deps.blobs.delete(digest)
      for (const { chainId } of layers) this.#deps.layerRows.delete(chainId)
    }
    ballast.spend(() => transactions.transaction(forget))
    for (const { chainId } of layers) this.#deps.layers.forget(chainId)
    for (const { chainId } of layers) trash.discard(dir.layer(chainId))
    for (const { digest } of blobs) trash.discard(dir.blob(digest))
  }
}

function summary({ blobs, layers }: Garbage): Collected {
  const items: GarbageItem[] = [
    ...blobs.map(({ digest: name, bytes }) => ({ kind: 'blob', name, bytes, reason: 'unreferenced' }) as const),
    ...layers.map(({ chainId: name, bytes }) => ({ kind: 'layer', name, bytes, reason: 'unreferenced' }) as const),
  ]
  return {
    removed: items.map(({ name }) => name),
    freedBytes: items.reduce((sum, { bytes }) => sum + bytes, 0),
    items,
  }
}

const abandoned = (kind: 'staging' | 'partial', name: string): GarbageItem => ({
  kind,
  name,
  bytes: 0,
  reason: 'abandoned',
})
