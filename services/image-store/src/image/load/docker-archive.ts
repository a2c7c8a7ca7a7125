import { open } from 'node:fs/promises'
import {
  type Digest,
  digestHex,
  digestOf,
  type ImageManifest,
  type LayerCompression,
  MEDIA_TYPE,
  parseImageConfig,
  parseJson,
  parseManifest,
} from '@caisson/oci'
import { mismatch } from '../../content/blob-store.ts'
import type { LayerTool } from '../../snapshot/ports.ts'
import { buildManifest, type DescriptorPart, layerMediaType } from '../build-documents.ts'
import { readLimited } from '../document.ts'
import type { ImageSource } from '../intake.ts'
import { parseImageName } from '../lookup.ts'
import { blobName } from '../save/documents.ts'
import { type Archive, archiveName, type StagedFile } from './archive.ts'
import { malformed, unreadCompression, unsafe } from './archive-error.ts'

export interface DockerArchiveOptions {
  readonly tool: Pick<LayerTool, 'digest'>
  readonly maxManifestBytes: number
  readonly signal: AbortSignal
}

/** An image as manifest.json lists it. */
interface Listed {
  readonly config: string
  readonly names: readonly string[]
  readonly layers: readonly string[]
}

const MAX_IMAGES = 1_000
const MAX_LAYERS = 10_000

/** Reads the images of a docker-archive (`docker save`). It has no manifests: they are made of what it lists. */
export async function readDockerArchive(archive: Archive, options: DockerArchiveOptions): Promise<ImageSource[]> {
  const sources: ImageSource[] = []
  for (const listed of await readList(archive, options)) sources.push(await toSource(archive, listed, options))
  return sources
}

/**
 * Adds what manifest.json says beyond the index of an archive that has both: further names of the same images, and images
 * with names of their own. What has no name there, or names that the index gives, is another platform that was not chosen.
 */
export async function addListed(
  layout: readonly ImageSource[],
  archive: Archive,
  options: DockerArchiveOptions,
): Promise<ImageSource[]> {
  const taken = new Set(layout.flatMap(({ names }) => names))
  const sources = [...layout]
  for (const listed of await readList(archive, options)) {
    const names = listed.names.filter((name) => !taken.has(name))
    const at = sources.findIndex(({ configDocument }) => listed.config === blobName(configDocument.digest))
    const known = sources[at]
    if (known) sources[at] = { ...known, names: [...known.names, ...names] }
    else if (names.length > 0) sources.push(await toSource(archive, { ...listed, names }, options))
    for (const name of names) taken.add(name)
  }
  return sources
}

async function readList(archive: Archive, { maxManifestBytes: maxBytes }: DockerArchiveOptions): Promise<Listed[]> {
  const name = 'manifest.json'
  const bytes = await archive.document(archive.file(name), name, maxBytes)
  const listed = readLimited(() => parseJson(bytes, { subject: name, maxBytes }))
  if (!Array.isArray(listed) || listed.length > MAX_IMAGES)
    throw malformed('its manifest.json is no list of images', name)
  return listed.map(readListed)
}

function readListed(item: unknown): Listed {
  const record = typeof item === 'object' && item !== null ? (item as Record<string, unknown>) : {}
  const [config, names, layers] = [record['Config'], record['RepoTags'] ?? [], record['Layers'] ?? []]
  if (typeof config !== 'string' || !isTextList(names) || !isTextList(layers))
    throw malformed('its manifest.json lacks Config, RepoTags or Layers', 'manifest.json')
  if (layers.length > MAX_LAYERS) throw malformed('an image has too many layers', 'manifest.json')
  return { config: archiveName(config), names: names.map(parseImageName), layers: layers.map(archiveName) }
}

const isTextList = (value: unknown): value is string[] =>
  Array.isArray(value) && value.every((item) => typeof item === 'string')

async function toSource(archive: Archive, listed: Listed, options: DockerArchiveOptions): Promise<ImageSource> {
  const configBytes = await archive.document(archive.file(listed.config), listed.config, options.maxManifestBytes)
  const config = readLimited(() => parseImageConfig(configBytes))
  if (config.diffIds.length !== listed.layers.length)
    throw unsafe(`it lists ${listed.layers.length} layers, but the config has ${config.diffIds.length}`, listed.config)
  checkConfigName(listed.config, digestOf(configBytes))
  const layers = config.diffIds.map((diffId, at) => ({ diffId, file: archive.linkedFile(listed.layers[at] ?? '') }))
  return await sourceOf({ names: listed.names, configBytes, layers }, options)
}

export interface ArchivedImage {
  readonly names: readonly string[]
  readonly configBytes: Buffer
  /** The lowest first. */
  readonly layers: readonly { readonly diffId: Digest; readonly file: StagedFile }[]
}

/** Makes the manifest of an image whose config and layers are at hand. */
export async function sourceOf(
  { names, configBytes, layers }: ArchivedImage,
  options: DockerArchiveOptions,
): Promise<ImageSource> {
  const files = new Map<Digest, string>()
  const parts: DescriptorPart[] = []
  for (const { file, diffId } of layers) {
    const layer = await describeLayer(file, diffId, options)
    files.set(layer.digest, file.path)
    parts.push(layer)
  }
  const configDigest = digestOf(configBytes)
  const manifestBytes = buildManifest({ digest: configDigest, size: configBytes.length }, parts)
  return {
    names,
    manifest: readManifest(manifestBytes),
    manifestDocument: { digest: digestOf(manifestBytes), bytes: manifestBytes },
    configDocument: { digest: configDigest, bytes: configBytes },
    indexes: [],
    layerFile: (digest) => files.get(digest) ?? '',
  }
}

/** Archivers name the config by its digest: one that is named so has to have it. */
function checkConfigName(name: string, digest: Digest): void {
  const named = /(?:^|\/)([0-9a-f]{64})(?:\.json)?$/.exec(name)?.[1]
  if (named !== undefined && named !== digestHex(digest)) throw mismatch(name, `the config has the digest ${digest}`)
}

/** A plain layer has its diff id as its digest, which unpacking checks; a compressed one is hashed. */
async function describeLayer(
  file: StagedFile,
  diffId: Digest,
  { tool, signal }: DockerArchiveOptions,
): Promise<DescriptorPart> {
  const compression = await compressionOf(file)
  const digest = compression === 'none' ? diffId : (await tool.digest(file.path, signal)).digest
  return { mediaType: layerMediaType(compression), digest, size: file.size }
}

/** How a layer is compressed, by its first bytes. */
export async function compressionOf({ path }: StagedFile): Promise<LayerCompression> {
  await using file = await open(path, 'r')
  const { buffer, bytesRead } = await file.read(Buffer.alloc(4), { position: 0 })
  const first = buffer.subarray(0, bytesRead).toString('hex')
  if (first.startsWith('1f8b')) return 'gzip'
  if (first === '28b52ffd') return 'zstd'
  if (first.startsWith('425a68') || first === 'fd377a58') throw unreadCompression('a layer of it')
  return 'none'
}

function readManifest(bytes: Buffer): ImageManifest {
  const manifest = readLimited(() => parseManifest(bytes, MEDIA_TYPE.ociManifest))
  if (manifest.kind !== 'manifest') throw new Error('a manifest that was made here is none')
  return manifest
}
