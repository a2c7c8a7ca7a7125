import { hostPlatform, MEDIA_TYPE, type Platform } from '@caisson/oci'
import type { BlobStore } from '../content/blob-store.ts'
import type { Room } from '../disk/room.ts'
import type { Staging } from '../disk/staging.ts'
import type { Collector } from '../garbage/collector.ts'
import type { Hold, Holds } from '../lease/holds.ts'
import type { Layers } from '../snapshot/layers.ts'
import type { LayerTool, UnpackedLayer } from '../snapshot/ports.ts'
import type { UnpackLimits } from '../snapshot/unpack-budget.ts'
import { buildConfig, buildManifest, layerMediaType } from './build-documents.ts'
import { applyChanges, EMPTY_CONFIG } from './changes.ts'
import { type FoundImage, parseImageName } from './lookup.ts'
import type { HistoryEntry, ImageRecord, RunConfig } from './ports.ts'
import type { MovedName, Registrar } from './registrar.ts'

export interface ImportDeps {
  readonly staging: Staging
  readonly room: Room
  readonly holds: Holds
  readonly blobs: BlobStore
  readonly layers: Layers
  readonly tool: LayerTool
  readonly registrar: Registrar
  readonly collector: Collector
  readonly limits: UnpackLimits
  readonly clock: () => number
}

export interface ImportRequest {
  /** Empty: none. */
  readonly reference: string
  readonly changes: readonly string[]
  readonly comment: string
  readonly platform: Platform | undefined
  /** Bytes of the tar. 0: not known. */
  readonly size: number
}

/** Makes an image with one layer of a tar. The blob is kept as it comes, while the same pass inflates, hashes and writes. */
export class Importer {
  readonly #deps: ImportDeps

  constructor(deps: ImportDeps) {
    this.#deps = deps
  }

  async import(
    request: ImportRequest,
    tar: AsyncIterable<Uint8Array>,
    onMoved: (moved: MovedName) => void,
    signal: AbortSignal,
  ): Promise<FoundImage> {
    const config = applyChanges(EMPTY_CONFIG, request.changes)
    const platform = request.platform ?? hostPlatform()
    const names = request.reference === '' ? [] : [parseImageName(request.reference)]
    return await this.#deps.collector.guard(async (hold) => {
      const layer = await this.#deps.room.during(request.size, signal, (inRoom) => this.#takeLayer(tar, hold, inRoom))
      const record = await this.#writeDocuments({ config, platform, comment: request.comment, layer }, hold)
      signal.throwIfAborted()
      const blobs = [record.manifest.digest, record.id, layer.digest]
      const draft = { record, targets: [record.digest], blobs }
      const [image] = this.#deps.registrar.register('imported', [{ draft, target: record.digest, names }], onMoved)
      if (!image) throw new Error('an image that was registered is not there')
      return image
    })
  }

  async #takeLayer(tar: AsyncIterable<Uint8Array>, hold: Hold, signal: AbortSignal): Promise<UnpackedLayer> {
    const { staging: stagings, layers, blobs, tool, limits } = this.#deps
    using staging = stagings.open()
    const target = layers.stage(staging)
    const copy = staging.at('blob')
    const bounds = { maxBytes: limits.maxUnpackedBytes, maxEntries: limits.maxUnpackedEntries }
    const request = { source: tar, target, copy, ...bounds, requireEnd: true, lowest: true }
    const unpacked = await tool.unpack(request, () => {}, signal)
    await layers.adopt(target, unpacked, { hold, signal })
    await blobs.adopt(copy, unpacked, hold)
    return unpacked
  }

  async #writeDocuments(
    parts: { config: RunConfig; platform: Platform; comment: string; layer: UnpackedLayer },
    hold: Hold,
  ): Promise<ImageRecord> {
    const { blobs, clock } = this.#deps
    const { config, platform, comment, layer } = parts
    const createdMs = clock()
    const created = new Date(createdMs).toISOString()
    const history: HistoryEntry[] = [{ created, createdBy: 'caisson import', emptyLayer: false, comment, author: '' }]
    const diffIds = [layer.diffId]
    const configBlob = await blobs.writeDocument(buildConfig({ platform, config, created, diffIds, history }), hold)
    const mediaType = layerMediaType(layer.compression)
    const layerPart = { mediaType, digest: layer.digest, size: layer.size }
    const manifest = await blobs.writeDocument(buildManifest(configBlob, [layerPart]), hold)
    return {
      id: configBlob.digest,
      digest: manifest.digest,
      manifest: { mediaType: MEDIA_TYPE.ociManifest, digest: manifest.digest, size: manifest.size },
      platform,
      config,
      layers: [{ ...layerPart, diffId: layer.diffId, chainId: layer.diffId }],
      history,
      author: '',
      created,
      createdMs,
      storedMs: createdMs,
    }
  }
}
