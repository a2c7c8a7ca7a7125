import { type CaissonError, unavailable } from '@caisson/api'
import type { Digest } from '@caisson/oci'
import { dataLoss } from '../errors.ts'
import { parseContentRange, parseLength } from '../headers/ranges.ts'
import type { HttpResponse } from '../http/response.ts'
import { refusal } from '../refusal.ts'
import type { BlobStream, WantedBlob } from '../repository.ts'
import type { Session } from '../session.ts'

/**
 * Opens a blob at an offset. An answer 206 has to begin there and end at the blob's end; 200 is the whole blob. Throws
 * what refusal makes, SIZE_MISMATCH, and from the chunks SIZE_MISMATCH or BLOB_TRUNCATED.
 */
export async function openBlob(
  session: Session,
  blob: WantedBlob,
  offset: number,
  signal: AbortSignal,
): Promise<BlobStream> {
  const headers = offset > 0 ? { range: `bytes=${offset}-` } : {}
  const target = `/blobs/${blob.digest}`
  const response = await session.send({ method: 'GET', target, headers, isRepeatable: true }, signal)
  if (response.status === 206 && offset > 0) return partOf(response, blob, offset)
  if (response.status === 200) return streamOf(response, blob, 0)
  // The registry has no byte after the offset: it holds another blob than this one, or the caller has it all.
  throw response.status === 416
    ? lie(response, blob, 'has fewer bytes')
    : await refusal(session, response, `blob ${blob.digest}`)
}

/** Undefined: not there. */
export async function statBlob(
  session: Session,
  digest: Digest,
  signal: AbortSignal,
): Promise<{ readonly size: number | undefined } | undefined> {
  const response = await session.send({ method: 'HEAD', target: `/blobs/${digest}`, isRepeatable: true }, signal)
  response.discard()
  if (response.status === 200) return { size: parseLength(response.header('content-length')) }
  if (response.status === 404) return undefined
  throw await refusal(session, response, `blob ${digest}`)
}

function partOf(response: HttpResponse, blob: WantedBlob, offset: number): BlobStream {
  const range = parseContentRange(response.header('content-range') ?? '')
  const size = blob.size ?? range?.total
  const isRight = range?.first === offset && range.last + 1 === size && (range.total ?? size) === size
  if (!isRight) throw lie(response, blob, 'answers with another range than was asked for')
  return { ...streamOf(response, { ...blob, size }, offset), size }
}

function streamOf(response: HttpResponse, blob: WantedBlob, offset: number): BlobStream {
  const length = parseLength(response.header('content-length'))
  const announced = length === undefined ? undefined : offset + length
  if (announced !== undefined && announced !== (blob.size ?? announced))
    throw lie(response, blob, 'announces another length')
  const size = blob.size ?? announced
  const left = size === undefined ? undefined : size - offset
  return { offset, size: announced, chunks: left === undefined ? response.chunks() : exactly(response, blob, left) }
}

/** The very buffers of the connection, counted. */
async function* exactly(response: HttpResponse, blob: WantedBlob, length: number): AsyncGenerator<Buffer> {
  let left = length
  for await (const chunk of response.chunks()) {
    left -= chunk.length
    if (left < 0) throw lie(response, blob, 'sends more bytes')
    yield chunk
  }
  if (left === 0) return
  const message = `${response.url.host} broke off ${left} bytes before the end of the blob ${blob.digest}: try again`
  throw unavailable('BLOB_TRUNCATED', message, { details: { digest: blob.digest } })
}

function lie(response: HttpResponse, blob: WantedBlob, what: string): CaissonError {
  response.discard()
  const message = `${response.url.host} ${what} for the blob ${blob.digest}${blob.size === undefined ? '' : ` of ${blob.size} bytes`}`
  return dataLoss('SIZE_MISMATCH', message, { details: { digest: blob.digest } })
}
