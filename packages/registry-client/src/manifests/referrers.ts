import { exhausted, failedPrecondition } from '@caisson/api'
import { type Descriptor, type Digest, MEDIA_TYPE, parseManifest } from '@caisson/oci'
import type { HttpResponse } from '../http/response.ts'
import { pages } from '../pages.ts'
import { refusal } from '../refusal.ts'
import type { Session } from '../session.ts'
import { readFallback } from './fallback-tag.ts'

const MAX_REFERRERS = 10_000

/**
 * From the referrers API, or from the fallback tag where there is none; filtered here too, as registries may not. Throws
 * REGISTRY_ANSWER_INVALID, LIMIT_EXCEEDED, and what refusal makes.
 */
export async function listReferrers(
  session: Session,
  subject: Digest,
  artifactType: string | undefined,
  signal: AbortSignal,
): Promise<Descriptor[]> {
  const all = (await fromApi(session, subject, artifactType, signal)) ?? (await readFallback(session, subject, signal))
  return all.filter((referrer) => artifactType === undefined || referrer.artifactType === artifactType)
}

/** Undefined: the registry has no such API. */
async function fromApi(
  session: Session,
  subject: Digest,
  artifactType: string | undefined,
  signal: AbortSignal,
): Promise<Descriptor[] | undefined> {
  const query: Record<string, string> = artifactType === undefined ? {} : { artifactType }
  const headers = { accept: MEDIA_TYPE.ociIndex }
  const request = { method: 'GET', target: `/referrers/${subject}`, query, headers, isRepeatable: true } as const
  const found: Descriptor[] = []
  for await (const response of pages(session, request, signal)) {
    if (response.status === 404 || response.status === 405) {
      response.discard()
      return undefined
    }
    found.push(...(await readPage(session, response, subject)))
    if (found.length > MAX_REFERRERS)
      throw exhausted('LIMIT_EXCEEDED', `${subject} has more than ${MAX_REFERRERS} referrers, which are not read`)
  }
  return found
}

async function readPage(session: Session, response: HttpResponse, subject: Digest): Promise<readonly Descriptor[]> {
  if (response.status !== 200) throw await refusal(session, response, `referrers of ${subject}`)
  const page = parseManifest(await response.bytes(session.wire.maxManifestBytes), response.header('content-type'))
  if (page.kind === 'index') return page.manifests
  throw failedPrecondition('REGISTRY_ANSWER_INVALID', `${session.endpoint.host} answers with no list of referrers`)
}
