import { join } from 'node:path'
import { failedPrecondition, notFound } from '@caisson/api'
import { chainIds, type LayerCompression } from '@caisson/oci'
import type { Logger } from '@caisson/service-kit'
import type { BlobStore } from '../content/blob-store.ts'
import type { Room } from '../disk/room.ts'
import type { Staging } from '../disk/staging.ts'
import type { StateDir } from '../disk/state-dir.ts'
import { layerMediaType } from '../image/build-documents.ts'
import type { ImageLayer } from '../image/ports.ts'
import type { Hold } from '../lease/holds.ts'
import type { Layers } from '../snapshot/layers.ts'
import type { SnapshotRecord } from '../snapshot/ports.ts'
import type { Snapshots } from '../snapshot/snapshots.ts'
import type { UnpackLimits } from '../snapshot/unpack-budget.ts'
import type { LayerStack, LayerStacks } from './layer-stack.ts'
import type { DiffTool } from './ports.ts'

export interface LayerMakerDeps {
  readonly dir: StateDir
  readonly staging: Staging
  readonly room: Room
  readonly blobs: BlobStore
  readonly layers: Layers
  readonly snapshots: Snapshots
  readonly stacks: LayerStacks
  readonly diffTool: DiffTool
  readonly limits: UnpackLimits & { readonly commitDevices: boolean; readonly maxLayers: number }
  readonly log: Logger
}

export interface MadeLayer {
  readonly layer: ImageLayer
  readonly stack: LayerStack
  readonly skipped: number
  readonly changed: number
}

/**
 * Makes layers of what writable snapshots changed. The blob is unpacked like one that came from elsewhere: what others
 * will make of it is what stands on the disk here.
 */
export class LayerMaker {
  readonly #deps: LayerMakerDeps

  constructor(deps: LayerMakerDeps) {
    this.#deps = deps
  }

  /** Blob and layer are held when it resolves, and no more than that. */
  async make(
    snapshot: SnapshotRecord,
    compression: LayerCompression,
    hold: Hold,
    signal: AbortSignal,
  ): Promise<MadeLayer> {
    if (snapshot.kind !== 'active') throw notWritable(snapshot)
    return await this.#deps.room.during(0, signal, (inRoom) => this.#make(snapshot, compression, hold, inRoom))
  }

  async #make(
    snapshot: SnapshotRecord,
    compression: LayerCompression,
    hold: Hold,
    signal: AbortSignal,
  ): Promise<MadeLayer> {
    const stack = this.#deps.stacks.of(snapshot)
    const below = [...stack.image.layers, ...stack.committed]
    this.#checkCount(snapshot, below.length + 1)
    for (const { digest } of below) hold.add(digest)
    using staging = this.#deps.staging.open()
    const blob = staging.at('blob')
    const { skipped, changed, ...found } = await this.#deps.diffTool.diff(
      this.#request(snapshot, below, blob, compression),
      signal,
    )
    this.#checkThere(snapshot)
    const chainId = chainIds([...below.map(({ diffId }) => diffId), found.diffId]).at(-1)
    if (chainId === undefined) throw new Error('a stack of layers has no chain id')
    const layer: ImageLayer = { ...found, mediaType: layerMediaType(compression), chainId }
    await this.#keep([...below, layer], blob, hold, signal)
    if (skipped + changed > 0)
      this.#deps.log.warn({ snapshot: snapshot.key, skipped, changed }, 'a committed layer lacks some of its files')
    return { layer, stack, skipped, changed }
  }

  #request(
    { key }: SnapshotRecord,
    below: readonly ImageLayer[],
    blob: string,
    compression: LayerCompression,
  ): Parameters<DiffTool['diff']>[0] {
    const { dir, layers, limits } = this.#deps
    const used = below.map(({ chainId }) => layers.get(chainId))
    const left = (most: number, of: 'bytes' | 'entries'): number =>
      Math.max(
        1,
        used.reduce((rest, layer) => rest - (layer?.[of] ?? 0), most),
      )
    return {
      upper: join(dir.snapshot(key), 'fs'),
      blob,
      compression,
      maxBytes: left(limits.maxUnpackedBytes, 'bytes'),
      maxEntries: left(limits.maxUnpackedEntries, 'entries'),
      devices: limits.commitDevices,
    }
  }

  async #keep(stack: readonly ImageLayer[], blob: string, hold: Hold, signal: AbortSignal): Promise<void> {
    const { dir, layers, blobs } = this.#deps
    const layer = stack.at(-1)
    if (!layer) return
    await layers.ensure(stack, {
      hold,
      signal,
      source: (each) => (each === layer ? blob : dir.blob(each.digest)),
      report: () => {},
    })
    await blobs.adopt(blob, { digest: layer.digest, size: layer.size }, hold)
  }

  #checkCount({ key }: SnapshotRecord, count: number): void {
    const { maxLayers } = this.#deps.limits
    if (count > maxLayers)
      throw failedPrecondition(
        'TOO_MANY_LAYERS',
        `snapshot ${key} stands on ${maxLayers} layers already: squash them`,
        {
          details: { snapshot: key },
        },
      )
  }

  /** One that was removed meanwhile may have been read in part. */
  #checkThere({ key, createdMs }: SnapshotRecord): void {
    if (this.#deps.snapshots.find(key)?.createdMs !== createdMs)
      throw notFound('snapshot', key, 'it was removed while it was read')
  }
}

export function notWritable({ key, kind }: SnapshotRecord): Error {
  return failedPrecondition('SNAPSHOT_NOT_WRITABLE', `snapshot ${key} is ${kind}, not writable: it changed nothing`, {
    details: { snapshot: key },
  })
}
