import { createHash } from 'node:crypto'
import { Agent, type IncomingMessage, type OutgoingHttpHeaders, request } from 'node:http'
import { text } from 'node:stream/consumers'

const OCI = 'application/vnd.oci.image'

/** What a body consists of: the same bytes over and over, so that making it costs nothing. */
export interface RepeatedBody {
  readonly piece: Buffer
  readonly times: number
}

export interface Descriptor {
  readonly mediaType: string
  readonly digest: string
  readonly size: number
}

interface Answer {
  readonly status: number
  readonly location: string
}

/** Pushes as clients of registries do, over connections that it keeps. */
export class RegistryClient implements Disposable {
  readonly #url: string
  readonly #connections: number
  #agent: Agent

  constructor(url: string, connections: number) {
    this.#url = url
    this.#connections = connections
    this.#agent = this.#newAgent()
  }

  /** Later requests go over new connections. */
  closeIdle(): void {
    this.#agent.destroy()
    this.#agent = this.#newAgent()
  }

  [Symbol.dispose](): void {
    this.#agent.destroy()
  }

  #newAgent(): Agent {
    return new Agent({ keepAlive: true, maxSockets: this.#connections })
  }

  /** POST, one PATCH with a length or in chunks of the size of a piece, PUT. */
  async upload(repository: string, body: RepeatedBody, digest: string, isChunked = false): Promise<void> {
    const begun = await this.#ask('POST', `/v2/${repository}/blobs/uploads/`, 202)
    const length = { 'content-length': body.piece.length * body.times }
    const headers = { 'content-type': 'application/octet-stream', ...(isChunked ? {} : length) }
    const sent = await this.#ask('PATCH', begun.location, 202, headers, body)
    const end = new URL(sent.location, this.#url)
    end.searchParams.set('digest', digest)
    await this.#ask('PUT', end.href, 201)
  }

  /** An image of one layer that the registry has, and a config that it has not: as a client pushes it. */
  async pushImage(repository: string, tag: string, layer: Descriptor): Promise<void> {
    const bytes = Buffer.from(JSON.stringify({ architecture: 'amd64', os: 'linux', created: tag, rootfs: {} }))
    const config = { mediaType: `${OCI}.config.v1+json`, digest: digestOf(bytes), size: bytes.length }
    await this.#ask('HEAD', `/v2/${repository}/blobs/${layer.digest}`, 200)
    await this.#ask('HEAD', `/v2/${repository}/blobs/${config.digest}`, 404)
    await this.upload(repository, { piece: bytes, times: 1 }, config.digest)
    await this.putManifest(repository, tag, config, layer)
  }

  /** Returns the digest. */
  async putManifest(repository: string, tag: string, config: Descriptor, layer: Descriptor): Promise<string> {
    const mediaType = `${OCI}.manifest.v1+json`
    const bytes = Buffer.from(JSON.stringify({ schemaVersion: 2, mediaType, config, layers: [layer] }))
    const headers = { 'content-type': mediaType, 'content-length': bytes.length }
    await this.#ask('PUT', `/v2/${repository}/manifests/${tag}`, 201, headers, { piece: bytes, times: 1 })
    return digestOf(bytes)
  }

  async #ask(
    method: string,
    path: string,
    wanted: number,
    headers: OutgoingHttpHeaders = {},
    body: RepeatedBody = { piece: Buffer.of(), times: 0 },
  ): Promise<Answer> {
    const url = new URL(path, this.#url)
    const { promise, resolve, reject } = Promise.withResolvers<IncomingMessage>()
    const bare = body.times === 0 && method !== 'HEAD' ? { 'content-length': 0 } : {}
    const outgoing = request(url, { method, agent: this.#agent, headers: { ...bare, ...headers } }, resolve)
    outgoing.on('error', reject)
    send(outgoing, body)
    const answer = await promise
    const said = await text(answer)
    if (answer.statusCode !== wanted) throw new Error(`${method} ${url.href}: ${answer.statusCode} ${said}`)
    return { status: wanted, location: answer.headers.location ?? '' }
  }
}

function send(outgoing: ReturnType<typeof request>, { piece, times }: RepeatedBody): void {
  let left = times
  const more = (): void => {
    while (left > 0) {
      left--
      if (!outgoing.write(piece)) return void outgoing.once('drain', more)
    }
    outgoing.end()
  }
  more()
}

export function digestOf(bytes: Buffer, times = 1): string {
  const hash = createHash('sha256')
  for (let i = 0; i < times; i++) hash.update(bytes)
  return `sha256:${hash.digest('hex')}`
}
