import { createHash } from 'node:crypto'
import type { IncomingHttpHeaders, IncomingMessage } from 'node:http'
import { crc32 } from 'node:zlib'
import { S3Error } from './s3-error.ts'

const MAX_BODY = 5 * 1024 ** 3

/** Reads the body and checks it against everything that the request says of it: length, SHA-256, MD5, checksums. */
export async function bodyOf(request: IncomingMessage): Promise<Buffer> {
  const { headers } = request
  const sent = await readAll(request)
  const payload = String(headers['x-amz-content-sha256'] ?? 'UNSIGNED-PAYLOAD')
  if (payload === 'STREAMING-UNSIGNED-PAYLOAD-TRAILER') {
    const { content, trailer } = chunked(sent)
    if (Number(headers['x-amz-decoded-content-length']) !== content.length) throw new S3Error(400, 'IncompleteBody')
    const promised = String(headers['x-amz-trailer'] ?? '')
    if (promised !== '' && trailer[promised] === undefined) throw new S3Error(400, 'MalformedTrailerError')
    checkSums(content, { ...headers, ...trailer })
    return content
  }
  if (payload.startsWith('STREAMING-')) throw new S3Error(501, 'NotImplemented', `no body of the kind ${payload}`)
  if (payload !== 'UNSIGNED-PAYLOAD' && payload !== hashOf('sha256', sent, 'hex'))
    throw new S3Error(400, 'XAmzContentSHA256Mismatch', 'The body is not the one that was signed.')
  checkSums(sent, headers)
  return sent
}

async function readAll(request: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = []
  let length = 0
  for await (const chunk of request as AsyncIterable<Buffer>) {
    chunks.push(chunk)
    length += chunk.length
    if (length > MAX_BODY) throw new S3Error(400, 'EntityTooLarge')
  }
  const promised = request.headers['content-length']
  if (promised !== undefined && Number(promised) !== length) throw new S3Error(400, 'IncompleteBody')
  return chunks.length === 1 && chunks[0] ? chunks[0] : Buffer.concat(chunks)
}

interface Chunked {
  readonly content: Buffer
  readonly trailer: Readonly<Record<string, string>>
}

/** aws-chunked: hexadecimal length, CRLF, bytes, CRLF, until a chunk of 0 bytes; then trailing headers. */
function chunked(sent: Buffer): Chunked {
  const parts: Buffer[] = []
  let at = 0
  const line = (): string => {
    const end = sent.indexOf('\r\n', at)
    if (end < 0) throw new S3Error(400, 'IncompleteBody')
    const text = sent.toString('latin1', at, end)
    at = end + 2
    return text
  }
  for (;;) {
    const size = Number.parseInt(line().split(';')[0] ?? '', 16)
    if (!Number.isSafeInteger(size) || at + size > sent.length) throw new S3Error(400, 'IncompleteBody')
    if (size === 0) break
    parts.push(sent.subarray(at, at + size))
    at += size
    if (line() !== '') throw new S3Error(400, 'InvalidChunkSizeError')
  }
  return { content: Buffer.concat(parts), trailer: trailerOf(sent.toString('latin1', at)) }
}

function trailerOf(text: string): Record<string, string> {
  const lines = text.split('\r\n').filter((line) => line !== '')
  return Object.fromEntries(
    lines.map((line) => {
      const colon = line.indexOf(':')
      return [line.slice(0, colon).toLowerCase(), line.slice(colon + 1).trim()]
    }),
  )
}

function checkSums(content: Buffer, headers: IncomingHttpHeaders): void {
  const md5 = headers['content-md5']
  if (md5 !== undefined && md5 !== hashOf('md5', content, 'base64')) throw new S3Error(400, 'BadDigest')
  for (const [name, value] of Object.entries(headers)) {
    const algorithm = /^x-amz-checksum-(crc32|crc32c|crc64nvme|sha1|sha256)$/.exec(name)?.[1]
    if (algorithm !== undefined && value !== checksum(algorithm, content))
      throw new S3Error(400, 'BadDigest', `The ${algorithm} of the body is another one.`)
  }
}

function checksum(algorithm: string, content: Buffer): string {
  if (algorithm === 'sha1' || algorithm === 'sha256') return hashOf(algorithm, content, 'base64')
  if (algorithm !== 'crc32') throw new S3Error(501, 'NotImplemented', `no checksum ${algorithm}`)
  const sum = Buffer.alloc(4)
  sum.writeUInt32BE(crc32(content))
  return sum.toString('base64')
}

const hashOf = (algorithm: string, content: Buffer, encoding: 'hex' | 'base64'): string =>
  createHash(algorithm).update(content).digest(encoding)
