import { CaissonError, invalid } from '@caisson/api'
import {
  type Digest,
  Fields,
  isDigest,
  isForeignLayer,
  isIndexType,
  isLegacyManifestType,
  isManifestType,
  MAX_MANIFEST_BYTES,
  MEDIA_TYPE,
  parseJson,
} from '@caisson/oci'

/** What a registry has to know of a manifest; everything else in it is its client's. */
export interface ManifestDocument {
  readonly mediaType: string
  /** Config and layers that are kept here; not those that are fetched elsewhere. */
  readonly blobs: readonly Digest[]
  /** Children of an index. */
  readonly manifests: readonly Digest[]
  readonly subject?: Digest
  /** As referrers are listed: artifactType, else the media type of the config. */
  readonly artifactType?: string
  readonly annotations: Readonly<Record<string, string>>
}

/** What is named may be much: 4 MiB of descriptors. */
const MOST_ENTRIES = 65_536

/**
 * Reads a manifest or index of OCI or of Docker's schema 2, as far as it names other things. `contentType` is what it was
 * sent as; where the document says what it is, both have to agree. Throws MANIFEST_INVALID and what parseJson throws.
 */
export function readManifestDocument(bytes: Uint8Array, contentType: string | undefined): ManifestDocument {
  const json = parseJson(bytes, { subject: 'manifest', maxBytes: MAX_MANIFEST_BYTES })
  const fields = new Fields(json, 'manifest', 'MANIFEST_INVALID')
  const mediaType = mediaTypeOf(fields, contentType)
  const annotations = fields.stringMap('annotations', MOST_ENTRIES, MAX_MANIFEST_BYTES)
  const subject = fields.optionalFields('subject')
  const shared = { mediaType, annotations, ...(subject && { subject: digestOf(subject) }) }
  const declared = fields.optionalString('artifactType', 255)
  if (isIndexType(mediaType)) {
    const manifests = fields.list('manifests', MOST_ENTRIES, (item, at) => digestOf(descriptor(item, at)))
    return { ...shared, ...artifactType(declared), blobs: [], manifests: unique(manifests) }
  }
  const config = descriptor(fields.get('config'), 'manifest.config')
  const layers = fields.list('layers', MOST_ENTRIES, descriptor).filter(isKeptHere)
  const blobs = unique([digestOf(config), ...layers.map(digestOf)])
  return { ...shared, ...artifactType(declared || config.string('mediaType', 255)), blobs, manifests: [] }
}

const artifactType = (type: string | undefined) => (type === undefined || type === '' ? {} : { artifactType: type })
const unique = (digests: readonly Digest[]): Digest[] => [...new Set(digests)]

function descriptor(item: unknown, at: string): Fields {
  const fields = new Fields(item, at, 'MANIFEST_INVALID')
  fields.string('mediaType', 255)
  fields.integer('size')
  return fields
}

function digestOf(fields: Fields): Digest {
  const digest = fields.string('digest', 256)
  if (isDigest(digest)) return digest
  throw fields.error('digest', 'is no sha256 or sha512 digest')
}

/** Foreign layers are fetched from where their urls say. */
function isKeptHere(layer: Fields): boolean {
  return layer.strings('urls', 64).length === 0 && !isForeignLayer(layer.string('mediaType', 255))
}

function mediaTypeOf(fields: Fields, contentType: string | undefined): string {
  const sent = contentType?.split(';')[0]?.trim().toLowerCase() ?? ''
  const own = fields.optionalString('mediaType', 255) ?? ''
  if ([own, sent].some(isLegacyManifestType) || fields.get('schemaVersion') === 1) throw legacy()
  fields.integer('schemaVersion', 2, 2)
  const isVague = sent === '' || sent === 'application/json' || sent === 'application/octet-stream'
  if (own !== '' && !isVague && own !== sent) throw fields.error('mediaType', `is ${own}, but it was sent as ${sent}`)
  const type = own || (isVague ? typeByMembers(fields) : sent)
  if (isIndexType(type)) {
    if (fields.has('layers') || fields.has('config')) throw fields.error('', 'is an index and has layers or a config')
    return type
  }
  if (isManifestType(type)) {
    if (fields.has('manifests')) throw fields.error('manifests', 'stands in a manifest that is no index')
    return type
  }
  throw invalid(`a manifest of type ${type} is not known: send one of OCI or of Docker's schema 2`, {
    reason: 'MANIFEST_INVALID',
  })
}

const typeByMembers = (fields: Fields): string =>
  fields.has('manifests') ? MEDIA_TYPE.ociIndex : MEDIA_TYPE.ociManifest

function legacy(): CaissonError {
  const message = 'manifests of schema 1 are not taken any more: push the image again with a current tool'
  return new CaissonError('invalid-argument', message, { reason: 'MANIFEST_INVALID' })
}
