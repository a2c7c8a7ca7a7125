import type { IncomingHttpHeaders } from 'node:http'

/** The operations of S3 that the server knows. */
export type S3Operation =
  | 'HeadBucket'
  | 'ListObjectsV2'
  | 'ListMultipartUploads'
  | 'DeleteObjects'
  | 'PutObject'
  | 'GetObject'
  | 'HeadObject'
  | 'DeleteObject'
  | 'CopyObject'
  | 'CreateMultipartUpload'
  | 'UploadPart'
  | 'UploadPartCopy'
  | 'CompleteMultipartUpload'
  | 'AbortMultipartUpload'
  | 'ListParts'

/** A request, before its body is read. */
export interface S3Call {
  readonly operation: S3Operation
  readonly bucket: string
  /** Empty for what concerns the bucket. */
  readonly key: string
  readonly query: URLSearchParams
  readonly headers: IncomingHttpHeaders
}

/** What is sent back. */
export interface S3Answer {
  readonly status: number
  readonly headers: Readonly<Record<string, string | number>>
  /** Chunks of the body. A HEAD sends none, whatever stands here. */
  readonly body: readonly Buffer[]
}

/** Which operation this is, in path style. Undefined: none that the server knows. */
export function callOf(method: string, url: string, headers: IncomingHttpHeaders): S3Call | undefined {
  const { pathname, searchParams: query } = new URL(url, 'http://s3')
  const slash = pathname.indexOf('/', 1)
  const bucket = decodeURIComponent(pathname.slice(1, slash < 0 ? undefined : slash))
  const key = slash < 0 ? '' : decodeURIComponent(pathname.slice(slash + 1))
  const copies = headers['x-amz-copy-source'] !== undefined
  const operation = key === '' ? ofBucket(method, query) : ofObject(method, query, copies)
  return operation && { operation, bucket, key, query, headers }
}

function ofBucket(method: string, query: URLSearchParams): S3Operation | undefined {
  if (method === 'HEAD') return 'HeadBucket'
  if (method === 'POST' && query.has('delete')) return 'DeleteObjects'
  if (method !== 'GET') return undefined
  if (query.has('uploads')) return 'ListMultipartUploads'
  return query.get('list-type') === '2' ? 'ListObjectsV2' : undefined
}

function ofObject(method: string, query: URLSearchParams, copies: boolean): S3Operation | undefined {
  const inUpload = query.has('uploadId')
  switch (method) {
    case 'GET':
      return inUpload ? 'ListParts' : 'GetObject'
    case 'HEAD':
      return 'HeadObject'
    case 'DELETE':
      return inUpload ? 'AbortMultipartUpload' : 'DeleteObject'
    case 'POST':
      if (inUpload) return 'CompleteMultipartUpload'
      return query.has('uploads') ? 'CreateMultipartUpload' : undefined
    case 'PUT':
      if (inUpload) return copies ? 'UploadPartCopy' : 'UploadPart'
      return copies ? 'CopyObject' : 'PutObject'
    default:
      return undefined
  }
}
