import { createHash } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { type Digest, parseDigest, parseJson } from '@caisson/oci'
import { readLimited } from '../document.ts'
import type { ImageSource } from '../intake.ts'
import { parseImageName } from '../lookup.ts'
import type { Archive, StagedFile } from './archive.ts'
import { malformed, tooLarge } from './archive-error.ts'
import { decompress } from './decompress.ts'
import { compressionOf, type DockerArchiveOptions, sourceOf } from './docker-archive.ts'

/** A directory of the archive: one layer, and the config of the image whose topmost layer it is. */
interface LegacyLayer {
  readonly id: string
  readonly json: Readonly<Record<string, unknown>>
  readonly file: StagedFile
}

type Json = Readonly<Record<string, unknown>>

const ID = /^[0-9a-f]{64}$/
const MAX_IMAGES = 1_000
const MAX_LAYERS = 500

/**
 * Reads an archive as Docker wrote it before 1.10 (image-spec v1): `repositories`, and for each layer ID/json, ID/layer.tar
 * and the id of the layer below. The same archive gives the same configs.
 */
export async function readLegacyArchive(archive: Archive, options: DockerArchiveOptions): Promise<ImageSource[]> {
  const namesOfTop = await readRepositories(archive, options)
  const diffIds = new Map<string, Promise<Digest>>()
  const sources: ImageSource[] = []
  for (const [top, names] of namesOfTop) {
    const chain = await readChain(archive, top, options)
    const layers = []
    for (const { id, file } of chain) {
      const diffId = diffIds.get(id) ?? diffIdOf(file, options)
      diffIds.set(id, diffId)
      layers.push({ diffId: await diffId, file })
    }
    const configBytes = configOf(
      chain,
      layers.map(({ diffId }) => diffId),
    )
    sources.push(await sourceOf({ names, configBytes, layers }, options))
  }
  return sources
}

/** Names by the id of the topmost layer. */
async function readRepositories(archive: Archive, options: DockerArchiveOptions): Promise<Map<string, string[]>> {
  const named = new Map<string, string[]>()
  for (const [repository, tags] of Object.entries(await readObject(archive, 'repositories', options)))
    for (const [tag, id] of Object.entries(asObject(tags, 'repositories'))) {
      if (typeof id !== 'string' || !ID.test(id)) throw malformed('its repositories name no layer', 'repositories')
      named.set(id, [...(named.get(id) ?? []), parseImageName(`${repository}:${tag}`)])
      if (named.size > MAX_IMAGES) throw tooLarge(`it has more than ${MAX_IMAGES} images`)
    }
  return named
}

/** The layers of an image, the lowest first. */
async function readChain(archive: Archive, top: string, options: DockerArchiveOptions): Promise<LegacyLayer[]> {
  const chain: LegacyLayer[] = []
  const seen = new Set<string>()
  for (let id: unknown = top; id !== undefined && id !== ''; ) {
    if (typeof id !== 'string' || !ID.test(id)) throw malformed('a layer of it has a parent that is no id')
    if (seen.has(id)) throw malformed('a layer of it stands on itself', `${id}/json`)
    if (seen.size >= MAX_LAYERS) throw tooLarge(`an image of it has more than ${MAX_LAYERS} layers`)
    seen.add(id)
    const json = await readObject(archive, `${id}/json`, options)
    chain.unshift({ id, json, file: archive.linkedFile(`${id}/layer.tar`) })
    id = json['parent']
  }
  return chain
}

async function readObject(archive: Archive, name: string, { maxManifestBytes: maxBytes }: DockerArchiveOptions) {
  const bytes = await archive.document(archive.file(name), name, maxBytes)
  return asObject(
    readLimited(() => parseJson(bytes, { subject: name, maxBytes })),
    name,
  )
}

function asObject(value: unknown, name: string): Json {
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as Json
  throw malformed(`its ${name} is no object`, name)
}

async function diffIdOf(file: StagedFile, { tool, signal }: DockerArchiveOptions): Promise<Digest> {
  if ((await compressionOf(file)) === 'none') return (await tool.digest(file.path, signal)).digest
  const hash = createHash('sha256')
  for await (const chunk of await decompress(createReadStream(file.path, { signal }))) hash.update(chunk)
  return parseDigest(`sha256:${hash.digest('hex')}`)
}

/** The config of image-spec 1.2, of what the topmost layer says. */
function configOf(chain: readonly LegacyLayer[], diffIds: readonly Digest[]): Buffer {
  const { created, author, architecture = 'amd64', os = 'linux', config } = chain.at(-1)?.json ?? {}
  const history = chain.map(({ json }) => historyOf(json))
  const rootfs = { type: 'layers', diff_ids: diffIds }
  return Buffer.from(JSON.stringify({ created, author, architecture, os, config, rootfs, history }, exactly))
}

/** A number that would be rounded is refused: the config would not be what the archive says. */
function exactly(_name: string, value: unknown): unknown {
  if (typeof value === 'bigint') throw malformed(`a layer of it has the number ${value}, which is too large`)
  return value
}

function historyOf({ created, author, comment, container_config: made }: Json): object {
  const cmd = typeof made === 'object' && made !== null && 'Cmd' in made ? made.Cmd : undefined
  const createdBy = Array.isArray(cmd) ? cmd.join(' ') : ''
  return { created, author: author || undefined, created_by: createdBy, comment: comment || undefined }
}
