import { notFound } from '@caisson/api'
import {
  type Descriptor,
  type Digest,
  digestOf,
  formatPlatform,
  hostPlatform,
  type ImageIndex,
  type ImageManifest,
  isIndexType,
  isManifestType,
  MEDIA_TYPE,
  type Platform,
  parseManifest,
} from '@caisson/oci'
import type { Document } from '../document.ts'
import type { Meaning } from '../lookup.ts'
import { bestFit } from '../platform.ts'
import type { ImageRecord } from '../ports.ts'
import { type Entry, platformIndex } from './documents.ts'

/** The blobs of the store, as far as choosing needs them. */
export interface SelectionBlobs {
  /** Bytes of a blob. Undefined: it is not held. */
  size(digest: Digest): number | undefined
  /** A manifest or index that is held. */
  document(digest: Digest): Promise<Buffer>
}

/** What an archive takes of one image. */
export interface Selection {
  /** What names point at: a manifest, an index as it is, or an index of the platforms that are taken. */
  readonly entry: Entry
  readonly records: readonly ImageRecord[]
  /** The one that readers without platforms get. */
  readonly main: ImageRecord
  /** Blobs that are stored. */
  readonly blobs: readonly Digest[]
  /** An index that was made for the archive. */
  readonly made?: Document
}

/** Chooses the platforms of an image. NOT_FOUND when one that is asked for is not held. */
export async function selectImage(
  meaning: Meaning,
  platforms: readonly Platform[],
  blobs: SelectionBlobs,
): Promise<Selection> {
  const records = chosenRecords(meaning, platforms)
  const [first] = records
  if (!first) throw notFound('image', meaning.query)
  const main = bestFit(records, hostPlatform()) ?? first
  const own = { records, main }
  if (!meaning.isExact && meaning.records.length === records.length) {
    const whole = await wholeIndex(meaning.target, blobs)
    if (whole) return { ...own, ...whole }
  }
  const content = records.flatMap((record) => contentOf(record))
  if (records.length === 1) return { ...own, entry: { ...first.manifest }, blobs: content }
  const bytes = platformIndex(records.map(({ manifest, platform }) => ({ ...manifest, platform })))
  const made = { digest: digestOf(bytes), bytes }
  const entry = { mediaType: MEDIA_TYPE.ociIndex, digest: made.digest, size: bytes.length }
  return { ...own, entry, blobs: content, made }
}

/** By digest, whatever the order in which platforms are asked for. */
function chosenRecords({ query, records }: Meaning, platforms: readonly Platform[]): ImageRecord[] {
  const chosen = platforms.map((wanted) => {
    const record = bestFit(records, wanted)
    if (record) return record
    const there = records.map(({ platform }) => formatPlatform(platform)).join(', ')
    throw notFound('image', query, `there is none for ${formatPlatform(wanted)}, only for ${there}`)
  })
  const unique = new Set(platforms.length === 0 ? records : chosen)
  return [...unique].sort((a, b) => (a.manifest.digest < b.manifest.digest ? -1 : 1))
}

const contentOf = ({ id, manifest, layers }: ImageRecord): Digest[] => [
  manifest.digest,
  id,
  ...layers.map(({ digest }) => digest),
]

/** An index as it is stored, when all that it has is held. */
async function wholeIndex(
  target: Digest,
  blobs: SelectionBlobs,
): Promise<Pick<Selection, 'entry' | 'blobs'> | undefined> {
  const size = blobs.size(target)
  if (size === undefined) return undefined
  const document = parseManifest(await blobs.document(target))
  if (document.kind !== 'index') return undefined
  const found = new Set<Digest>([target])
  if (!(await collect(document, blobs, found))) return undefined
  return { entry: { mediaType: document.mediaType, digest: target, size }, blobs: [...found] }
}

async function collect(
  document: ImageIndex | ImageManifest,
  blobs: SelectionBlobs,
  found: Set<Digest>,
): Promise<boolean> {
  const children = document.kind === 'index' ? document.manifests : [document.config, ...document.layers]
  for (const child of children) {
    if (blobs.size(child.digest) !== child.size) return false
    if (found.has(child.digest)) continue
    found.add(child.digest)
    if (document.kind === 'manifest' || !isDocument(child)) continue
    const read = parseManifest(await blobs.document(child.digest), child.mediaType)
    if (!(await collect(read, blobs, found))) return false
  }
  return true
}

const isDocument = (child: Descriptor): boolean => isManifestType(child.mediaType) || isIndexType(child.mediaType)
