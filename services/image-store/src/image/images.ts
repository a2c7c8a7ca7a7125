import { failedPrecondition } from '@caisson/api'
import type { Digest } from '@caisson/oci'
import type { Ballast } from '@caisson/service-kit'
import type { BlobTable, Transactions } from '../content/ports.ts'
import type { Events } from '../events.ts'
import type { Collected, Collector } from '../garbage/collector.ts'
import type { LeaseTable } from '../lease/ports.ts'
import type { Layers } from '../snapshot/layers.ts'
import type { LayerTable, SnapshotTable } from '../snapshot/ports.ts'
import type { FoundImage, ImageLookup, Meaning } from './lookup.ts'
import type { ImageTable, NameTable } from './ports.ts'
import { type Removal, removalOf, removals } from './removal.ts'

export interface ImagesDeps {
  readonly images: ImageTable
  readonly names: NameTable
  readonly lookup: ImageLookup
  readonly snapshots: Pick<SnapshotTable, 'ofImage'>
  readonly leases: Pick<LeaseTable, 'naming'>
  readonly collector: Collector
  readonly blobs: Pick<BlobTable, 'get'>
  readonly layers: Pick<LayerTable, 'get'>
  readonly ballast: Ballast
  readonly clock: () => number
  readonly transactions: Transactions
  readonly events: Events
}

export interface Removed {
  readonly untagged: readonly string[]
  readonly deleted: readonly string[]
  readonly freedBytes: number
}

export interface RemoveOptions {
  /** By id or digest: all names, where there are several. */
  readonly force: boolean
  /** Layers below the topmost one stay until garbage is collected. */
  readonly keepParents: boolean
}

/** How images go, and why. */
interface How extends Pick<RemoveOptions, 'keepParents'> {
  readonly reason: string
}

/** Takes names and images away. */
export class Images {
  readonly #deps: ImagesDeps

  constructor(deps: ImagesDeps) {
    this.#deps = deps
  }

