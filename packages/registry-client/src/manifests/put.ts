import { type Descriptor, type Digest, type ImageIndex, type ImageManifest, parseManifest } from '@caisson/oci'
import type { Session } from '../session.ts'
import { addToFallback } from './fallback-tag.ts'
import { storeManifest } from './store.ts'

/**
 * Checks and puts a manifest. One with a subject is found among the subject's referrers afterwards: by the registry, or by
 * the fallback tag where the registry does not say that it does. Throws what parseManifest and storeManifest throw.
 */
export async function putManifest(
  session: Session,
  reference: string,
  manifest: { readonly mediaType: string; readonly bytes: Uint8Array },
  signal: AbortSignal,
): Promise<{ digest: Digest; subject: Digest | undefined }> {
  const parsed = parseManifest(manifest.bytes, manifest.mediaType)
  const { digest, listedUnder } = await storeManifest(session, reference, manifest, signal)
  const subject = parsed.subject?.digest
  if (subject !== undefined && listedUnder !== subject)
    await addToFallback(session, subject, referrer(parsed, digest, manifest.bytes.length), signal)
  return { digest, subject }
}

function referrer(manifest: ImageManifest | ImageIndex, digest: Digest, size: number): Descriptor {
  const { mediaType, annotations } = manifest
  const artifactType = manifest.artifactType ?? (manifest.kind === 'manifest' ? manifest.config.mediaType : undefined)
  return { mediaType, digest, size, annotations, ...(artifactType !== undefined && { artifactType }) }
}
