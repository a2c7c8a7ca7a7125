import { CaissonError } from '@caisson/api'
import { MAX_MANIFEST_BYTES } from '@caisson/oci'
import type { FastifyReply } from 'fastify'
import type { ManifestStat } from '../backend/ports.ts'
import { manifestUnknown } from '../distribution/errors.ts'
import type { RepositoryManifests } from '../distribution/manifests.ts'
import { parseManifestReference, parseTagName, type Reference } from '../distribution/names.ts'
import { accepts } from './accept.ts'
import { readBody } from './body.ts'
import type { Exchange } from './exchange.ts'

const MOST_TAGS = 100

/** GET and HEAD of a manifest (end-3). */
export async function sendManifest(exchange: Exchange, manifests: RepositoryManifests, text: string): Promise<unknown> {
  const { request, reply, repository } = exchange
  const reference = existing(text)
  const isHead = request.method === 'HEAD'
  const found = isHead ? await manifests.stat(repository, reference) : await manifests.get(repository, reference)
  if (!accepts(request.headers.accept, found.mediaType)) {
    const message = `the manifest is of type ${found.mediaType}, which the request does not accept`
    throw new CaissonError('not-found', message, { reason: 'MANIFEST_UNKNOWN', details: { reference: text } })
  }
  describe(reply, found)
  if (request.headers['if-none-match'] === etag(found)) return reply.code(304).send()
  if (!('bytes' in found)) return reply.header('content-length', found.size).send()
  return reply.send(found.bytes)
}

function describe(reply: FastifyReply, found: ManifestStat): void {
  reply
    .header('content-type', found.mediaType)
    .header('docker-content-digest', found.digest)
    .header('etag', etag(found))
}

const etag = ({ digest }: ManifestStat): string => `"${digest}"`

/** PUT of a manifest (end-7a, end-7b). */
export async function takeManifest(exchange: Exchange, manifests: RepositoryManifests, text: string): Promise<unknown> {
  const { request, reply, query, repository, spelled } = exchange
  const reference = parseManifestReference(text)
  const asked = query.all('tag')
  if (asked.length > MOST_TAGS)
    throw new CaissonError('invalid-argument', `at most ${MOST_TAGS} tags are set at once`, { reason: 'TAGS_TOO_MANY' })
  const tags = asked.map(parseTagName)
  const bytes = await readBody(request, MAX_MANIFEST_BYTES)
  const contentType = request.headers['content-type']
  const pushed = await manifests.put({ repository, reference, tags, contentType, bytes })
  if (tags.length > 0) reply.header('oci-tag', tags)
  if (pushed.subject !== undefined) reply.header('oci-subject', pushed.subject)
  return reply
    .code(201)
    .header('location', `/v2/${spelled}/manifests/${pushed.digest}`)
    .header('docker-content-digest', pushed.digest)
    .send()
}

/** DELETE of a manifest or tag (end-9). */
export async function deleteManifest(
  exchange: Exchange,
  manifests: RepositoryManifests,
  text: string,
): Promise<unknown> {
  await manifests.delete(exchange.repository, existing(text))
  return exchange.reply.code(202).send()
}

/** What is no tag cannot exist; a digest that is none is the client's mistake. */
export function existing(text: string): Reference {
  try {
    return parseManifestReference(text)
  } catch (thrown) {
    if (thrown instanceof CaissonError && thrown.reason === 'TAG_INVALID') throw manifestUnknown(text.slice(0, 128))
    throw thrown
  }
}
