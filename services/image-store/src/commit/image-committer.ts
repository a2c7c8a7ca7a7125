import { type LayerCompression, MEDIA_TYPE, parseImageConfig } from '@caisson/oci'
import type { BlobStore } from '../content/blob-store.ts'
import type { Collector } from '../garbage/collector.ts'
import { buildConfig, buildManifest } from '../image/build-documents.ts'
import { applyChanges } from '../image/changes.ts'
import { readLimited } from '../image/document.ts'
import { type FoundImage, parseImageName } from '../image/lookup.ts'
import type { HistoryEntry, ImageLayer, ImageRecord, RunConfig } from '../image/ports.ts'
import type { Registrar } from '../image/registrar.ts'
import type { Hold } from '../lease/holds.ts'
import type { SnapshotRecord } from '../snapshot/ports.ts'
import type { Snapshots } from '../snapshot/snapshots.ts'
import { type LayerMaker, notWritable } from './layer-maker.ts'
import type { LayerStack, LayerStacks } from './layer-stack.ts'

export interface ImageCommitterDeps {
  readonly collector: Collector
  readonly blobs: BlobStore
  readonly snapshots: Snapshots
  readonly stacks: LayerStacks
  readonly maker: LayerMaker
  readonly registrar: Registrar
  readonly clock: () => number
}

export interface CommitImageRequest {
  /** Key. */
  readonly snapshot: string
  /** Empty: none. */
  readonly reference: string
  /** Undefined: that of the image the snapshot stands on. */
  readonly config: RunConfig | undefined
  /** Instructions of a Dockerfile. */
  readonly changes: readonly string[]
  readonly comment: string
  readonly author: string
  readonly createdBy: string
  readonly compression: LayerCompression
}

const CREATED_BY = 'caisson commit'
const READ_TIMEOUT_MS = 30_000

/** Makes images of snapshots: the layers they stand on, one more of what a writable one changed, and the image's config. */
export class ImageCommitter {
  readonly #deps: ImageCommitterDeps

  constructor(deps: ImageCommitterDeps) {
    this.#deps = deps
  }

  async commit(request: CommitImageRequest, signal: AbortSignal): Promise<FoundImage> {
    const { collector, snapshots, registrar } = this.#deps
    const names = request.reference === '' ? [] : [parseImageName(request.reference)]
    // Wrong changes are told before anything is read.
    applyChanges(request.config ?? this.#stackOf(request).image.config, request.changes)
    return await collector.guard(async (hold) => {
      const { image, committed } = await this.#layers(snapshots.get(request.snapshot), request, hold, signal)
      const record = await this.#writeDocuments(request, { image, committed }, hold)
      signal.throwIfAborted()
      const blobs = [record.manifest.digest, record.id, ...record.layers.map(({ digest }) => digest)]
      const draft = { record, targets: [record.digest], blobs }
      const [made] = registrar.register('committed', [{ draft, target: record.digest, names }])
      if (!made) throw new Error('an image that was registered is not there')
      return made
    })
  }

  #stackOf({ snapshot }: CommitImageRequest): LayerStack {
    return this.#deps.stacks.of(this.#deps.snapshots.get(snapshot))
  }

  /** The image, and the layers that come upon its own. */
  async #layers(
    snapshot: SnapshotRecord,
    { compression }: CommitImageRequest,
    hold: Hold,
    signal: AbortSignal,
  ): Promise<LayerStack> {
    if (snapshot.kind === 'view') throw notWritable(snapshot)
    if (snapshot.kind === 'active') {
      const { stack, layer } = await this.#deps.maker.make(snapshot, compression, hold, signal)
      return { image: stack.image, committed: [...stack.committed, layer] }
    }
    const stack = this.#deps.stacks.of(snapshot)
    for (const { digest, chainId } of [...stack.image.layers, ...stack.committed]) {
      hold.add(digest)
      hold.add(chainId)
    }
    return stack
  }

  async #writeDocuments(request: CommitImageRequest, stack: LayerStack, hold: Hold): Promise<ImageRecord> {
    const { blobs, clock } = this.#deps
    const { image } = stack
    const createdMs = clock()
    const created = new Date(createdMs).toISOString()
    const layers: ImageLayer[] = [...image.layers, ...stack.committed]
    const config = applyChanges(request.config ?? image.config, request.changes)
    const history = [...image.history, ...historyOf(request, stack, created)]
    const { platform } = image
    const diffIds = layers.map(({ diffId }) => diffId)
    const { author } = request
    const stopTimeoutSeconds = await this.#stopTimeout(image)
    const document = buildConfig({ platform, config, created, author, diffIds, history, stopTimeoutSeconds })
    const configBlob = await blobs.writeDocument(document, hold)
    const manifest = await blobs.writeDocument(buildManifest(configBlob, layers), hold)
    const { digest, size } = manifest
    return {
      id: configBlob.digest,
      digest,
      manifest: { mediaType: MEDIA_TYPE.ociManifest, digest, size },
      ...{ platform, config, layers, history, author, created, createdMs, storedMs: createdMs },
    }
  }

  /** A part of Docker's config that no container here runs by, and that is not to be lost. */
  async #stopTimeout({ id }: ImageRecord): Promise<number | undefined> {
    const { blobs } = this.#deps
    const chunks = await Array.fromAsync(blobs.read(id, 0, 0, AbortSignal.timeout(READ_TIMEOUT_MS)))
    return readLimited(() => parseImageConfig(Buffer.concat(chunks))).container.stopTimeoutSeconds
  }
}

/** One entry for each layer that is not of the image; the last one is that of this commit. */
function historyOf(request: CommitImageRequest, { committed }: LayerStack, created: string): HistoryEntry[] {
  const entry = { created, createdBy: request.createdBy || CREATED_BY, emptyLayer: false, comment: '', author: '' }
  const { comment, author } = request
  return committed.map((_, at) => (at === committed.length - 1 ? { ...entry, comment, author } : entry))
}
