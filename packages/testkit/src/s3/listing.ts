import { type S3Context, xmlAnswer } from './context.ts'
import type { S3Answer } from './request.ts'
import { S3Error } from './s3-error.ts'
import type { XmlElement } from './xml.ts'

const MAX_PAGE = 1000

interface Entry {
  readonly key: string
  /** Whether this stands for all keys that begin so. */
  readonly isPrefix: boolean
}

/** ListObjectsV2: keys in the order of their bytes, those with the delimiter behind the prefix as common prefixes. */
export function listObjects({ call, bucket }: S3Context): S3Answer {
  const { query } = call
  const prefix = query.get('prefix') ?? ''
  const size = Math.min(Number(query.get('max-keys') ?? MAX_PAGE), MAX_PAGE)
  const token = query.get('continuation-token')
  const after = token === null ? (query.get('start-after') ?? '') : fromToken(token)
  const { page, isTruncated } = pageOf(bucket.keys(), prefix, query.get('delimiter') ?? '', after, size)
  const write = query.get('encoding-type') === 'url' ? encodeURIComponent : (text: string) => text
  const objects = page
    .filter((entry) => !entry.isPrefix)
    .map(({ key }): XmlElement => {
      const object = bucket.objects.get(key)
      return {
        Key: write(key),
        LastModified: object?.lastModified.toISOString(),
        ETag: object?.etag,
        Size: object?.size,
      }
    })
  return xmlAnswer('ListBucketResult', {
    Name: call.bucket,
    Prefix: write(prefix),
    MaxKeys: size,
    KeyCount: page.length,
    IsTruncated: isTruncated,
    NextContinuationToken: isTruncated ? toToken(page.at(-1)) : undefined,
    Contents: objects,
    CommonPrefixes: page.filter((entry) => entry.isPrefix).map(({ key }) => ({ Prefix: write(key) })),
  })
}

function pageOf(
  keys: readonly string[],
  prefix: string,
  delimiter: string,
  after: string,
  size: number,
): { page: Entry[]; isTruncated: boolean } {
  const page: Entry[] = []
  for (const key of keys) {
    if (key <= after || !key.startsWith(prefix)) continue
    const end = delimiter === '' ? -1 : key.indexOf(delimiter, prefix.length)
    const entry = end < 0 ? { key, isPrefix: false } : { key: key.slice(0, end + delimiter.length), isPrefix: true }
    if (entry.isPrefix && (page.at(-1)?.key === entry.key || entry.key === after)) continue
    if (page.length === size) return { page, isTruncated: true }
    page.push(entry)
  }
  return { page, isTruncated: false }
}

/** Sorts behind every key: a token that ends so goes on behind all keys of a common prefix. */
const ALL_BELOW = '\u{10ffff}'

const toToken = (last: Entry | undefined): string =>
  Buffer.from(`${last?.key ?? ''}${last?.isPrefix ? ALL_BELOW : ''}`).toString('base64url')

function fromToken(token: string): string {
  if (!/^[\w-]+$/.test(token)) throw new S3Error(400, 'InvalidArgument', 'The continuation token is wrong.')
  return Buffer.from(token, 'base64url').toString()
}
