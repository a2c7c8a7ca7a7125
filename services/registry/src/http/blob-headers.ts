import type { Digest } from '@caisson/oci'
import type { BlobReader, ByteRange } from '../backend/ports.ts'
import type { Exchange } from './exchange.ts'
import { parseRange } from './range.ts'

export function describeBlob({ reply }: Exchange, digest: Digest): void {
  reply
    .header('content-type', 'application/octet-stream')
    .header('docker-content-digest', digest)
    .header('etag', `"${digest}"`)
    .header('accept-ranges', 'bytes')
}

/** What part of a blob is asked for. Undefined: all. */
export function rangeOf({ request }: Exchange, digest: Digest, size: number): ByteRange | undefined {
  const ifRange = request.headers['if-range']
  const isForThisBlob = ifRange === undefined || ifRange === `"${digest}"`
  return isForThisBlob ? parseRange(request.headers.range, size) : undefined
}

export function describePart(
  { reply }: Exchange,
  { first, length, size }: Pick<BlobReader, 'first' | 'length' | 'size'>,
): void {
  reply.code(206).header('content-range', `bytes ${first}-${first + length - 1}/${size}`)
}
