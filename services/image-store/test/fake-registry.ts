import { createHash } from 'node:crypto'
import { CaissonError, notFound, unavailable } from '@caisson/api'
import { type Descriptor, type Digest, digestOf, isDigest } from '@caisson/oci'
import type {
  BlobStream,
  FetchedManifest,
  Registries,
  Registry,
  RegistryAuth,
  Repository,
  RepositoryName,
} from '../src/registry/ports.ts'
import { configOf, type ImagePart } from './archives.ts'

const OCI = 'application/vnd.oci.image'
export const OCI_MANIFEST = `${OCI}.manifest.v1+json`
export const OCI_INDEX = `${OCI}.index.v1+json`
const CHUNK = 64 << 10

interface Content {
  readonly manifests: Map<Digest, FetchedManifest>
  readonly tags: Map<string, Digest>
  readonly blobs: Map<Digest, Buffer>
}

/** What becomes of the bytes of a blob on their way, a connection at a time. */
export type Spoil = (chunks: AsyncIterable<Buffer>, signal: AbortSignal) => AsyncIterable<Buffer>

/** Registries in memory, whose connections a test can slow down and break. */
export class FakeRegistry implements Registries {
  readonly #repositories = new Map<string, Content>()
  /** What was asked, as "GET manifest tag" or "GET blob digest offset". */
  readonly requests: string[] = []
  /** Bytes of blobs that were taken from here. */
  served = 0
  /** Connections that are open now, and the most there were. */
  open = 0
  most = 0
  /** Set: only this password lets in. */
  password: string | undefined
  /** Set: nobody answers. */
  isAway = false
  ignoresRanges = false
  /** Applied to every connection for a blob. */
  spoil: (digest: Digest) => Spoil | undefined = () => undefined
  /** Set: changes what a put manifest is said to be. */
  saysAfterPut: Digest | undefined

  content(name: string): Content {
    const known = this.#repositories.get(name)
    if (known) return known
    const made: Content = { manifests: new Map(), tags: new Map(), blobs: new Map() }
    this.#repositories.set(name, made)
    return made
  }

  /** Puts an image into a repository, and under a tag. Empty: none. */
  addImage(name: string, tag: string, image: ImagePart, more: Record<string, unknown> = {}): Descriptor {
    const config = this.addBlob(name, configOf(image))
    const layers = image.layers.map(({ blob, mediaType }) => ({
      mediaType: mediaType ?? `${OCI}.layer.v1.tar`,
      ...this.addBlob(name, blob),
    }))
    const document = { mediaType: OCI_MANIFEST, config: { mediaType: `${OCI}.config.v1+json`, ...config }, layers }
    return this.addManifest(name, tag, OCI_MANIFEST, { schemaVersion: 2, ...document, ...more })
  }

  addIndex(name: string, tag: string, manifests: readonly object[]): Descriptor {
    return this.addManifest(name, tag, OCI_INDEX, { schemaVersion: 2, mediaType: OCI_INDEX, manifests })
  }

  addManifest(name: string, tag: string, mediaType: string, document: object): Descriptor {
    const bytes = Buffer.from(JSON.stringify(document))
    const digest = digestOf(bytes)
    this.content(name).manifests.set(digest, { digest, mediaType, bytes })
    if (tag !== '') this.content(name).tags.set(tag, digest)
    return { mediaType, digest, size: bytes.length }
  }

  addBlob(name: string, bytes: Uint8Array): { digest: Digest; size: number } {
    const digest = digestOf(bytes)
    this.content(name).blobs.set(digest, Buffer.from(bytes))
    return { digest, size: bytes.length }
  }

  registry(name: string, auth: RegistryAuth | undefined): Registry {
    const names = [...this.#repositories.keys()].filter((key) => key.startsWith(`${name}/`))
    return {
      checkLogin: async () => {
        if (this.password !== undefined && auth?.password !== this.password)
          throw new CaissonError('unauthenticated', 'log in', { reason: 'REGISTRY_LOGIN_REQUIRED' })
        return this.password !== undefined
      },
      repositories: async function* () {
        for (const key of names) yield key.slice(name.length + 1)
      },
    }
  }

  repository({ registry, repository }: RepositoryName, auth: RegistryAuth | undefined): Repository {
    return new FakeRepository(this, `${registry}/${repository}`, auth)
  }
}

class FakeRepository implements Repository {
  readonly #registry: FakeRegistry
  readonly #name: string
  readonly #auth: RegistryAuth | undefined

  constructor(registry: FakeRegistry, name: string, auth: RegistryAuth | undefined) {
    this.#registry = registry
    this.#name = name
    this.#auth = auth
  }

  get #content(): Content {
    return this.#registry.content(this.#name)
  }

  async resolve(reference: string): Promise<Descriptor | undefined> {
    this.#enter(`HEAD manifest ${reference}`)
    const found = this.#find(reference)
    return found && { mediaType: found.mediaType, digest: found.digest, size: found.bytes.length }
  }

