import { checkWrite, emptyAnswer, metadataOf, type S3Context, xmlAnswer } from './context.ts'
import { rangeOf, slice, sourceOf } from './objects.ts'
import type { S3Answer, S3Call } from './request.ts'
import { S3Error } from './s3-error.ts'
import { etagOf, md5Of, type StoredPart, type StoredUpload } from './store.ts'
import { elementsOf, textOf } from './xml.ts'

const MAX_PARTS = 10_000
const MAX_PAGE = 1000

export function createMultipartUpload({ call, bucket, now }: S3Context): S3Answer {
  const contentType = call.headers['content-type'] ?? 'binary/octet-stream'
  const upload = bucket.begin(call.key, { initiated: now, contentType, metadata: metadataOf(call) })
  return xmlAnswer('InitiateMultipartUploadResult', { Bucket: call.bucket, Key: call.key, UploadId: upload.id })
}

export function uploadPart({ call, bucket, body, now }: S3Context): S3Answer {
  const etag = keep(bucket.upload(call.key, uploadId(call)), partNumber(call), body, now)
  return emptyAnswer(200, { etag })
}

export function uploadPartCopy({ call, bucket, now }: S3Context): S3Answer {
  const upload = bucket.upload(call.key, uploadId(call))
  const source = sourceOf(call, bucket)
  const range = rangeOf(String(call.headers['x-amz-copy-source-range'] ?? ''), source.size)
  const pieces = range ? slice(source, range.first, range.last + 1) : source.pieces
  const etag = keep(upload, partNumber(call), Buffer.concat(pieces), now)
  return xmlAnswer('CopyPartResult', { ETag: etag, LastModified: now.toISOString() })
}

function keep(upload: StoredUpload, number: number, content: Buffer, now: Date): string {
  const md5 = md5Of(content)
  upload.parts.set(number, { content, md5, lastModified: now })
  return etagOf(md5)
}

export function completeMultipartUpload(context: S3Context): S3Answer {
  const { call, bucket, body, now, minPartSize } = context
  const upload = bucket.upload(call.key, uploadId(call))
  const parts = chosenParts(upload, body.toString())
  if (parts.some((part, index) => index < parts.length - 1 && part.content.length < minPartSize))
    throw new S3Error(400, 'EntityTooSmall', 'A part other than the last is smaller than allowed.')
  checkWrite(context)
  const etag = etagOf(md5Of(Buffer.concat(parts.map((part) => part.md5))), parts.length)
  const pieces = parts.map((part) => part.content)
  const size = pieces.reduce((sum, piece) => sum + piece.length, 0)
  const { contentType, metadata } = upload
  bucket.put(call.key, { pieces, size, etag, lastModified: now, contentType, metadata })
  bucket.uploads.delete(upload.id)
  return xmlAnswer('CompleteMultipartUploadResult', { Bucket: call.bucket, Key: call.key, ETag: etag })
}

function chosenParts(upload: StoredUpload, xml: string): StoredPart[] {
  const named = elementsOf(xml, 'Part').map((inside) => ({
    number: Number(textOf(inside, 'PartNumber')),
    etag: textOf(inside, 'ETag')?.replaceAll('"', ''),
  }))
  if (named.length === 0) throw new S3Error(400, 'MalformedXML')
  if (named.some(({ number }, index) => number <= (named[index - 1]?.number ?? 0)))
    throw new S3Error(400, 'InvalidPartOrder')
  return named.map(({ number, etag }) => {
    const part = upload.parts.get(number)
    if (!part || part.md5.toString('hex') !== etag) throw new S3Error(400, 'InvalidPart')
    return part
  })
}

export function abortMultipartUpload({ call, bucket }: S3Context): S3Answer {
  bucket.uploads.delete(bucket.upload(call.key, uploadId(call)).id)
  return emptyAnswer(204)
}

export function listParts({ call, bucket }: S3Context): S3Answer {
  const upload = bucket.upload(call.key, uploadId(call))
  const after = Number(call.query.get('part-number-marker') ?? 0)
  const size = Math.min(Number(call.query.get('max-parts') ?? MAX_PAGE), MAX_PAGE)
  const rest = [...upload.parts].filter(([number]) => number > after).sort(([a], [b]) => a - b)
  const page = rest.slice(0, size)
  return xmlAnswer('ListPartsResult', {
    Bucket: call.bucket,
    Key: call.key,
    UploadId: upload.id,
    MaxParts: size,
    IsTruncated: rest.length > page.length,
    NextPartNumberMarker: page.at(-1)?.[0],
    Part: page.map(([PartNumber, part]) => ({
      PartNumber,
      ETag: etagOf(part.md5),
      Size: part.content.length,
      LastModified: part.lastModified.toISOString(),
    })),
  })
}

export function listMultipartUploads({ call, bucket }: S3Context): S3Answer {
  const prefix = call.query.get('prefix') ?? ''
  const keyMarker = call.query.get('key-marker') ?? ''
  const idMarker = call.query.get('upload-id-marker') ?? ''
  const size = Math.min(Number(call.query.get('max-uploads') ?? MAX_PAGE), MAX_PAGE)
  const order = (upload: StoredUpload): string => `${upload.key}\0${upload.id}`
  const rest = [...bucket.uploads.values()]
    .filter(
      ({ key, id }) =>
        key.startsWith(prefix) && (key > keyMarker || (key === keyMarker && idMarker !== '' && id > idMarker)),
    )
    .sort((a, b) => (order(a) < order(b) ? -1 : 1))
  const page = rest.slice(0, size)
  return xmlAnswer('ListMultipartUploadsResult', {
    Bucket: call.bucket,
    Prefix: prefix,
    MaxUploads: size,
    IsTruncated: rest.length > page.length,
    NextKeyMarker: page.at(-1)?.key,
    NextUploadIdMarker: page.at(-1)?.id,
    Upload: page.map((upload) => ({
      Key: upload.key,
      UploadId: upload.id,
      Initiated: upload.initiated.toISOString(),
    })),
  })
}

const uploadId = (call: S3Call): string => call.query.get('uploadId') ?? ''

function partNumber(call: S3Call): number {
  const number = Number(call.query.get('partNumber'))
  if (!Number.isInteger(number) || number < 1 || number > MAX_PARTS) throw new S3Error(400, 'InvalidArgument')
  return number
}
