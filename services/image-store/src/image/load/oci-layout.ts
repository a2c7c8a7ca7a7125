import {
  type Descriptor,
  type Digest,
  digestAlgorithm,
  digestOf,
  formatPlatform,
  type ImageIndex,
  type ImageManifest,
  isAttestation,
  isIndexType,
  isManifestType,
  MEDIA_TYPE,
  type Platform,
  parseJson,
  parseManifest,
} from '@caisson/oci'
import { mismatch } from '../../content/blob-store.ts'
import { isAboutImage } from '../../trust/archive-signatures.ts'
import { choosePlatform } from '../choose-platform.ts'
import { type Document, readLimited } from '../document.ts'
import type { ImageSource } from '../intake.ts'
import { parseImageName } from '../lookup.ts'
import { blobName, platformIndex } from '../save/documents.ts'
import type { Archive, StagedFile } from './archive.ts'
import { malformed, tooLarge } from './archive-error.ts'

/** Platforms to take from an index; every one that is there; or with an empty list that of the host. */
export type WantedPlatforms = readonly Platform[] | 'all'

export interface LayoutOptions {
  readonly platforms: WantedPlatforms
  readonly maxManifestBytes: number
  readonly maxIndexDepth: number
}

const CONTAINERD_NAME = 'io.containerd.image.name'
const REF_NAME = 'org.opencontainers.image.ref.name'

/** Reads the images of an OCI layout (image-spec, image layout): those of each name of its index and of each nameless entry. */
export async function readOciLayout(archive: Archive, options: LayoutOptions): Promise<ImageSource[]> {
  const layout = new OciLayout(archive, options)
  return await layout.images()
}

class OciLayout {
  readonly #archive: Archive
  readonly #options: LayoutOptions

  constructor(archive: Archive, options: LayoutOptions) {
    this.#archive = archive
    this.#options = options
  }