  async manifest(reference: string): Promise<FetchedManifest> {
    this.#enter(`GET manifest ${reference}`)
    const found = this.#find(reference)
    if (!found) throw notFound('manifest', `${this.#name}:${reference}`)
    return found
  }

  async blob({ digest }: { digest: Digest }, offset: number, signal: AbortSignal): Promise<BlobStream> {
    this.#enter(`GET blob ${digest} ${offset}`)
    const bytes = this.#content.blobs.get(digest)
    if (!bytes) throw notFound('blob', digest)
    const start = this.#registry.ignoresRanges ? 0 : offset
    const chunks = this.#send(bytes.subarray(start), signal)
    return { offset: start, chunks: this.#registry.spoil(digest)?.(chunks, signal) ?? chunks }
  }

  async hasBlob(digest: Digest): Promise<boolean> {
    this.#enter(`HEAD blob ${digest}`)
    return this.#content.blobs.has(digest)
  }

  async mountBlob(digest: Digest, from: string): Promise<boolean> {
    this.#enter(`MOUNT blob ${digest} ${from}`)
    const bytes = this.#registry.content(`${this.#name.slice(0, this.#name.indexOf('/'))}/${from}`).blobs.get(digest)
    if (bytes) this.#content.blobs.set(digest, bytes)
    return bytes !== undefined
  }

  async putBlob(
    { digest, size }: { digest: Digest; size: number },
    open: (offset: number) => AsyncIterable<Uint8Array>,
    report: (bytes: number) => void,
  ): Promise<void> {
    this.#enter(`PUT blob ${digest}`)
    const chunks: Uint8Array[] = []
    let sent = 0
    for await (const chunk of open(0)) {
      chunks.push(chunk)
      sent += chunk.length
      report(sent)
    }
    const bytes = Buffer.concat(chunks)
    if (digestOf(bytes) !== digest || bytes.length !== size)
      throw new CaissonError('invalid-argument', 'the digest does not fit')
    this.#content.blobs.set(digest, bytes)
  }

  async putManifest(
    reference: string,
    { mediaType, bytes }: { mediaType: string; bytes: Uint8Array },
  ): Promise<{ digest: Digest }> {
    this.#enter(`PUT manifest ${reference}`)
    const digest = digestOf(bytes)
    this.#content.manifests.set(digest, { digest, mediaType, bytes })
    if (!isDigest(reference)) this.#content.tags.set(reference, digest)
    return { digest: this.#registry.saysAfterPut ?? digest }
  }

  async *tags(): AsyncGenerator<string> {
    this.#enter('GET tags')
    yield* [...this.#content.tags.keys()].sort()
  }

  async referrers(): Promise<Descriptor[]> {
    return []
  }

  #find(reference: string): FetchedManifest | undefined {
    const digest = isDigest(reference) ? reference : this.#content.tags.get(reference)
    return digest && this.#content.manifests.get(digest)
  }

  #enter(request: string): void {
    this.#registry.requests.push(request)
    if (this.#registry.isAway) throw unavailable('REGISTRY_UNREACHABLE', 'nobody answers')
    const { password } = this.#registry
    if (password !== undefined && this.#auth?.password !== password)
      throw new CaissonError('unauthenticated', 'log in first', { reason: 'REGISTRY_UNAUTHORIZED' })
  }

  async *#send(bytes: Buffer, signal: AbortSignal): AsyncGenerator<Buffer> {
    const registry = this.#registry
    registry.open += 1
    registry.most = Math.max(registry.most, registry.open)
    try {
      for (let at = 0; at < bytes.length; at += CHUNK) {
        signal.throwIfAborted()
        const chunk = bytes.subarray(at, at + CHUNK)
        registry.served += chunk.length
        yield chunk
      }
    } finally {
      registry.open -= 1
    }
  }
}

/** Breaks the connection after some bytes. */
export function breakAfter(bytes: number): Spoil {
  return async function* (chunks) {
    let left = bytes
    for await (const chunk of chunks) {
      yield chunk.subarray(0, left)
      left -= chunk.length
      if (left <= 0) throw unavailable('CONNECTION_LOST', 'the connection broke')
    }
  }
}

/** Holds a connection up after some bytes until the caller gives up, or the gate opens. */
export function holdAfter(bytes: number, gate: Promise<void>): Spoil {
  return async function* (chunks, signal) {
    let left = bytes
    for await (const chunk of chunks) {
      if (left <= 0) await Promise.race([gate, aborted(signal)])
      yield chunk
      left -= chunk.length
    }
  }
}

function aborted(signal: AbortSignal): Promise<never> {
  return new Promise((_, reject) => {
    if (signal.aborted) reject(signal.reason)
    else signal.addEventListener('abort', () => reject(signal.reason), { once: true })
  })
}

/** Bytes that no compression makes smaller, the same for the same seed. */
export function noise(seed: string, size: number): Buffer {
  const parts: Buffer[] = []
  for (let at = 0, block = Buffer.from(seed); at < size; at += block.length) {
    block = createHash('sha512').update(block).digest()
    parts.push(block)
  }
  return Buffer.concat(parts).subarray(0, size)
}
