import type { Digest } from '@caisson/oci'
import type { DiskSpace } from '../disk/room.ts'
import type { Images } from '../image/images.ts'
import type { FoundImage, ImageLookup } from '../image/lookup.ts'
import type { Holds } from '../lease/holds.ts'
import type { Collected, Collector, GarbageItem } from './collector.ts'
import { type Candidate, chooseImages, type ImagePolicy, type Victim } from './image-policy.ts'
import type { ImageUses } from './image-uses.ts'

export interface ImageCollectorDeps {
  readonly images: Images
  readonly lookup: ImageLookup
  readonly uses: ImageUses
  readonly collector: Collector
  readonly holds: Pick<Holds, 'has'>
  readonly space: { space(): DiskSpace }
  /** Names of images that stay: as they are stored. */
  readonly pinned: ReadonlySet<string>
  readonly policy: ImagePolicy
  readonly clock: () => number
}

/** Removes images by a policy. Those that a snapshot, a lease or work in flight needs stay. */
export class ImageCollector {
  readonly #deps: ImageCollectorDeps

  constructor(deps: ImageCollectorDeps) {
    this.#deps = deps
  }

  /** Garbage first: what it frees saves images. */
  collect({ dryRun }: { dryRun: boolean }): Collected {
    const { collector, images, lookup } = this.#deps
    const before = collector.collect({ dryRun })
    const going = this.#victims(before.freedBytes)
    if (dryRun)
      return withImages(
        before,
        going,
        going.reduce((sum, { bytes }) => sum + bytes, 0),
        [],
      )
    let freed = 0
    const items: GarbageItem[] = []
    for (const { id, reason } of going) {
      const image = lookup.byId(id)
      if (!image) continue
      const gone = images.collect(image, reason)
      freed += gone.freedBytes
      items.push(...gone.items)
    }
    return withImages(before, going, freed, items)
  }

  /** Images by when they were used or stored last. */
  lastUsedMs(): (image: FoundImage) => number {
    const uses = this.#deps.uses.all()
    return ({ record }) => Math.max(record.storedMs, uses.get(record.id) ?? 0)
  }

  #victims(alreadyFreed: number): Victim[] {
    const { images, lookup, holds, pinned, policy, space, clock } = this.#deps
    const lastUsedMs = this.lastUsedMs()
    const all = lookup.all().map((image) => ({ image, content: images.contentBytes(image) }))
    const shared = new Map<Digest, number>()
    for (const { content } of all)
      for (const digest of content.keys()) shared.set(digest, (shared.get(digest) ?? 0) + 1)
    const candidates: Candidate[] = all
      .filter(({ image }) => !holds.has(image.record.id) && images.neededBy(image) === undefined)
      .map(({ image, content }) => ({
        id: image.record.id,
        lastUsedMs: lastUsedMs(image),
        isPinned: image.names.some((name) => pinned.has(name)),
        content,
      }))
    const { freeBytes, diskBytes } = space.space()
    return chooseImages(candidates, shared, policy, { freeBytes: freeBytes + alreadyFreed, diskBytes }, clock())
  }
}

function withImages(
  before: Collected,
  victims: readonly Victim[],
  freed: number,
  content: readonly GarbageItem[],
): Collected {
  const images = victims.map(({ id, reason }) => ({ kind: 'image', name: id, bytes: 0, reason }) as const)
  const items = [...before.items, ...images, ...content]
  return { items, removed: items.map(({ name }) => name), freedBytes: before.freedBytes + freed }
}
