import { createHash } from 'node:crypto'
import { lstatSync, readdirSync, readFileSync, readlinkSync } from 'node:fs'
import { join } from 'node:path'
import { type TarEntry, tar } from '@caisson/testkit'

/** What a tree holds: for each path its type and, of a file, its size and digest. */
export type Manifest = ReadonlyMap<string, string>

/** An image that is made from a number: what it holds is known. */
export interface LayeredImage {
  /** Its name in the archive. */
  readonly name: string
  readonly archive: Buffer
  /** The hexadecimal digits of each chain id, and what is in the layer alone. */
  readonly layers: ReadonlyMap<string, Manifest>
}

const FILES = 25
const LAYERS = 3

/** The same seed gives the same image; different ones share nothing. */
export function layeredImage(seed: number): LayeredImage {
  const entries = Array.from({ length: LAYERS }, (_, layer) => layerEntries(`${seed}/${layer}`))
  const tars = entries.map(tar)
  const ids = chainIds(tars.map(sha256))
  const name = `power.test/image${seed}:latest`
  return {
    name,
    archive: dockerArchive(name, tars),
    layers: new Map(ids.map((id, at) => [id, manifestOf(entries[at] ?? [])])),
  }
}

/** What a directory holds. */
export function readTree(root: string): Manifest {
  const found = new Map<string, string>()
  for (const entry of readdirSync(root, { recursive: true, encoding: 'utf8' })) {
    const path = join(root, entry)
    const about = lstatSync(path)
    if (about.isDirectory()) found.set(entry, 'directory')
    else if (about.isSymbolicLink()) found.set(entry, `symlink ${readlinkSync(path)}`)
    else found.set(entry, content(readFileSync(path)))
  }
  return found
}

function layerEntries(key: string): TarEntry[] {
  const files = Array.from({ length: FILES }, (_, at): TarEntry => {
    const noise = createHash('sha512').update(`${key}/${at}`).digest('hex')
    // Sizes around those of blocks, and much larger ones.
    const size = [1, 100, 4_095, 4_096, 4_097, 70_000][at % 6] ?? 0
    return { path: `d${at % 4}/file${at}`, content: noise.repeat(Math.ceil(size / noise.length)).slice(0, size) }
  })
  const directories = [0, 1, 2, 3].map((at): TarEntry => ({ path: `d${at}/`, type: 'directory' }))
  return [...directories, ...files, { path: 'd0/link', type: 'symlink', target: 'file0' }]
}

function manifestOf(entries: readonly TarEntry[]): Manifest {
  return new Map(
    entries.map(({ path, type, target, content: bytes }) => {
      if (type === 'directory') return [path.replace(/\/$/, ''), 'directory']
      return [path, type === 'symlink' ? `symlink ${target}` : content(Buffer.from(bytes ?? ''))]
    }),
  )
}

const content = (bytes: Uint8Array): string => `file ${bytes.length} ${sha256(bytes)}`

/** Chain ids from diff ids: image-spec, config.md, "Layer ChainID". */
function chainIds(diffIds: readonly string[]): string[] {
  const chain: string[] = []
  for (const diffId of diffIds) {
    const below = chain.at(-1)
    chain.push(below === undefined ? diffId : sha256(`sha256:${below} sha256:${diffId}`))
  }
  return chain
}

function dockerArchive(name: string, layers: readonly Buffer[]): Buffer {
  const config = JSON.stringify({
    architecture: process.arch === 'arm64' ? 'arm64' : 'amd64',
    os: 'linux',
    rootfs: { type: 'layers', diff_ids: layers.map((layer) => `sha256:${sha256(layer)}`) },
  })
  const files = layers.map((layer): TarEntry => ({ path: `${sha256(layer).slice(0, 60)}/layer.tar`, content: layer }))
  const manifest = [{ Config: 'config.json', RepoTags: [name], Layers: files.map(({ path }) => path) }]
  return tar([
    ...files,
    { path: 'config.json', content: config },
    { path: 'manifest.json', content: JSON.stringify(manifest) },
  ])
}

function sha256(bytes: Uint8Array | string): string {
  return createHash('sha256').update(bytes).digest('hex')
}
