import { createHash } from 'node:crypto'

export const sha256 = (bytes: Uint8Array): string => `sha256:${createHash('sha256').update(bytes).digest('hex')}`

export interface Answer {
  readonly status: number
  readonly headers: Headers
  readonly body: Buffer
}

const MANIFEST = 'application/vnd.oci.image.manifest.v1+json'

/** Plain requests of the distribution protocol. */
export class RegistryClient {
  readonly #url: string

  constructor(url: string) {
    this.#url = url
  }

  async ask(method: string, path: string, body?: Uint8Array, headers: Record<string, string> = {}): Promise<Answer> {
    const sent = body === undefined ? {} : { body: Buffer.from(body) }
    const response = await fetch(new URL(path, this.#url), { method, headers, ...sent })
    return { status: response.status, headers: response.headers, body: Buffer.from(await response.arrayBuffer()) }
  }

  /** Throws unless the answer has this status. */
  async expect(status: number, method: string, path: string, body?: Uint8Array, headers: Record<string, string> = {}) {
    const answer = await this.ask(method, path, body, headers)
    if (answer.status === status) return answer
    throw new Error(`${method} ${path} answered ${answer.status} and not ${status}: ${answer.body.toString()}`)
  }

  /** Location of a new upload. */
  async begin(repository: string): Promise<string> {
    const { headers } = await this.expect(202, 'POST', `/v2/${repository}/blobs/uploads/`)
    return headers.get('location') ?? ''
  }

  async putManifest(repository: string, reference: string, bytes: Uint8Array): Promise<Answer> {
    return await this.ask('PUT', `/v2/${repository}/manifests/${reference}`, bytes, { 'content-type': MANIFEST })
  }
}

/** A manifest of these blobs, the first of which is its config. */
export function manifestOf([config, ...layers]: readonly Uint8Array[], note: string): Buffer {
  const descriptor = (bytes: Uint8Array, type: string) => ({
    mediaType: `application/vnd.oci.image.${type}`,
    digest: sha256(bytes),
    size: bytes.length,
  })
  if (config === undefined) throw new Error('a manifest has a config')
  return Buffer.from(
    JSON.stringify({
      schemaVersion: 2,
      mediaType: MANIFEST,
      config: descriptor(config, 'config.v1+json'),
      layers: layers.map((layer) => descriptor(layer, 'layer.v1.tar')),
      annotations: { note },
    }),
  )
}
