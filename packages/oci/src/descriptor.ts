import { type Digest, digestAlgorithm, digestOf, isDigest } from './digest.ts'
import { Fields } from './fields.ts'
import { type Platform, readPlatform } from './platform.ts'

/** Names a blob: what it is, how long it is, and its digest. */
export interface Descriptor {
  readonly mediaType: string
  readonly digest: Digest
  /** Bytes. */
  readonly size: number
  readonly urls?: readonly string[]
  readonly annotations?: Readonly<Record<string, string>>
  /** The blob itself; checked against size and digest. */
  readonly data?: Uint8Array
  readonly artifactType?: string
  readonly platform?: Platform
}

/** RFC 6838, as the image spec has it. */
const MEDIA_TYPE = /^[A-Za-z0-9][A-Za-z0-9!#$&^_.+-]{0,126}\/[A-Za-z0-9][A-Za-z0-9!#$&^_.+-]{0,126}$/
const MAX_URLS = 32
const MAX_ANNOTATIONS = 1024
/** Base64 of at most 512 KiB. */
const MAX_DATA = 700_000

/** `at` names the descriptor in messages: "manifest.layers[2]". Throws MANIFEST_INVALID. */
export function parseDescriptor(json: unknown, at = 'descriptor'): Descriptor {
  const fields = new Fields(json, at, 'MANIFEST_INVALID')
  const mediaType = readMediaType(fields, 'mediaType') ?? raise(fields.error('mediaType', 'is missing'))
  const digest = fields.string('digest', 256)
  if (!isDigest(digest)) throw fields.error('digest', 'is no sha256 or sha512 digest')
  const size = fields.integer('size')
  const urls = fields.strings('urls', MAX_URLS)
  const annotations = fields.stringMap('annotations', MAX_ANNOTATIONS)
  const data = readData(fields, digest, size)
  const artifactType = readMediaType(fields, 'artifactType')
  const platform = fields.optionalFields('platform')
  return {
    mediaType,
    digest,
    size,
    ...(urls.length > 0 && { urls }),
    ...(Object.keys(annotations).length > 0 && { annotations }),
    ...(data && { data }),
    ...(artifactType !== undefined && { artifactType }),
    ...(platform && { platform: readPlatform(platform) }),
  }
}

/** A media type of a document; undefined when it is absent or empty. */
export function readMediaType(fields: Fields, name: string): string | undefined {
  const type = fields.optionalString(name, 255)
  if (type === undefined || type === '') return undefined
  if (MEDIA_TYPE.test(type)) return type
  throw fields.error(name, 'is no media type')
}

function readData(fields: Fields, digest: Digest, size: number): Uint8Array | undefined {
  const text = fields.optionalString('data', MAX_DATA)
  if (text === undefined) return undefined
  const data = Buffer.from(text, 'base64')
  if (data.toString('base64') !== text) throw fields.error('data', 'is no base64')
  if (data.length === size && digestOf(data, digestAlgorithm(digest)) === digest) return data
  throw fields.error('data', 'is not what size and digest say')
}

function raise(error: Error): never {
  throw error
}