  /** Removes a name, or those of an image. What has no name then goes, on every platform, unless something needs it. */
  remove(query: string, { force, keepParents }: RemoveOptions): Removed {
    const meaning = this.#deps.lookup.resolve(query)
    const removal = removalOf(this.#affected(meaning), this.#namesMeant(meaning, force))
    for (const image of removal.going) {
      const need = this.neededBy(image)
      if (need !== undefined)
        throw failedPrecondition('IMAGE_IN_USE', `image ${query} is needed by ${need}: remove that first`, {
          details: { image: image.record.id, needed_by: need },
        })
    }
    return this.#apply(removal, { keepParents, reason: 'removed' })
  }

  /** Removes images that nothing needs: those without a name, or with `all` every one. */
  prune(isMeant: (image: FoundImage) => boolean, { all, dryRun }: { all: boolean; dryRun: boolean }): Removed {
    const images = this.#deps.lookup.all()
    const isFree = (image: FoundImage): boolean =>
      (all || image.names.length === 0) && isMeant(image) && this.neededBy(image) === undefined
    const removal = removals(images, isFree)
    return dryRun ? this.#preview(removal) : this.#apply(removal, { keepParents: false, reason: 'pruned' })
  }

  /** Bytes of the unpacked layers that no other image has, by image. */
  uniqueBytes(images: readonly FoundImage[], layerOf: Layers['get']): (image: FoundImage) => number {
    const { images: table } = this.#deps
    const [only] = images
    const sole = images.length === 1 && only ? new Map([[only.record.id, table.soleLayers(only.record.id)]]) : undefined
    const layers = sole ?? table.allSoleLayers()
    return ({ record }) =>
      (layers.get(record.id) ?? []).reduce((sum, chainId) => sum + (layerOf(chainId)?.bytes ?? 0), 0)
  }

  /** The names that are to go. */
  #namesMeant(meaning: Meaning, force: boolean): string[] {
    const { query, target, name, repository, records } = meaning
    if (name !== '') return [name]
    const { names } = this.#deps
    if (repository !== '') {
      const there = names.of(target).filter((one) => one.startsWith(`${repository}:`))
      if (there.length > 0) return there
    }
    const all = [...new Set(records.flatMap((record) => this.#deps.lookup.describe(record).names))]
    const isOther = repository !== '' && all.length > 0
    if ((all.length > 1 || isOther) && !force)
      throw failedPrecondition(
        'IMAGE_HAS_NAMES',
        `image ${query} has the names ${all.slice(0, 10).join(', ')}: remove them one by one, or all with force`,
        { details: { image: records[0]?.id ?? query } },
      )
    return all
  }

  /** The images that a removal is about: those meant, and those that their names mean too. */
  #affected({ records, isExact, name, target }: Meaning): FoundImage[] {
    const { images, names, lookup } = this.#deps
    const targets = new Set<Digest>(isExact ? [] : [target])
    if (name === '')
      for (const record of records)
        for (const own of lookup.describe(record).names) targets.add(names.get(own) ?? record.digest)
    const found = new Map(records.map((record) => [record.id, record]))
    for (const one of targets) for (const record of images.byTarget(one)) found.set(record.id, record)
    return [...found.values()].map((record) => lookup.describe(record))
  }

  /** Removes an image that nothing needs, and those that its names mean too, by the policy of the service. */
  collect(image: FoundImage, reason: 'unused' | 'disk-pressure'): Collected {
    const { record, target } = image
    const meaning = { query: record.id, target, name: '', repository: '', isExact: true, records: [record] }
    const group = this.#affected(meaning)
    if (group.some((one) => this.neededBy(one) !== undefined)) return { removed: [], freedBytes: 0, items: [] }
    const removal = removalOf(
      group,
      group.flatMap(({ names }) => names),
    )
    return this.#take(removal, { keepParents: false, reason })
  }

  /** Bytes of what an image consists of, by digest of its blobs and chain id of its layers. What is not here has none. */
  contentBytes({ record }: FoundImage): ReadonlyMap<Digest, number> {
    const { images, blobs, layers } = this.#deps
    const bytes = new Map<Digest, number>()
    for (const { chainId } of record.layers) bytes.set(chainId, layers.get(chainId)?.bytes ?? 0)
    // A layer that is not compressed has one digest for both.
    for (const digest of images.blobs(record.id))
      bytes.set(digest, (bytes.get(digest) ?? 0) + (blobs.get(digest)?.size ?? 0))
    return bytes
  }

  /** What keeps an image from going. */
  neededBy(image: FoundImage): string | undefined {
    const { snapshots, leases, images, clock } = this.#deps
    const snapshot = snapshots.ofImage(image.record.id)
    if (snapshot !== undefined) return `snapshot ${snapshot}`
    for (const resource of [image.record.id, ...images.targets(image.record.id), ...image.names]) {
      const lease = leases.naming(resource, clock())
      if (lease !== undefined) return `lease ${lease}`
    }
    return undefined
  }

  #apply(removal: Removal, how: How): Removed {
    return toRemoved(removal, this.#take(removal, how))
  }

  #take(removal: Removal, { keepParents, reason }: How): Collected {
    const { transactions, ballast, events, lookup, collector } = this.#deps
    const content = new Set(removal.going.flatMap((image) => this.#contentOf(image, keepParents)))
    const forget = (): void => {
      for (const { name, image } of removal.untagged) events.imageUntagged(image.record, name)
      this.#delete(removal)
      for (const { record } of removal.going) events.imageRemoved(record, reason)
    }
    ballast.spend(() => transactions.transaction(forget))
    lookup.invalidate()
    return collector.collectAmong(content)
  }

  /** What would be removed: it is, and then the transaction is taken back. */
  #preview(removal: Removal): Removed {
    const { transactions, collector } = this.#deps
    const content = new Set(removal.going.flatMap((image) => this.#contentOf(image, false)))
    let collected: Collected = { removed: [], freedBytes: 0, items: [] }
    try {
      transactions.transaction(() => {
        this.#delete(removal)
        collected = collector.collectAmong(content, { dryRun: true })
        throw TAKEN_BACK
      }, 'crash')
    } catch (error) {
      if (error !== TAKEN_BACK) throw error
    }
    return toRemoved(removal, collected)
  }

  #delete({ untagged, going }: Removal): void {
    for (const { name } of untagged) this.#deps.names.delete(name)
    for (const { record } of going) this.#deps.images.delete(record.id)
  }

  #contentOf({ record }: FoundImage, keepParents: boolean): string[] {
    const content = [...this.#deps.images.blobs(record.id), ...record.layers.map((layer) => layer.chainId)]
    if (!keepParents) return content
    const parents = new Set<string>(record.layers.slice(0, -1).flatMap(({ digest, chainId }) => [digest, chainId]))
    return content.filter((resource) => !parents.has(resource))
  }
}

const TAKEN_BACK = new Error('what was only tried is taken back')

const toRemoved = ({ untagged }: Removal, { removed, freedBytes }: Collected): Removed => ({
  untagged: untagged.map(({ name }) => name),
  deleted: removed,
  freedBytes,
})
