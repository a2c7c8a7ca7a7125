import { randomBytes } from 'node:crypto'
import { type Digest, digestOf, MEDIA_TYPE } from '@caisson/oci'
import type { Repository } from '../src/index.ts'

export interface SmallImage {
  readonly layer: Buffer
  readonly layerDigest: Digest
  readonly config: Buffer
  readonly manifest: { readonly mediaType: string; readonly bytes: Buffer; readonly digest: Digest }
}

/** An image of one layer of random bytes: registries do not look into it. */
export function smallImage(layerBytes = 100_000, more: object = {}): SmallImage {
  const layer = randomBytes(layerBytes)
  const config = Buffer.from(
    JSON.stringify({ architecture: 'amd64', os: 'linux', rootfs: { type: 'layers', diff_ids: [] } }),
  )
  const bytes = Buffer.from(
    JSON.stringify({
      schemaVersion: 2,
      mediaType: MEDIA_TYPE.ociManifest,
      config: { mediaType: MEDIA_TYPE.ociConfig, digest: digestOf(config), size: config.length },
      layers: [{ mediaType: MEDIA_TYPE.ociLayer, digest: digestOf(layer), size: layer.length }],
      ...more,
    }),
  )
  const manifest = { mediaType: MEDIA_TYPE.ociManifest, bytes, digest: digestOf(bytes) }
  return { layer, layerDigest: digestOf(layer), config, manifest }
}

/** Signal of a test that is never cancelled. */
export const calm = new AbortController().signal

export async function putBytes(repository: Repository, bytes: Buffer): Promise<Digest> {
  const digest = digestOf(bytes)
  await repository.putBlob(
    { digest, size: bytes.length },
    (offset) => pieces(bytes, offset),
    () => {},
    calm,
  )
  return digest
}

export async function pushImage(repository: Repository, tag: string, image: SmallImage): Promise<void> {
  await putBytes(repository, image.layer)
  await putBytes(repository, image.config)
  await repository.putManifest(tag, image.manifest, calm)
}

export async function readBlob(repository: Repository, digest: Digest, size: number, offset = 0): Promise<Buffer> {
  const stream = await repository.blob({ digest, size }, offset, calm)
  const chunks: Buffer[] = []
  for await (const chunk of stream.chunks) chunks.push(chunk)
  return Buffer.concat(chunks)
}

/** The bytes from an offset on, in chunks as files are read. */
export async function* pieces(bytes: Buffer, offset: number): AsyncGenerator<Buffer> {
  for (let at = offset; at < bytes.length; at += 65_536) yield bytes.subarray(at, at + 65_536)
}
