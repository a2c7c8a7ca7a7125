import { invalid } from '@caisson/api'
import { type Digest, digestAlgorithm, digestOf, isDigest } from '@caisson/oci'
import { bufferBody } from '../auth/token.ts'
import { dataLoss } from '../errors.ts'
import { refusal } from '../refusal.ts'
import type { Session } from '../session.ts'

export interface StoredManifest {
  readonly digest: Digest
  /** What the registry lists the manifest as a referrer of by itself. */
  readonly listedUnder: string | undefined
}

/** Puts bytes under a tag or their digest. Throws DIGEST_MISMATCH, and what refusal makes. */
export async function storeManifest(
  session: Session,
  reference: string,
  { mediaType, bytes }: { readonly mediaType: string; readonly bytes: Uint8Array },
  signal: AbortSignal,
): Promise<StoredManifest> {
  const digest = isDigest(reference) ? digestOf(bytes, digestAlgorithm(reference)) : digestOf(bytes)
  if (isDigest(reference) && reference !== digest)
    throw invalid(`the manifest is ${digest}, not ${reference}`, { reason: 'DIGEST_MISMATCH' })
  const target = `/manifests/${reference}`
  const headers = { 'content-type': mediaType }
  const request = {
    method: 'PUT',
    target,
    headers,
    body: bufferBody(bytes),
    actions: 'pull,push',
    isRepeatable: true,
  } as const
  const response = await session.send(request, signal)
  if (response.status !== 201) throw await refusal(session, response, `manifest ${reference}`)
  response.discard()
  const told = response.header('docker-content-digest') ?? digest
  if (isDigest(told) && digestOf(bytes, digestAlgorithm(told)) === told)
    return { digest, listedUnder: response.header('oci-subject') }
  const message = `${session.endpoint.host} says that it has stored another manifest than ${digest}`
  throw dataLoss('DIGEST_MISMATCH', message, { details: { expected: digest } })
}
