import type { S3Answer, S3Call } from './request.ts'
import { preconditionFailed, S3Error } from './s3-error.ts'
import type { StoredBucket, StoredObject } from './store.ts'
import { type XmlElement, xmlDocument } from './xml.ts'

/** What an operation works with. */
export interface S3Context {
  readonly call: S3Call
  readonly bucket: StoredBucket
  readonly body: Buffer
  /** Time of what is written. */
  readonly now: Date
  /** Bytes that a part must have unless it is the last. */
  readonly minPartSize: number
  /** Whether If-Match and If-None-Match are looked at when something is written or deleted. */
  readonly conditional: { readonly writes: boolean; readonly deletes: boolean }
}

export const xmlAnswer = (root: string, content: XmlElement): S3Answer => ({
  status: 200,
  headers: { 'content-type': 'application/xml' },
  body: [Buffer.from(xmlDocument(root, content))],
})

export const emptyAnswer = (status: number, headers: Readonly<Record<string, string | number>> = {}): S3Answer => ({
  status,
  headers,
  body: [],
})

/** Refuses a write whose If-Match or If-None-Match does not hold. */
export function checkWrite({ call, bucket, conditional }: S3Context): void {
  if (!conditional.writes) return
  const present = bucket.objects.get(call.key)
  const none = call.headers['if-none-match']
  if (none !== undefined && none !== '*') throw new S3Error(501, 'NotImplemented', 'If-None-Match must be *')
  if (none === '*' && present) throw preconditionFailed()
  checkMatch(call, present)
}

/** Refuses a request whose If-Match is not the object's ETag: 404 when there is no object, as S3 does. */
export function checkMatch(call: S3Call, present: StoredObject | undefined): void {
  const match = call.headers['if-match']
  if (match === undefined) return
  if (!present) throw new S3Error(404, 'NoSuchKey', 'The specified key does not exist.')
  if (match !== '*' && match.replaceAll('"', '') !== present.etag.replaceAll('"', '')) throw preconditionFailed()
}

export function metadataOf({ headers }: S3Call): Record<string, string> {
  return Object.fromEntries(
    Object.entries(headers).flatMap(([name, value]) =>
      name.startsWith('x-amz-meta-') && typeof value === 'string' ? [[name, value]] : [],
    ),
  )
}
