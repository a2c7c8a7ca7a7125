import { join } from 'node:path'
import type { Digest, Platform } from '@caisson/oci'
import type { Room } from '../disk/room.ts'
import type { StateDir } from '../disk/state-dir.ts'
import type { FoundImage, ImageLookup } from '../image/lookup.ts'
import type { Holds } from '../lease/holds.ts'
import type { LimitedFolder, Quotas } from '../quota/quotas.ts'
import type { TrustGate } from '../trust/gate.ts'
import type { Layers } from './layers.ts'
import type { PreparedSnapshot, SnapshotRequest, Snapshots } from './snapshots.ts'
import { type Usage, usageOf } from './usage.ts'

/** What a snapshot is to stand on, as a caller says it. */
export type WantedBase =
  | { readonly image: string; readonly platform: Platform | undefined }
  | { readonly parent: string }

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
    for (;;) {
      // No pause between here and the row: the image cannot go away in between.
      const image = this.#deps.lookup.find(wanted.image, wanted.platform)
      this.#deps.gate.admit(image, wanted.image)
      if (this.#deps.layers.areReady(image.record.layers)) {
        this.#deps.uses.touch(image.record.id)
        return this.#described(snapshots.create(request, { image }, folder).key, image)
      }
      await this.unpack(image, signal)
    }
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

  #described(key: string, image: FoundImage | undefined): PreparedSnapshot {
    const { snapshots, lookup } = this.#deps
    const snapshot = snapshots.get(key)
    const from = image ?? (snapshot.image && lookup.byId(snapshot.image))
    return { snapshot, mount: snapshots.mountOf(snapshot), image: from }
  }
}
