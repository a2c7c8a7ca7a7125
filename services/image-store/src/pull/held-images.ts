import { type Digest, hostPlatform, type Platform } from '@caisson/oci'
import type { BlobStore } from '../content/blob-store.ts'
import { bestFit } from '../image/platform.ts'
import type { ImageDraft, ImageRecord, ImageTable, NameTable } from '../image/ports.ts'
import type { WantedImage } from './wanted-image.ts'

export interface HeldImagesDeps {
  readonly images: ImageTable
  readonly names: NameTable
  readonly blobs: BlobStore
}

/** Images that need not be pulled, for all of them is here. */
export class HeldImages {
  readonly #deps: HeldImagesDeps

  constructor(deps: HeldImagesDeps) {
    this.#deps = deps
  }

  /** Whether something is known under the name or the digest: then it is worth asking for the digest alone. */
  isLikely({ digest, names: [name] }: WantedImage): boolean {
    const { images, names } = this.#deps
    return digest ? images.byTarget(digest).length > 0 : name !== undefined && names.get(name) !== undefined
  }

  /** The image that the digest of a manifest or an index means for a platform, if every blob of it is held. */
  find(digest: Digest, platform: Platform | undefined): ImageDraft | undefined {
    const { images, blobs } = this.#deps
    const record = this.#choose(digest, platform)
    if (!record) return undefined
    const content = images.blobs(record.id)
    if (!content.every((blob) => blobs.find(blob))) return undefined
    return { record, targets: images.targets(record.id), blobs: content }
  }

  #choose(digest: Digest, platform: Platform | undefined): ImageRecord | undefined {
    const offers = this.#deps.images.byTarget(digest)
    const fit = bestFit(offers, platform ?? hostPlatform())
    // A manifest is meant whatever it was built for, unless another platform is asked for.
    return fit ?? (platform ? undefined : offers.find(({ manifest }) => manifest.digest === digest))
  }
}
