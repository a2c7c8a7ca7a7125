import type { Descriptor } from './descriptor.ts'
import type { ImageIndex } from './manifest.ts'
import { isIndexType, isManifestType } from './media-type.ts'
import { type Platform, platformFit } from './platform.ts'

const REFERENCE_TYPE = 'vnd.docker.reference.type'

/** A signature or provenance that builders put beside an image: no image. */
export function isAttestation(descriptor: Descriptor): boolean {
  const { platform, annotations } = descriptor
  const isUnknown = platform?.os === 'unknown' && platform.architecture === 'unknown'
  return isUnknown || (annotations !== undefined && Object.hasOwn(annotations, REFERENCE_TYPE))
}

/**
 * The child of an index to run on a platform: the best variant that it can run, the first of equals. A child that does
 * not say what it is for is taken only when no other fits.
 */
export function selectManifest(index: Pick<ImageIndex, 'manifests'>, wanted: Platform): Descriptor | undefined {
  let best: { readonly descriptor: Descriptor; readonly fit: number } | undefined
  for (const descriptor of index.manifests) {
    if (isAttestation(descriptor) || !(isManifestType(descriptor.mediaType) || isIndexType(descriptor.mediaType)))
      continue
    const fit = descriptor.platform === undefined ? -1 : platformFit(wanted, descriptor.platform)
    if (fit !== undefined && (best === undefined || fit > best.fit)) best = { descriptor, fit }
  }
  return best?.descriptor
}
