import { CaissonError, failedPrecondition } from '@caisson/api'
import { type Descriptor, type Digest, MEDIA_TYPE, parseManifest } from '@caisson/oci'
import type { Session } from '../session.ts'
import { findManifest } from './fetch.ts'
import { storeManifest } from './store.ts'

/** Where registries without the referrers API keep the list of a subject's referrers (distribution-spec, "Referrers tag schema"). */
export function fallbackTag(subject: Digest): string {
  const colon = subject.indexOf(':')
  return `${subject.slice(0, Math.min(colon, 32))}-${subject.slice(colon + 1, colon + 1 + 64)}`
}

/** No list is an empty one. Throws REFERRERS_INVALID when the tag holds something else. */
export async function readFallback(
  session: Session,
  subject: Digest,
  signal: AbortSignal,
): Promise<readonly Descriptor[]> {
  const tag = fallbackTag(subject)
  const found = await findManifest(session, tag, signal)
  if (!found) return []
  const index = parseManifest(found.bytes, found.mediaType)
  if (index.kind === 'index') return index.manifests
  throw failedPrecondition('REFERRERS_INVALID', `the tag ${tag} of ${session.repository} holds no list of referrers`)
}

/** Adds a manifest to the list, unless it is there. Two who do this at once may lose one: registries have no lock. */
export async function addToFallback(
  session: Session,
  subject: Digest,
  manifest: Descriptor,
  signal: AbortSignal,
): Promise<void> {
  const listed = await readFallback(session, subject, signal)
  if (listed.some(({ digest }) => digest === manifest.digest)) return
  const index = { schemaVersion: 2, mediaType: MEDIA_TYPE.ociIndex, manifests: [...listed.map(plain), plain(manifest)] }
  const bytes = Buffer.from(JSON.stringify(index))
  if (bytes.length > session.wire.maxManifestBytes)
    throw new CaissonError('resource-exhausted', `${subject} has too many referrers for one list`, {
      reason: 'MANIFEST_TOO_LARGE',
    })
  await storeManifest(session, fallbackTag(subject), { mediaType: MEDIA_TYPE.ociIndex, bytes }, signal)
}

/** As it stands in JSON. */
function plain({ data, platform, ...rest }: Descriptor): object {
  return { ...rest, ...(data && { data: Buffer.from(data).toString('base64') }), ...(platform && { platform }) }
}
