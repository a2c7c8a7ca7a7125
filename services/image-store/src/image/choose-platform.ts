import { notFound } from '@caisson/api'
import {
  type Descriptor,
  formatPlatform,
  hostPlatform,
  type ImageIndex,
  type Platform,
  platformFit,
  selectManifest,
} from '@caisson/oci'

/** The child of an index for a platform, the host's when none is wanted. NOT_FOUND when there is none. */
export function choosePlatform(
  index: Pick<ImageIndex, 'manifests'>,
  platform: Platform | undefined,
  where: string,
): Descriptor {
  const wanted = platform ?? hostPlatform()
  const chosen = selectManifest(index, wanted)
  const fits = chosen && (!chosen.platform || platformFit(wanted, chosen.platform) !== undefined)
  if (chosen && fits) return chosen
  const there = index.manifests.flatMap((child) => (child.platform ? [formatPlatform(child.platform)] : []))
  throw notFound('platform', formatPlatform(wanted), `${where} has ${there.join(', ') || 'none'}`)
}
