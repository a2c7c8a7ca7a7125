import { CaissonError, exhausted } from '@caisson/api'
import {
  type Descriptor,
  type Digest,
  digestAlgorithm,
  digestOf,
  isDigest,
  MEDIA_TYPE,
  parseManifest,
} from '@caisson/oci'
import { dataLoss } from '../errors.ts'
import { parseLength } from '../headers/ranges.ts'
import type { HttpResponse } from '../http/response.ts'
import { refusal } from '../refusal.ts'
import type { FetchedManifest } from '../repository.ts'
import type { Session } from '../session.ts'

/** Everything that can be read; no schema 1. */
const ACCEPT = [MEDIA_TYPE.ociIndex, MEDIA_TYPE.ociManifest, MEDIA_TYPE.dockerIndex, MEDIA_TYPE.dockerManifest].join(
  ', ',
)

/** Throws what refusal makes, DIGEST_MISMATCH, SIZE_MISMATCH, MANIFEST_TOO_LARGE, and what parseManifest throws. */
export async function fetchManifest(
  session: Session,
  reference: string,
  signal: AbortSignal,
): Promise<FetchedManifest> {
  const response = await ask(session, 'GET', reference, signal)
  if (response.status !== 200) throw await refusal(session, response, `manifest ${reference}`)
  const bytes = await readWhole(session, response, reference)
  const digest = checkedDigest(session, reference, response, bytes)
  const { mediaType } = parseManifest(bytes, response.header('content-type'))
  return { digest, mediaType, bytes }
}

/** As fetchManifest; undefined: not there. */
export async function findManifest(
  session: Session,
  reference: string,
  signal: AbortSignal,
): Promise<FetchedManifest | undefined> {
  try {
    return await fetchManifest(session, reference, signal)
  } catch (error) {
    if (error instanceof CaissonError && error.code === 'not-found') return undefined
    throw error
  }
}

/** By HEAD; by GET where the registry tells too little, or knows no HEAD. Undefined: not there. */
export async function resolveManifest(
  session: Session,
  reference: string,
  signal: AbortSignal,
): Promise<Descriptor | undefined> {
  const response = await ask(session, 'HEAD', reference, signal)
  response.discard()
  if (response.status === 404) return undefined
  if (response.status === 200) {
    const told = describedBy(response, reference)
    if (told) return told
  } else if (response.status !== 405 && response.status !== 400) {
    throw await refusal(session, response, `manifest ${reference}`)
  }
  const manifest = await findManifest(session, reference, signal)
  return manifest && { mediaType: manifest.mediaType, digest: manifest.digest, size: manifest.bytes.length }
}

function ask(session: Session, method: 'GET' | 'HEAD', reference: string, signal: AbortSignal): Promise<HttpResponse> {
  const target = `/manifests/${reference}`
  return session.send({ method, target, headers: { accept: ACCEPT }, isRepeatable: true }, signal)
}

/** Undefined unless the headers tell everything, and what they tell fits the digest that was asked for. */
function describedBy(response: HttpResponse, reference: string): Descriptor | undefined {
  const digest = response.header('docker-content-digest') ?? (isDigest(reference) ? reference : '')
  const mediaType = response.header('content-type')?.split(';')[0]?.trim() ?? ''
  const size = parseLength(response.header('content-length'))
  if (!isDigest(digest) || size === undefined || !ACCEPT.split(', ').includes(mediaType)) return undefined
  return isDigest(reference) && reference !== digest ? undefined : { mediaType, digest, size }
}

async function readWhole(session: Session, response: HttpResponse, reference: string): Promise<Buffer> {
  const most = session.wire.maxManifestBytes
  const announced = parseLength(response.header('content-length'))
  const bytes = await response.bytes(most).catch((error: unknown) => {
    if (!(error instanceof Error && 'reason' in error && error.reason === 'REGISTRY_ANSWER_TOO_LARGE')) throw error
    throw exhausted('MANIFEST_TOO_LARGE', `the manifest ${reference} has more than ${most} bytes, which is the limit`)
  })
  if (announced === undefined || announced === bytes.length) return bytes
  throw dataLoss('SIZE_MISMATCH', `the manifest ${reference} came with ${bytes.length} of ${announced} bytes`)
}

/** What was asked for, what the registry says, and what the bytes are have to be the same. */
function checkedDigest(session: Session, reference: string, response: HttpResponse, bytes: Buffer): Digest {
  const told = response.header('docker-content-digest') ?? ''
  const expected = [reference, told].filter(isDigest)
  for (const digest of expected) {
    const actual = digestOf(bytes, digestAlgorithm(digest))
    if (actual !== digest) {
      const message = `${session.endpoint.host} sends for the manifest ${reference} what is ${actual}, not ${digest}`
      throw dataLoss('DIGEST_MISMATCH', message, { details: { expected: digest, actual } })
    }
  }
  return expected[0] ?? digestOf(bytes)
}
