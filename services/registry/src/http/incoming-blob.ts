import type { Digest } from '@caisson/oci'
import { sliceOf } from '../backend/slice.ts'
import { describeBlob, describePart, rangeOf } from './blob-headers.ts'
import type { Exchange } from './exchange.ts'
import type { IncomingBlob, PullThrough } from './ports.ts'

/** What the request gets of a blob that is not here yet. */
export type Incoming =
  | { readonly kind: 'head'; readonly size: number | undefined }
  | { readonly kind: 'unchanged' }
  | { readonly kind: 'bytes'; readonly blob: IncomingBlob }

/** Undefined: what is here is to be looked at. */
export async function findIncoming(
  { request, repository, signal }: Exchange,
  pullThrough: PullThrough,
  digest: Digest,
): Promise<Incoming | undefined> {
  const isUnchanged = request.headers['if-none-match'] === `"${digest}"`
  if (request.method === 'HEAD' || isUnchanged) {
    const found = await pullThrough.blobStat(repository, digest, signal)
    return found && (isUnchanged ? { kind: 'unchanged' } : { kind: 'head', size: found.size })
  }
  const blob = await pullThrough.blob(repository, digest, signal)
  return blob && { kind: 'bytes', blob }
}

export function sendIncoming(exchange: Exchange, incoming: Incoming, digest: Digest): unknown {
  const { reply } = exchange
  describeBlob(exchange, digest)
  if (incoming.kind === 'unchanged') return reply.code(304).send()
  if (incoming.kind === 'bytes') return sendBytes(exchange, incoming.blob, digest)
  if (incoming.size !== undefined) reply.header('content-length', incoming.size)
  return reply.send()
}

function sendBytes(exchange: Exchange, blob: IncomingBlob, digest: Digest): unknown {
  try {
    const { first, end } = describeWanted(exchange, blob, digest)
    const stream = blob.read(first, end, exchange.signal)
    stream.once('close', () => blob[Symbol.dispose]())
    return exchange.reply.send(stream)
  } catch (thrown) {
    blob[Symbol.dispose]()
    throw thrown
  }
}

/** Of what has no known end no part can be told: all is sent. */
function describeWanted(exchange: Exchange, { size }: IncomingBlob, digest: Digest): { first: number; end?: number } {
  const { reply } = exchange
  if (size === undefined) return { first: 0 }
  const range = rangeOf(exchange, digest, size)
  if (range !== undefined) reply.header('content-range', `bytes */${size}`)
  const { first, length } = sliceOf(range, size)
  if (range !== undefined) describePart(exchange, { first, length, size })
  reply.header('content-length', length)
  return { first, end: first + length }
}