  async images(): Promise<ImageSource[]> {
    await this.#checkVersion()
    const bytes = await this.#document('index.json')
    const top = readLimited(() => parseManifest(bytes, MEDIA_TYPE.ociIndex))
    if (top.kind !== 'index') throw malformed('its index.json is no index', 'index.json')
    const sources: ImageSource[] = []
    for (const { names, descriptors } of groupByName(top)) sources.push(...(await this.#images(names, descriptors)))
    return sources
  }

  /** The platforms that are wanted of one image. */
  async #images(names: readonly string[], descriptors: readonly Descriptor[]): Promise<ImageSource[]> {
    const [only] = descriptors
    if (descriptors.length === 1 && only) return await this.#walk(only, names, [])
    const chosen = this.#choose(descriptors)
    if (chosen.length === 1 && chosen[0]) return await this.#walk(chosen[0], names, [])
    // Names point at one thing: at an index of these.
    const bytes = platformIndex(chosen)
    const index = { digest: digestOf(bytes), bytes }
    const sources: ImageSource[] = []
    for (const descriptor of chosen) sources.push(...(await this.#walk(descriptor, names, [index])))
    return sources
  }

  /** Goes down from an entry to the manifests of the platforms that are wanted. */
  async #walk(start: Descriptor, names: readonly string[], indexes: readonly Document[]): Promise<ImageSource[]> {
    const document = await this.#blob(start)
    const read = readLimited(() => parseManifest(document.bytes, start.mediaType))
    if (read.kind === 'manifest') return [await this.#source(read, document, indexes, names)]
    if (indexes.length >= this.#options.maxIndexDepth)
      throw tooLarge(`its indexes are nested more than ${this.#options.maxIndexDepth} deep`)
    const sources: ImageSource[] = []
    for (const descriptor of this.#choose(read.manifests))
      sources.push(...(await this.#walk(descriptor, names, [...indexes, document])))
    return sources
  }

  async #source(
    manifest: ImageManifest,
    manifestDocument: Document,
    indexes: readonly Document[],
    names: readonly string[],
  ): Promise<ImageSource> {
    const configDocument = await this.#blob(manifest.config)
    const layerFile = (digest: Digest): string => this.#archive.file(blobName(digest)).path
    return { names, manifest, manifestDocument, configDocument, indexes, layerFile }
  }

  #choose(manifests: readonly Descriptor[]): Descriptor[] {
    const { platforms } = this.#options
    if (platforms !== 'all') {
      const wanted = platforms.length === 0 ? [undefined] : platforms
      return [...new Set(wanted.map((platform) => choosePlatform({ manifests }, platform, 'the archive')))]
    }
    const held = manifests.filter((descriptor) => isImage(descriptor) && this.#archive.has(blobName(descriptor.digest)))
    if (held.length === 0) throw malformed('it holds nothing of an index that it has')
    return held
  }

  async #checkVersion(): Promise<void> {
    const name = 'oci-layout'
    const bytes = await this.#document(name)
    const json = readLimited(() => parseJson(bytes, { subject: name, maxBytes: this.#options.maxManifestBytes }))
    const isObject = typeof json === 'object' && json !== null && 'imageLayoutVersion' in json
    if (!isObject || !/^1\./.test(String(json.imageLayoutVersion)))
      throw malformed('its oci-layout is not of version 1', name)
  }

  async #blob(descriptor: Descriptor): Promise<Document> {
    const name = blobName(descriptor.digest)
    const file = this.#archive.file(name)
    if (file.size !== descriptor.size)
      throw mismatch(descriptor.digest, `the document has ${file.size} bytes, not ${descriptor.size}`)
    const bytes = await this.#read(file, name)
    if (digestOf(bytes, digestAlgorithm(descriptor.digest)) !== descriptor.digest)
      throw mismatch(descriptor.digest, 'the document has another digest')
    return { digest: descriptor.digest, bytes }
  }

  async #document(name: string): Promise<Buffer> {
    return await this.#read(this.#archive.file(name), name)
  }

  #read(file: StagedFile, name: string): Promise<Buffer> {
    return this.#archive.document(file, name, this.#options.maxManifestBytes)
  }
}

/** One group a name, and one for each entry that has none. Entries that differ only by platform are one image. */
function groupByName(index: ImageIndex): { names: string[]; descriptors: Descriptor[] }[] {
  const named = new Map<string, Descriptor[]>()
  const nameless: Descriptor[] = []
  for (const descriptor of index.manifests.filter(isImage)) {
    const name = nameOf(descriptor)
    if (name === undefined) nameless.push(descriptor)
    else named.set(name, [...(named.get(name) ?? []), descriptor])
  }
  const groups = new Map<string, { names: string[]; descriptors: Descriptor[] }>()
  for (const [name, descriptors] of named) {
    const key = descriptors.map(({ digest }) => digest).join(' ')
    const group = groups.get(key) ?? { names: [], descriptors }
    group.names.push(name)
    groups.set(key, group)
  }
  const known = new Set([...named.values()].flat().map(({ digest }) => digest))
  const rest = uniquely(nameless.filter(({ digest }) => !known.has(digest)))
  const apart = arePlatformsOfOne(rest) ? [rest] : rest.map((descriptor) => [descriptor])
  return [...groups.values(), ...apart.map((descriptors) => ({ names: [], descriptors }))]
}

const isImage = (descriptor: Descriptor): boolean =>
  (isManifestType(descriptor.mediaType) || isIndexType(descriptor.mediaType)) &&
  !isAttestation(descriptor) &&
  !isAboutImage(descriptor)

const uniquely = (descriptors: readonly Descriptor[]): Descriptor[] => [
  ...new Map(descriptors.map((descriptor) => [descriptor.digest, descriptor])).values(),
]

/** Entries without names that are each for a platform of its own. */
function arePlatformsOfOne(descriptors: readonly Descriptor[]): boolean {
  const platforms = descriptors.flatMap(({ platform }) => (platform ? [formatPlatform(platform)] : []))
  return descriptors.length > 1 && new Set(platforms).size === descriptors.length
}

/** The name an entry has. A reference name that is only a tag names nothing by itself. */
function nameOf({ annotations }: Descriptor): string | undefined {
  const full = annotations?.[CONTAINERD_NAME]
  if (full !== undefined && full !== '') return parseImageName(full)
  const reference = annotations?.[REF_NAME] ?? ''
  return /[:/]/.test(reference) ? parseImageName(reference) : undefined
}
