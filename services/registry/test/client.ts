import { connect } from 'node:net'
import { type Digest, digestOf, MEDIA_TYPE } from '@caisson/oci'

/** What the tests need of a client of the protocol: plain requests, and the usual ways to push. */
export class Client {
  readonly url: string

  constructor(url: string) {
    this.url = url
  }

  async send(
    method: string,
    path: string,
    options: RequestInit & { readonly duplex?: 'half' } = {},
  ): Promise<Response> {
    return await fetch(new URL(path, this.url), { method, redirect: 'manual', ...options })
  }

  /** Status and body of a request, its error code when it has one. */
  async ask(method: string, path: string, options: RequestInit = {}): Promise<Answer> {
    const response = await this.send(method, path, options)
    const body = Buffer.from(await response.arrayBuffer())
    return { status: response.status, headers: response.headers, body, code: codeIn(body) }
  }

  /** Begins an upload; gives its location. */
  async begin(repository: string, query = ''): Promise<string> {
    const { status, headers } = await this.ask('POST', `/v2/${repository}/blobs/uploads/${query}`)
    if (status !== 202) throw new Error(`POST answered ${status}`)
    return headers.get('location') ?? ''
  }

  async pushBlob(repository: string, bytes: Uint8Array): Promise<Digest> {
    const digest = digestOf(bytes)
    const location = await this.begin(repository)
    const { status } = await this.ask('PUT', `${location}${location.includes('?') ? '&' : '?'}digest=${digest}`, {
      body: Buffer.from(bytes),
    })
    if (status !== 201) throw new Error(`PUT answered ${status}`)
    return digest
  }

  /** Pushes a manifest as it stands. */
  async pushManifest(repository: string, reference: string, manifest: Manifest): Promise<Answer> {
    const headers = { 'content-type': manifest.mediaType }
    return await this.ask('PUT', `/v2/${repository}/manifests/${reference}`, {
      headers,
      body: Buffer.from(manifest.bytes),
    })
  }

  /** Pushes an image of one layer, tagged. */
  async pushImage(repository: string, tag: string, layer: Uint8Array, more: object = {}): Promise<Manifest> {
    const manifest = await this.imageOf(repository, layer, more)
    const { status, body } = await this.pushManifest(repository, tag, manifest)
    if (status !== 201) throw new Error(`PUT of the manifest answered ${status}: ${body.toString()}`)
    return manifest
  }

  /** Pushes the blobs of an image, and gives its manifest. */
  async imageOf(repository: string, layer: Uint8Array, more: object = {}): Promise<Manifest> {
    const config = Buffer.from(JSON.stringify({ architecture: 'amd64', os: 'linux', rootfs: { type: 'layers' } }))
    await this.pushBlob(repository, config)
    await this.pushBlob(repository, layer)
    return manifestOf({
      config: descriptorOf(config, MEDIA_TYPE.ociConfig),
      layers: [descriptorOf(layer, MEDIA_TYPE.ociLayer)],
      ...more,
    })
  }
}

export interface Answer {
  readonly status: number
  readonly headers: Headers
  readonly body: Buffer
  /** Of the first error. Empty: there is none. */
  readonly code: string
}

export interface Manifest {
  readonly bytes: Uint8Array
  readonly digest: Digest
  readonly mediaType: string
}

export function manifestOf(members: object, mediaType: string = MEDIA_TYPE.ociManifest): Manifest {
  const bytes = Buffer.from(JSON.stringify({ schemaVersion: 2, mediaType, ...members }, null, 3))
  return { bytes, digest: digestOf(bytes), mediaType }
}

export const descriptorOf = (bytes: Uint8Array, mediaType: string) => ({
  mediaType,
  digest: digestOf(bytes),
  size: bytes.byteLength,
})

/** Sends bytes as they are, and gives all that comes back until the other side closes, or `enough` is seen. */
export async function sendRaw(url: string, text: string | Buffer, enough = /\r\n\r\n/): Promise<string> {
  const { hostname, port } = new URL(url)
  return await new Promise((resolve, reject) => {
    const socket = connect(Number(port), hostname, () => socket.write(text))
    let seen = ''
    socket.on('data', (piece) => {
      seen += piece.toString('latin1')
      if (enough.test(seen)) socket.destroy()
    })
    socket.on('error', reject)
    socket.on('close', () => resolve(seen))
  })
}

/** Sends bytes, and breaks the connection off. */
export async function sendAndCut(url: string, bytes: Buffer): Promise<void> {
  const { hostname, port } = new URL(url)
  await new Promise<void>((resolve, reject) => {
    const socket = connect(Number(port), hostname, () =>
      socket.write(bytes, () => {
        socket.resetAndDestroy()
        resolve()
      }),
    )
    socket.on('error', reject)
  })
}

function codeIn(body: Buffer): string {
  if (!body.subarray(0, 10).toString().startsWith('{"errors"')) return ''
  return (JSON.parse(body.toString()) as { errors: { code: string }[] }).errors[0]?.code ?? ''
}
