import { CaissonError } from '@caisson/api'
import type { UploadState } from '../backend/ports.ts'
import { parseDigestAtEdge, parseRepositoryName, type RepositoryName } from '../distribution/names.ts'
import type { RepositoryUploads } from '../distribution/uploads.ts'
import { bodyLength, hasBody } from './body.ts'
import type { Exchange } from './exchange.ts'
import { parseChunkRange } from './range.ts'

/** Whether the one who asks may pull from a repository. */
export type MayPull = (repository: RepositoryName) => Promise<boolean>

/** POST: mounts (end-11), takes a whole blob (end-4b), or begins an upload (end-4a, end-4c). */
export async function beginUpload(exchange: Exchange, uploads: RepositoryUploads, mayPull: MayPull): Promise<unknown> {
  const { query, repository, reply, request, signal } = exchange
  const mount = query.one('mount')
  if (mount !== undefined) {
    const from = query.one('from')
    const source = from === undefined || from === '' ? undefined : parseRepositoryName(from)
    const mounted = await uploads.mount(repository, parseDigestAtEdge(mount), source, mayPull)
    if (mounted !== undefined) return created(exchange, mounted.digest)
  }
  const digest = query.one('digest')
  const state = await uploads.begin(repository, algorithmOf(query.one('digest-algorithm'), digest))
  if (digest === undefined || mount !== undefined) return accepted(exchange, state, reply.code(202))
  try {
    const wanted = parseDigestAtEdge(digest)
    const length = bodyLength(request)
    await uploads.append(repository, state.id, length === undefined ? {} : { length }, request.raw, signal)
    await uploads.finish(repository, state.id, wanted)
    return created(exchange, wanted)
  } catch (thrown) {
    // Nobody else knows of it.
    await uploads.cancel(repository, state.id).catch(() => {})
    throw thrown
  }
}

function algorithmOf(asked: string | undefined, digest: string | undefined): UploadState['algorithm'] {
  const algorithm = asked ?? (digest?.startsWith('sha512:') ? 'sha512' : 'sha256')
  if (algorithm === 'sha256' || algorithm === 'sha512') return algorithm
  throw new CaissonError('invalid-argument', 'digest-algorithm is sha256 or sha512', { reason: 'DIGEST_INVALID' })
}

/** PATCH (end-5). */
export async function takeChunk(exchange: Exchange, uploads: RepositoryUploads, id: string): Promise<unknown> {
  return accepted(exchange, await append(exchange, uploads, id), exchange.reply.code(202))
}

/** PUT (end-6): may bring the last chunk. */
export async function finishUpload(exchange: Exchange, uploads: RepositoryUploads, id: string): Promise<unknown> {
  const { query, repository, request } = exchange
  const digest = parseDigestAtEdge(query.one('digest') ?? '')
  if (hasBody(request)) await append(exchange, uploads, id)
  await uploads.finish(repository, id, digest)
  return created(exchange, digest)
}

async function append(exchange: Exchange, uploads: RepositoryUploads, id: string): Promise<UploadState> {
  const { request, reply, repository, signal } = exchange
  const range = request.headers['content-range']
  const chunk = range === undefined ? {} : parseChunkRange(range, bodyLength(request))
  try {
    return await uploads.append(repository, id, chunk, request.raw, signal)
  } catch (thrown) {
    if (thrown instanceof CaissonError && thrown.reason === 'RANGE_INVALID')
      stand(exchange, await uploads.state(repository, id), reply)
    throw thrown
  }
}

/** GET (end-13). */
export async function sendUploadState(exchange: Exchange, uploads: RepositoryUploads, id: string): Promise<unknown> {
  return accepted(exchange, await uploads.state(exchange.repository, id), exchange.reply.code(204))
}

/** DELETE (end-14). */
export async function cancelUpload(exchange: Exchange, uploads: RepositoryUploads, id: string): Promise<unknown> {
  await uploads.cancel(exchange.repository, id)
  return exchange.reply.code(204).send()
}

function accepted(exchange: Exchange, state: UploadState, reply: Exchange['reply']): unknown {
  stand(exchange, state, reply)
  return reply.send()
}

/** Where an upload stands, and goes on. */
function stand({ spelled }: Exchange, { id, offset }: UploadState, reply: Exchange['reply']): void {
  reply
    .header('location', `/v2/${spelled}/blobs/uploads/${id}`)
    .header('range', `0-${Math.max(offset - 1, 0)}`)
    .header('docker-upload-uuid', id)
}

function created({ reply, spelled }: Exchange, digest: string): unknown {
  return reply
    .code(201)
    .header('location', `/v2/${spelled}/blobs/${digest}`)
    .header('docker-content-digest', digest)
    .send()
}
