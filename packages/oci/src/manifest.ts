import { type Descriptor, parseDescriptor, readMediaType } from './descriptor.ts'
import { Fields } from './fields.ts'
import { OciFormatError } from './format-error.ts'
import { parseJson } from './json.ts'
import { isIndexType, isLegacyManifestType, isManifestType, MEDIA_TYPE } from './media-type.ts'

/** A manifest: an image for one platform, or an artifact. */
export interface ImageManifest {
  readonly kind: 'manifest'
  readonly mediaType: string
  readonly artifactType?: string
  readonly config: Descriptor
  /** The lowest first. */
  readonly layers: readonly Descriptor[]
  readonly subject?: Descriptor
  readonly annotations: Readonly<Record<string, string>>
}

/** A list of manifests (or of lists), usually one a platform. */
export interface ImageIndex {
  readonly kind: 'index'
  readonly mediaType: string
  readonly artifactType?: string
  readonly manifests: readonly Descriptor[]
  readonly subject?: Descriptor
  readonly annotations: Readonly<Record<string, string>>
}

export const MAX_MANIFEST_BYTES = 4 << 20
export const MAX_LAYERS = 500
const MAX_CHILDREN = 4096
const MAX_ANNOTATIONS = 1024

/**
 * Reads a manifest or an index, of OCI or of Docker's schema 2. `contentType` is what the transport or a descriptor says
 * that it is; where the document says so itself, both have to agree, and its members have to be of that kind: a document
 * that could be read as either is refused (IMG-17).
 *
 * Throws MANIFEST_INVALID, MANIFEST_UNSUPPORTED (schema 1), LIMIT_EXCEEDED, and what parseJson throws.
 */
export function parseManifest(document: Uint8Array | string, contentType?: string): ImageManifest | ImageIndex {
  const json = parseJson(document, { subject: 'manifest', maxBytes: MAX_MANIFEST_BYTES })
  const fields = new Fields(json, 'manifest', 'MANIFEST_INVALID')
  const transported = contentType?.split(';')[0]?.trim()
  const own = readMediaType(fields, 'mediaType')
  refuseLegacy(fields, own, transported)
  const isIndex = shapeOf(fields)
  const mediaType = agreedType(fields, own, transported, isIndex)
  const shared = readShared(fields)
  if (isIndex) {
    const manifests = fields.list('manifests', MAX_CHILDREN, parseDescriptor)
    return { kind: 'index', mediaType, manifests, ...shared }
  }
  const config = parseDescriptor(fields.get('config'), 'manifest.config')
  const layers = fields.list('layers', MAX_LAYERS, parseDescriptor)
  return { kind: 'manifest', mediaType, config, layers, ...shared }
}

function readShared(fields: Fields) {
  const artifactType = readMediaType(fields, 'artifactType')
  const subject = fields.get('subject')
  return {
    annotations: fields.stringMap('annotations', MAX_ANNOTATIONS),
    ...(artifactType !== undefined && { artifactType }),
    ...(subject !== undefined && { subject: parseDescriptor(subject, 'manifest.subject') }),
  }
}

function refuseLegacy(fields: Fields, own: string | undefined, transported: string | undefined): void {
  const isLegacy = [own, transported].some((type) => type !== undefined && isLegacyManifestType(type))
  if (isLegacy || fields.has('fsLayers') || fields.get('schemaVersion') === 1) {
    const message = 'the manifest is of schema 1, which is not read any more: push the image again with a current tool'
    throw new OciFormatError('MANIFEST_UNSUPPORTED', 'manifest', message)
  }
  fields.integer('schemaVersion', 2, 2)
}

/** Whether the members are those of an index. */
function shapeOf(fields: Fields): boolean {
  const isIndex = fields.has('manifests')
  const isManifest = fields.has('layers') || fields.has('config')
  if (isIndex && isManifest)
    throw fields.error('manifests', 'stands beside config or layers: it is an index or a manifest')
  if (!isIndex && !isManifest) throw fields.error('', 'has neither layers nor manifests')
  return isIndex
}

/** Transports that say nothing about a document's type. */
const VAGUE: ReadonlySet<string> = new Set(['', 'application/json', 'application/octet-stream', 'text/plain'])

function agreedType(
  fields: Fields,
  own: string | undefined,
  transported: string | undefined,
  isIndex: boolean,
): string {
  const told = transported === undefined || VAGUE.has(transported) ? undefined : transported
  if (own !== undefined && told !== undefined && own !== told) {
    throw fields.error('mediaType', `is ${own}, but the document came as ${told}`)
  }
  const type = own ?? told ?? (isIndex ? MEDIA_TYPE.ociIndex : MEDIA_TYPE.ociManifest)
  const isRight = isIndex ? isIndexType(type) : isManifestType(type)
  if (!isRight)
    throw fields.error('mediaType', `is ${type}, which is not what ${isIndex ? 'an index' : 'a manifest'} has`)
  return type
}
