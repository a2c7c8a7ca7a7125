import { checkMatch, checkWrite, emptyAnswer, metadataOf, type S3Context, xmlAnswer } from './context.ts'
import type { S3Answer, S3Call } from './request.ts'
import { noSuchKey, preconditionFailed, S3Error } from './s3-error.ts'
import { etagOf, md5Of, type StoredBucket, type StoredObject } from './store.ts'
import { elementsOf, textOf } from './xml.ts'

const MAX_COPY = 5 * 1024 ** 3
const MAX_DELETES = 1000

export function putObject(context: S3Context): S3Answer {
  checkWrite(context)
  const { call, bucket, body, now } = context
  const etag = etagOf(md5Of(body))
  const contentType = call.headers['content-type'] ?? 'binary/octet-stream'
  const metadata = metadataOf(call)
  bucket.put(call.key, { pieces: [body], size: body.length, etag, lastModified: now, contentType, metadata })
  return emptyAnswer(200, { etag })
}

/** GET and HEAD: the server leaves the body of a HEAD away. */
export function getObject({ call, bucket }: S3Context): S3Answer {
  const object = objectOf(bucket, call.key)
  checkMatch(call, object)
  const headers = {
    etag: object.etag,
    'last-modified': object.lastModified.toUTCString(),
    'content-type': object.contentType,
    'accept-ranges': 'bytes',
    ...object.metadata,
  }
  if (call.headers['if-none-match'] === object.etag) return emptyAnswer(304, headers)
  const range = rangeOf(call.headers.range, object.size)
  if (!range) return { status: 200, headers: { ...headers, 'content-length': object.size }, body: object.pieces }
  const { first, last } = range
  return {
    status: 206,
    headers: {
      ...headers,
      'content-length': last - first + 1,
      'content-range': `bytes ${first}-${last}/${object.size}`,
    },
    body: slice(object, first, last + 1),
  }
}

export function deleteObject({ call, bucket, conditional }: S3Context): S3Answer {
  const present = bucket.objects.get(call.key)
  const match = call.headers['if-match']
  if (conditional.deletes && match !== undefined && present && match !== '*' && match !== present.etag)
    throw preconditionFailed()
  bucket.delete(call.key)
  return emptyAnswer(204)
}

export function deleteObjects({ bucket, body, call }: S3Context): S3Answer {
  if (call.headers['content-md5'] === undefined && !Object.keys(call.headers).some(isChecksum))
    throw new S3Error(400, 'InvalidRequest', 'Missing required header for this request: Content-MD5')
  const keys = elementsOf(body.toString(), 'Object').map((inside) => textOf(inside, 'Key') ?? '')
  if (keys.length === 0 || keys.length > MAX_DELETES) throw new S3Error(400, 'MalformedXML')
  for (const key of keys) bucket.delete(key)
  const quiet = textOf(body.toString(), 'Quiet') === 'true'
  return xmlAnswer('DeleteResult', { Deleted: quiet ? undefined : keys.map((Key) => ({ Key })) })
}

const isChecksum = (name: string): boolean => name.startsWith('x-amz-checksum-')

export function copyObject(context: S3Context): S3Answer {
  checkWrite(context)
  const { call, bucket, now } = context
  const source = sourceOf(call, bucket)
  if (source.size > MAX_COPY) throw new S3Error(400, 'InvalidRequest', 'The source is larger than 5 GB.')
  const replaces = call.headers['x-amz-metadata-directive'] === 'REPLACE'
  if (call.key === sourceKey(call) && !replaces)
    throw new S3Error(400, 'InvalidRequest', 'This copy request is illegal: it changes nothing.')
  const content = source.pieces.length === 1 && source.pieces[0] ? source.pieces[0] : Buffer.concat(source.pieces)
  const etag = etagOf(md5Of(content))
  const metadata = replaces ? metadataOf(call) : source.metadata
  bucket.put(call.key, { ...source, etag, lastModified: now, metadata })
  return xmlAnswer('CopyObjectResult', { ETag: etag, LastModified: now.toISOString() })
}

/** The object that x-amz-copy-source names, after its conditions. Both are in one bucket. */
export function sourceOf(call: S3Call, bucket: StoredBucket): StoredObject {
  const source = objectOf(bucket, sourceKey(call))
  const match = call.headers['x-amz-copy-source-if-match']
  if (match !== undefined && match !== source.etag) throw preconditionFailed()
  return source
}

function sourceKey(call: S3Call): string {
  const path = decodeURIComponent(String(call.headers['x-amz-copy-source']).replace(/^\//, ''))
  if (!path.startsWith(`${call.bucket}/`)) throw new S3Error(501, 'NotImplemented', 'a copy from another bucket')
  return path.slice(call.bucket.length + 1)
}

function objectOf(bucket: StoredBucket, key: string): StoredObject {
  const object = bucket.objects.get(key)
  if (!object) throw noSuchKey()
  return object
}

export interface ByteRange {
  readonly first: number
  readonly last: number
}

/** One range of RFC 9110, cut to the size. Undefined: all of it, also when the header makes no sense. */
export function rangeOf(header: string | undefined, size: number): ByteRange | undefined {
  const match = /^bytes=(\d*)-(\d*)$/.exec(header ?? '')
  if (!match || (match[1] === '' && match[2] === '')) return undefined
  const suffix = match[1] === ''
  const first = suffix ? Math.max(size - Number(match[2]), 0) : Number(match[1])
  const last = suffix || match[2] === '' ? size - 1 : Math.min(Number(match[2]), size - 1)
  if (first >= size) throw new S3Error(416, 'InvalidRange', 'The requested range is not satisfiable.')
  return first > last ? undefined : { first, last }
}

/** Bytes [from, to) without copying them. */
export function slice({ pieces }: StoredObject, from: number, to: number): Buffer[] {
  let at = 0
  return pieces.flatMap((piece) => {
    const start = at
    at += piece.length
    return at <= from || start >= to ? [] : [piece.subarray(Math.max(from - start, 0), to - start)]
  })
}
