import type { Socket } from 'node:net'
import { TLSSocket } from 'node:tls'
import { CaissonError } from '@caisson/api'
import type { BlobReader } from '../backend/ports.ts'
import type { RepositoryBlobs } from '../distribution/blobs.ts'
import { parseDigestAtEdge } from '../distribution/names.ts'
import { describeBlob, describePart, rangeOf } from './blob-headers.ts'
import type { Exchange } from './exchange.ts'
import { findIncoming, sendIncoming } from './incoming-blob.ts'
import type { FileSender, PullThrough } from './ports.ts'
import { sendFile } from './send-file.ts'

/** From this size on the ways that spare copies are worth their beginning. */
const WORTH_SENDING = 64 * 1024

export interface BlobSending {
  readonly blobs: RepositoryBlobs
  readonly pullThrough: PullThrough | undefined
  /** Absent: everything goes through streams. */
  readonly sender: FileSender | undefined
  /** Milliseconds without progress after which a client is given up. */
  readonly idleMs: number
}

/** GET and HEAD of a blob (end-2). */
export async function sendBlob(exchange: Exchange, sending: BlobSending, text: string): Promise<unknown> {
  const { request, reply, repository, signal } = exchange
  const digest = parseDigestAtEdge(text)
  const incoming = sending.pullThrough && (await findIncoming(exchange, sending.pullThrough, digest))
  if (incoming !== undefined) return sendIncoming(exchange, incoming, digest)
  const { size } = await sending.blobs.stat(repository, digest)
  describeBlob(exchange, digest)
  if (request.headers['if-none-match'] === `"${digest}"`) return reply.code(304).send()
  if (request.method === 'HEAD') return reply.header('content-length', size).send()
  const range = rangeOf(exchange, digest, size)
  const reader = await sending.blobs.open(repository, digest, range, signal).catch((thrown: unknown) => {
    if (thrown instanceof CaissonError && thrown.reason === 'RANGE_INVALID')
      reply.header('content-range', `bytes */${size}`)
    throw thrown
  })
  if (range !== undefined) describePart(exchange, reader)
  reply.header('content-length', reader.length)
  return await send(exchange, sending, reader)
}

async function send(exchange: Exchange, { sender, idleMs }: BlobSending, reader: BlobReader): Promise<unknown> {
  const { request, reply } = exchange
  if (
    sender !== undefined &&
    reader.file !== undefined &&
    reader.length >= WORTH_SENDING &&
    isPlain(request.raw.socket)
  )
    return await sendFile(exchange, sender, reader, idleMs)
  const stream = reader.stream()
  stream.once('close', () => void reader[Symbol.asyncDispose]())
  return reply.send(stream)
}

/** Of the connection itself: what a proxy says of its own is another matter. */
const isPlain = (socket: Socket): boolean => !(socket instanceof TLSSocket)

/** DELETE of a blob (end-10). */
export async function deleteBlob(exchange: Exchange, blobs: RepositoryBlobs, text: string): Promise<unknown> {
  await blobs.delete(exchange.repository, parseDigestAtEdge(text))
  return exchange.reply.code(202).send()
}
