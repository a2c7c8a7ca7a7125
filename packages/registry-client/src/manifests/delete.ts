import { CaissonError } from '@caisson/api'
import { isDigest } from '@caisson/oci'
import { refusal } from '../refusal.ts'
import type { Session } from '../session.ts'

const REMOVED: ReadonlySet<number> = new Set([200, 202, 204])

/**
 * Removes a manifest by its digest, or a tag alone (end-9). False: it was not there. Throws `unimplemented`
 * REGISTRY_UNSUPPORTED where the registry does not do that: many know digests only.
 */
export async function deleteManifest(session: Session, reference: string, signal: AbortSignal): Promise<boolean> {
  const target = `/manifests/${reference}`
  const request = { method: 'DELETE', target, actions: 'delete', isRepeatable: true } as const
  const response = await session.send(request, signal)
  if (response.status === 404 || REMOVED.has(response.status)) {
    response.discard()
    return response.status !== 404
  }
  if (response.status !== 400 || isDigest(reference)) throw await refusal(session, response, `removal of ${reference}`)
  response.discard()
  const message = `${session.endpoint.host} removes no single tags: remove the manifest by its digest`
  throw new CaissonError('unimplemented', message, { reason: 'REGISTRY_UNSUPPORTED' })
}
