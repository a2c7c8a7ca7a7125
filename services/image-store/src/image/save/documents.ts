import {
  type Descriptor,
  type Digest,
  digestAlgorithm,
  digestHex,
  familiarReference,
  MEDIA_TYPE,
  parseReference,
} from '@caisson/oci'
import type { ImageRecord } from '../ports.ts'

const CONTAINERD_NAME = 'io.containerd.image.name'
const REF_NAME = 'org.opencontainers.image.ref.name'

/** What an entry of an index says of a blob. */
export type Entry = Pick<Descriptor, 'mediaType' | 'digest' | 'size' | 'platform' | 'annotations'>

/** An image of an archive and its names, as they are stored. */
export interface NamedEntry {
  readonly entry: Entry
  readonly names: readonly string[]
}

/** An image as manifest.json lists it. */
export interface ListedImage {
  readonly record: ImageRecord
  readonly names: readonly string[]
}

/** Where a layout keeps a blob. */
export const blobName = (digest: Digest): string => `blobs/${digestAlgorithm(digest)}/${digestHex(digest)}`

/** index.json: one entry a name, and one for an image that has none. */
export function layoutIndex(images: readonly NamedEntry[]): Buffer {
  const manifests = images.flatMap(({ entry, names }) =>
    names.length === 0
      ? [document(entry)]
      : names.map((name) =>
          document({ ...entry, annotations: { [CONTAINERD_NAME]: name, [REF_NAME]: tagOf(name) ?? name } }),
        ),
  )
  return json({ schemaVersion: 2, mediaType: MEDIA_TYPE.ociIndex, manifests })
}

/** An index of some platforms of an image. */
export function platformIndex(entries: readonly Entry[]): Buffer {
  return json({ schemaVersion: 2, mediaType: MEDIA_TYPE.ociIndex, manifests: entries.map(document) })
}

export const layoutVersion = (): Buffer => json({ imageLayoutVersion: '1.0.0' })

/** manifest.json of a docker-archive. */
export function dockerManifest(images: readonly ListedImage[]): Buffer {
  return json(
    images.map(({ record, names }) => ({
      Config: blobName(record.id),
      RepoTags: names.length === 0 ? null : names.map((name) => familiarReference(parseReference(name))),
      Layers: record.layers.map(({ digest }) => blobName(digest)),
    })),
  )
}

/** `repositories` of a docker-archive: the topmost layer of each name. Undefined when nothing has a name. */
export function dockerRepositories(images: readonly ListedImage[]): Buffer | undefined {
  const repositories = new Map<string, Map<string, string>>()
  for (const { record, names } of images) {
    const top = record.layers.at(-1)
    if (!top) continue
    for (const name of names) {
      const { tag = '', ...named } = parseReference(name)
      const repository = familiarReference(named)
      repositories.set(repository, (repositories.get(repository) ?? new Map()).set(tag, digestHex(top.digest)))
    }
  }
  if (repositories.size === 0) return undefined
  return json(Object.fromEntries([...repositories].map(([name, tags]) => [name, Object.fromEntries(tags)])))
}

const tagOf = (name: string): string | undefined => parseReference(name).tag

function document({ mediaType, digest, size, platform, annotations }: Entry): object {
  const { osVersion, osFeatures, ...rest } = platform ?? {}
  const versioned = { ...rest, 'os.version': osVersion, 'os.features': osFeatures }
  return { mediaType, digest, size, annotations, ...(platform && { platform: versioned }) }
}

const json = (value: object): Buffer => Buffer.from(JSON.stringify(value))
