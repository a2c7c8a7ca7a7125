import type { Digest } from '@caisson/oci'
import { sliceOf } from '../backend/slice.ts'
import { describeBlob, describePart, rangeOf } from './blob-headers.ts'
import type { Exchange } from './exchange.ts'
import type { IncomingBlob, PullThrough } from './ports.ts'

/** Answers with a blob that is not here yet. Undefined: what is here is to be looked at. */
export async function sendIncoming(
  exchange: Exchange,
  pullThrough: PullThrough,
  digest: Digest,
): Promise<unknown | undefined> {
  const { request, repository, signal } = exchange
  const isKnown = request.headers['if-none-match'] === `"${digest}"`
  if (request.method === 'HEAD' || isKnown) return await sendStat(exchange, pullThrough, digest, isKnown)
  const blob = await pullThrough.blob(repository, digest, signal)
  if (blob === undefined) return undefined
  try {
    return sendBytes(exchange, blob, digest)
  } catch (thrown) {
    blob[Symbol.dispose]()
    throw thrown
  }
}

async function sendStat(exchange: Exchange, pullThrough: PullThrough, digest: Digest, isKnown: boolean) {
  const { reply, repository, signal } = exchange
  const found = await pullThrough.blobStat(repository, digest, signal)
  if (found === undefined) return undefined
  describeBlob(exchange, digest)
  if (isKnown) return reply.code(304).send()
  if (found.size !== undefined) reply.header('content-length', found.size)
  return reply.send()
}

function sendBytes(exchange: Exchange, blob: IncomingBlob, digest: Digest): unknown {
  const { reply, signal } = exchange
  const { size } = blob
  describeBlob(exchange, digest)
  let part: { readonly first: number; readonly end?: number } = { first: 0 }
  // Of what has no known end no part can be told.
  if (size !== undefined) {
    const range = rangeOf(exchange, digest, size)
    if (range !== undefined) reply.header('content-range', `bytes */${size}`)
    const { first, length } = sliceOf(range, size)
    if (range !== undefined) describePart(exchange, { first, length, size })
    reply.header('content-length', length)
    part = { first, end: first + length }
  }
  const stream = blob.read(part.first, part.end, signal)
  stream.once('close', () => blob[Symbol.dispose]())
  return reply.send(stream)
}
