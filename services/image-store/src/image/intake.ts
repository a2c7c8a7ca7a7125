import { open } from 'node:fs/promises'
import type { Digest, ImageManifest } from '@caisson/oci'
import { parseImageConfig } from '@caisson/oci'
import { type BlobStore, mismatch } from '../content/blob-store.ts'
import type { StateDir } from '../disk/state-dir.ts'
import type { Hold } from '../lease/holds.ts'
import type { Layers } from '../snapshot/layers.ts'
import type { GrowingFile, LayerTool } from '../snapshot/ports.ts'
import { type Document, readLimited, recordOf } from './document.ts'
import type { ImageLayer, ImageRecord } from './ports.ts'
import type { Registration } from './registrar.ts'

/** An image that lies in files beside the store. */
export interface ImageSource {
  /** As they are stored. */
  readonly names: readonly string[]
  readonly manifest: ImageManifest
  readonly manifestDocument: Document
  readonly configDocument: Document
  /** Indexes that it was chosen from, the outermost first. Names point at the outermost, or at the manifest. */
  readonly indexes: readonly Document[]
  /** Where the blob of a layer lies, once all of it is there. */
  layerFile(digest: Digest, signal: AbortSignal): string | Promise<string>
  /** The same file while its bytes still arrive. Undefined: they do not. */
  growingFile?(digest: Digest, signal: AbortSignal): Promise<GrowingFile | undefined>
}

export interface IntakeDeps {
  readonly dir: StateDir
  readonly blobs: BlobStore
  readonly layers: Layers
  readonly tool: LayerTool
  readonly limits: { readonly maxLayers: number }
  readonly clock: () => number
}

export interface IntakeCall {
  readonly hold: Hold
  readonly signal: AbortSignal
  readonly report: (layer: ImageLayer, done: { bytes: number }) => void
}

/** Takes images in: unpacks and checks their layers, and keeps their blobs. What it returns can be registered. */
export class Intake {
  readonly #deps: IntakeDeps

  constructor(deps: IntakeDeps) {
    this.#deps = deps
  }

  /** What an image is, from its documents. Refuses what is no image to run or is over the limits. */
  describe({ manifest, manifestDocument, configDocument, indexes }: Omit<ImageSource, 'layerFile'>): ImageRecord {
    const target = indexes[0]?.digest ?? manifestDocument.digest
    const config = readLimited(() => parseImageConfig(configDocument.bytes))
    const documents = { manifest, manifestDocument, config, configDigest: configDocument.digest, target }
    return recordOf(documents, this.#deps.limits, this.#deps.clock())
  }

  async take(source: ImageSource, call: IntakeCall): Promise<Registration> {
    const { manifestDocument, configDocument, indexes } = source
    const record = this.describe(source)
    const target = record.digest
    await this.#takeLayers(record, source, call)
    const kept = [...indexes, manifestDocument, configDocument]
    for (const { digest, bytes } of kept)
      await this.#deps.blobs.write({ digest, size: bytes.length }, [bytes], call.hold)
    call.signal.throwIfAborted()
    const blobs = [...kept.map(({ digest }) => digest), ...record.layers.map(({ digest }) => digest)]
    const targets = [...indexes.map(({ digest }) => digest), manifestDocument.digest]
    return { draft: { record, targets, blobs }, target, names: source.names }
  }

  async #takeLayers({ layers }: ImageRecord, source: ImageSource, call: IntakeCall): Promise<void> {
    const { blobs, dir } = this.#deps
    for (const layer of layers) call.hold.add(layer.digest)
    const pathOf = ({ digest }: ImageLayer, signal: AbortSignal): string | Promise<string> =>
      blobs.find(digest) ? dir.blob(digest) : source.layerFile(digest, signal)
    const growing = async ({ digest }: ImageLayer, signal: AbortSignal): Promise<GrowingFile | undefined> =>
      blobs.find(digest) ? undefined : await source.growingFile?.(digest, signal)
    const verified = await this.#deps.layers.ensure(layers, { ...call, source: pathOf, growing })
    for (const layer of layers)
      if (!blobs.find(layer.digest)) await this.#keep(layer, await pathOf(layer, call.signal), verified, call)
  }

  /** Keeps the blob of a layer, whose digest was found right on the way or is made now. */
  async #keep(layer: ImageLayer, path: string, verified: ReadonlySet<Digest>, call: IntakeCall): Promise<void> {
    if (!verified.has(layer.digest)) {
      const found = await this.#deps.tool.digest(path, call.signal)
      if (found.digest !== layer.digest) throw mismatch(layer.digest, `the layer's blob has the digest ${found.digest}`)
    }
    await using file = await open(path, 'r')
    await file.sync()
    const { size } = await file.stat()
    if (size !== layer.size) throw mismatch(layer.digest, `the layer's blob has ${size} bytes, not ${layer.size}`)
    await this.#deps.blobs.adopt(path, { digest: layer.digest, size }, call.hold)
  }
}
