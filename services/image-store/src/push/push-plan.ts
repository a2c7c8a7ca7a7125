import { CaissonError } from '@caisson/api'
import {
  type Descriptor,
  type Digest,
  type ImageIndex,
  type ImageManifest,
  isForeignLayer,
  isIndexType,
  isManifestType,
  parseManifest,
} from '@caisson/oci'
import type { BlobStore } from '../content/blob-store.ts'
import { readLimited } from '../image/document.ts'
import type { FoundImage } from '../image/lookup.ts'

/** A manifest or an index as it is sent. */
export interface SentManifest {
  readonly digest: Digest
  readonly mediaType: string
  readonly bytes: Uint8Array
}

/** What a registry must have for an image: blobs, then manifests, those that others name first. The last gets the name. */
export interface PushPlan {
  readonly blobs: readonly Descriptor[]
  readonly manifests: readonly SentManifest[]
  readonly top: SentManifest
}

export interface PlanDeps {
  readonly blobs: BlobStore
  readonly limits: { readonly maxIndexDepth: number }
}

/**
 * Plans what is sent: what the name of the image means, when everything in it is held, and no platform is asked for; else
 * the manifest of the image alone.
 */
export async function planPush(
  image: FoundImage,
  onlyManifest: boolean,
  deps: PlanDeps,
  signal: AbortSignal,
): Promise<PushPlan> {
  const { record, target } = image
  const isWanted = ({ top }: PushPlan): boolean => !onlyManifest || !isIndexType(top.mediaType)
  for (const digest of new Set([target, record.manifest.digest])) {
    const planner = new Planner(deps, signal)
    const plan = (await planner.add(digest, undefined, 0)) ? planner.plan() : undefined
    if (plan && isWanted(plan)) return plan
  }
  throw new CaissonError('data-loss', `a part of image ${record.id} is lost: pull or load it again`, {
    reason: 'IMAGE_INCOMPLETE',
    details: { image: record.id },
  })
}

class Planner {
  readonly #deps: PlanDeps
  readonly #signal: AbortSignal
  readonly #blobs = new Map<Digest, Descriptor>()
  readonly #manifests = new Map<Digest, SentManifest>()

  constructor(deps: PlanDeps, signal: AbortSignal) {
    this.#deps = deps
    this.#signal = signal
  }

  /** Adds a manifest or an index and all below it. False: a part of it is not held. */
  async add(digest: Digest, mediaType: string | undefined, depth: number): Promise<boolean> {
    if (this.#manifests.has(digest)) return true
    if (!this.#deps.blobs.find(digest) || depth > this.#deps.limits.maxIndexDepth) return false
    const bytes = Buffer.concat(await Array.fromAsync(this.#deps.blobs.read(digest, 0, 0, this.#signal)))
    const read = readLimited(() => parseManifest(bytes, mediaType))
    const isWhole = read.kind === 'index' ? await this.#addChildren(read, depth) : this.#addBlobs(read)
    if (isWhole) this.#manifests.set(digest, { digest, mediaType: read.mediaType, bytes })
    return isWhole
  }

  plan(): PushPlan {
    const manifests = [...this.#manifests.values()]
    const top = manifests.at(-1)
    if (!top) throw new Error('there is nothing to push')
    return { blobs: [...this.#blobs.values()], manifests: manifests.slice(0, -1), top }
  }

  async #addChildren({ manifests }: ImageIndex, depth: number): Promise<boolean> {
    for (const { digest, mediaType } of manifests) {
      const isDocument = isManifestType(mediaType) || isIndexType(mediaType)
      if (!isDocument || !(await this.add(digest, mediaType, depth + 1))) return false
    }
    return true
  }

  #addBlobs({ config, layers }: ImageManifest): boolean {
    for (const blob of [config, ...layers]) {
      if (!this.#deps.blobs.find(blob.digest) && !isForeignLayer(blob.mediaType)) return false
      this.#blobs.set(blob.digest, blob)
    }
    return true
  }
}
