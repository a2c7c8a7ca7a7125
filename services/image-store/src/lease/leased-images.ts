import { CaissonError } from '@caisson/api'
import { type Digest, isDigest } from '@caisson/oci'
import { parseImageName } from '../image/lookup.ts'
import type { ImageRecord, ImageTable, NameTable } from '../image/ports.ts'
import type { LeasedImages } from './leases.ts'

/** Finds what a lease keeps of the images that a name, a digest or an id means: of an index, those of all platforms. */
export function leasedImages(images: ImageTable, names: NameTable): LeasedImages {
  const meant = (resource: string): ImageRecord[] => {
    const target = isDigest(resource) ? resource : targetOf(resource)
    const byId = target && images.get(target)
    if (byId) return [byId]
    return target ? images.byTarget(target) : []
  }
  const targetOf = (resource: string): Digest | undefined => {
    try {
      return names.get(parseImageName(resource))
    } catch (error) {
      // A key of a snapshot need not be a reference.
      if (CaissonError.from(error).code === 'invalid-argument') return undefined
      throw error
    }
  }
  return {
    contentOf: (resource) =>
      meant(resource).flatMap(({ id, layers }) => [
        id,
        ...images.targets(id),
        ...images.blobs(id),
        ...layers.map(({ chainId }) => chainId),
      ]),
  }
}
