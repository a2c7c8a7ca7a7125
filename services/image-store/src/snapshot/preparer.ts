import { join } from 'node:path'
import type { Digest, Platform } from '@caisson/oci'
import type { Room } from '../disk/room.ts'
import type { StateDir } from '../disk/state-dir.ts'
import type { FoundImage, ImageLookup } from '../image/lookup.ts'
import type { Holds } from '../lease/holds.ts'
import type { LimitedFolder, Quotas } from '../quota/quotas.ts'
import type { TrustGate } from '../trust/gate.ts'
import type { Layers } from './layers.ts'
import type { Mount, PreparedSnapshot, SnapshotRequest, Snapshots } from './snapshots.ts'
import { type Usage, usageOf } from './usage.ts'

/** What a snapshot is to stand on, as a caller says it. */
export type WantedBase = ImageWish | { readonly parent: string }

export type ImageWish = { readonly image: string; readonly platform: Platform | undefined }

/** Snapshots on one image that were prepared at once. */
export interface PreparedTogether extends PreparedSnapshot {
  readonly more: readonly Mount[]
}

export interface PreparerDeps {
  readonly dir: StateDir
  readonly room: Room
  readonly holds: Holds
  readonly lookup: ImageLookup
  readonly layers: Layers
  readonly snapshots: Snapshots
  readonly gate: TrustGate
  readonly quotas: Pick<Quotas, 'open' | 'usage'>
  readonly uses: { touch(image: Digest): void }
}

/** Prepares snapshots on images by name, and unpacks what they need first. */
export class Preparer {
  readonly #deps: PreparerDeps

  constructor(deps: PreparerDeps) {
    this.#deps = deps
  }

  async prepare(request: SnapshotRequest, wanted: WantedBase, signal: AbortSignal): Promise<PreparedSnapshot> {
    const { quotas, snapshots } = this.#deps
    const isNew = snapshots.find(request.key) === undefined
    using folder = request.quotaBytes && isNew ? await quotas.open(request.quotaBytes, signal) : undefined
    if ('parent' in wanted) return this.#onParent(request, wanted, folder)
    return this.#onImage(wanted, signal, (image) =>
      this.#current(snapshots.create(request, { image }, folder).key, image),
    )
  }

  /** Prepares several new ones on one image, all or none. */
  async prepareAll(
    keys: readonly [string, ...string[]],
    request: Omit<SnapshotRequest, 'key' | 'quotaBytes'>,
    wanted: ImageWish,
    signal: AbortSignal,
  ): Promise<PreparedTogether> {
    const { snapshots } = this.#deps
    return this.#onImage(wanted, signal, (image) => {
      const [, ...more] = snapshots.createAll(keys, request, { image })
      return { ...this.#current(keys[0], image), more: more.map((snapshot) => snapshots.mountOf(snapshot)) }
    })
  }

  /** A snapshot and its mount. Layers that a crash took are unpacked again. */
  async get(key: string, signal: AbortSignal): Promise<PreparedSnapshot> {
    const { base, image: id } = this.#deps.snapshots.get(key)
    const image = id && this.#deps.lookup.byId(id)
    if (image && !this.#deps.layers.isWhole(base)) await this.unpack(image, signal)
    return this.#described(key, image)
  }

  /** What a snapshot holds itself. */
  async usage(key: string, signal: AbortSignal): Promise<Usage> {
    const { kind } = this.#deps.snapshots.get(key)
    if (kind !== 'active') return { bytes: 0, inodes: 0 }
    const counted = await this.#deps.quotas.usage(key, signal)
    if (counted) return counted
    return await usageOf(join(this.#deps.dir.snapshot(key), 'fs'), signal)
  }

  /**
   * Hands an image that may be used, and whose layers are there, to `use`, which does not pause: the image cannot go away in
   * between, and means what was asked for.
   */
  async #onImage<T>(wanted: ImageWish, signal: AbortSignal, use: (image: FoundImage) => T): Promise<T> {
    const { lookup, gate, layers, uses } = this.#deps
    for (;;) {
      const image = lookup.find(wanted.image, wanted.platform)
      gate.admit(image, wanted.image)
      if (layers.areReady(image.record.layers)) {
        uses.touch(image.record.id)
        return use(image)
      }
      await this.unpack(image, signal)
    }
  }

  /** What stands on a snapshot of an image is judged as that image is. */
  #onParent(
    request: SnapshotRequest,
    wanted: { readonly parent: string },
    folder: LimitedFolder | undefined,
  ): PreparedSnapshot {
    const { snapshots, lookup, gate } = this.#deps
    const { image: id } = snapshots.get(wanted.parent)
    const image = id && lookup.byId(id)
    if (image) gate.admit(image, image.record.id)
    return this.#described(snapshots.create(request, wanted, folder).key, undefined)
  }

  /** Unpacks the layers of an image that are not there. */
  async unpack({ record }: FoundImage, signal: AbortSignal): Promise<void> {
    const { room, holds, layers, dir } = this.#deps
    using hold = holds.open()
    await room.during(0, signal, (inRoom) =>
      layers.ensure(record.layers, {
        hold,
        signal: inRoom,
        source: (layer) => dir.blob(layer.digest),
        report: () => {},
      }),
    )
  }

  /** By a policy that judges images, only asking again can tell whether one still may be used. */
  #current(key: string, image: FoundImage): PreparedSnapshot {
    const { lookup, gate } = this.#deps
    const { path, bytes } = lookup.version
    return { ...this.#described(key, image), ...(gate.isOpen && { lookup: { path, bytes } }) }
  }

  #described(key: string, image: FoundImage | undefined): PreparedSnapshot {
    const { snapshots, lookup } = this.#deps
    const snapshot = snapshots.get(key)
    const from = image ?? (snapshot.image && lookup.byId(snapshot.image))
    return { snapshot, mount: snapshots.mountOf(snapshot), image: from }
  }
}
