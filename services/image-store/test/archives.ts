import { createHash } from 'node:crypto'
import { type TarEntry, tar } from './tar-writer.ts'

/** A layer of an archive that is made for a test. */
export interface LayerPart {
  /** The blob as the archive has it. */
  readonly blob: Uint8Array
  /** The tar in it. Default: the blob itself. */
  readonly tar?: Uint8Array
  readonly mediaType?: string
}

export interface ImagePart {
  readonly names?: readonly string[]
  readonly layers: readonly LayerPart[]
  /** Changes to the config document. */
  readonly config?: Readonly<Record<string, unknown>>
  readonly architecture?: string
}

export const sha256 = (bytes: Uint8Array | string): string => createHash('sha256').update(bytes).digest('hex')
export const digest = (bytes: Uint8Array | string): string => `sha256:${sha256(bytes)}`

/** The config document of an image. */
export function configOf({ layers, config, architecture }: ImagePart): Buffer {
  return Buffer.from(
    JSON.stringify({
      architecture: architecture ?? 'amd64',
      os: 'linux',
      created: '2026-01-02T03:04:05Z',
      config: { Cmd: ['/bin/sh'] },
      rootfs: { type: 'layers', diff_ids: layers.map((layer) => digest(layer.tar ?? layer.blob)) },
      ...config,
    }),
  )
}

/** Entries of a docker-archive, as `docker save` writes it. */
export function dockerArchiveEntries(images: readonly ImagePart[]): TarEntry[] {
  const files = new Map<string, Uint8Array>()
  const list = images.map((image) => {
    const config = configOf(image)
    const name = `${sha256(config)}.json`
    files.set(name, config)
    const layers = image.layers.map(({ blob }) => {
      const path = `${sha256(blob)}/layer.tar`
      files.set(path, blob)
      return path
    })
    return { Config: name, RepoTags: image.names ?? null, Layers: layers }
  })
  return [
    ...[...files].map(([path, content]): TarEntry => ({ path, content })),
    { path: 'manifest.json', content: JSON.stringify(list) },
  ]
}

export const dockerArchive = (images: readonly ImagePart[]): Buffer => tar(dockerArchiveEntries(images))

const OCI = 'application/vnd.oci.image'

interface Descriptor {
  readonly mediaType: string
  readonly digest: string
  readonly size: number
  readonly annotations?: Readonly<Record<string, string>>
  readonly platform?: { readonly os: string; readonly architecture: string }
}

/** Writes the blobs of an OCI layout by hand. */
export class LayoutWriter {
  readonly #blobs = new Map<string, Uint8Array>()

  blob(mediaType: string, content: Uint8Array | string, more: Partial<Descriptor> = {}): Descriptor {
    const bytes = Buffer.from(content)
    this.#blobs.set(sha256(bytes), bytes)
    return { mediaType, digest: digest(bytes), size: bytes.length, ...more }
  }

  image(part: ImagePart, more: Partial<Descriptor> = {}): Descriptor {
    const manifest = {
      schemaVersion: 2,
      mediaType: `${OCI}.manifest.v1+json`,
      config: this.blob(`${OCI}.config.v1+json`, configOf(part)),
      layers: part.layers.map(({ blob, mediaType }) => this.blob(mediaType ?? `${OCI}.layer.v1.tar`, blob)),
    }
    return this.blob(manifest.mediaType, JSON.stringify(manifest), more)
  }

  index(manifests: readonly Descriptor[], more: Partial<Descriptor> = {}): Descriptor {
    const mediaType = `${OCI}.index.v1+json`
    return this.blob(mediaType, JSON.stringify({ schemaVersion: 2, mediaType, manifests }), more)
  }

  entries(manifests: readonly Descriptor[]): TarEntry[] {
    return [
      { path: 'oci-layout', content: JSON.stringify({ imageLayoutVersion: '1.0.0' }) },
      { path: 'index.json', content: JSON.stringify({ schemaVersion: 2, manifests }) },
      { path: 'blobs/', type: 'dir' },
      { path: 'blobs/sha256/', type: 'dir' },
      ...[...this.#blobs].map(([hex, content]): TarEntry => ({ path: `blobs/sha256/${hex}`, content })),
    ]
  }

  tar(manifests: readonly Descriptor[]): Buffer {
    return tar(this.entries(manifests))
  }
}

export const named = (name: string): Partial<Descriptor> => ({
  annotations: { 'org.opencontainers.image.ref.name': name },
})

export const forPlatform = (architecture: string): Partial<Descriptor> => ({ platform: { os: 'linux', architecture } })
