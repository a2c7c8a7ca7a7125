import { CaissonError } from '@caisson/api'
import { type Descriptor, type Digest, isDigest, parseDigest, parseTag } from '@caisson/oci'
import { openBlob, statBlob } from './blobs/download.ts'
import { mountBlob, uploadBlob } from './blobs/upload.ts'
import { deleteManifest } from './manifests/delete.ts'
import { fetchManifest, resolveManifest } from './manifests/fetch.ts'
import { putManifest } from './manifests/put.ts'
import { listReferrers } from './manifests/referrers.ts'
import type { BlobStream, FetchedManifest, Repository, WantedBlob } from './repository.ts'
import type { Session } from './session.ts'
import { listTags } from './tags.ts'
import { typedError, withDetails } from './typed-error.ts'

/** A repository as its mirrors and its registry have it: each is asked in turn until one has what is wanted. */
export class RemoteRepository implements Repository {
  readonly #mirrors: readonly Session[]
  readonly #registry: Session
  readonly #details: Readonly<Record<string, string>>
  /** How many mirrors have sent a blob in whole already. */
  readonly #served = new Map<Digest, number>()

  constructor(mirrors: readonly Session[], registry: Session) {
    this.#mirrors = mirrors
    this.#registry = registry
    this.#details = { registry: registry.endpoint.registry, repository: registry.repository }
  }

  async resolve(reference: string, signal: AbortSignal): Promise<Descriptor | undefined> {
    return await this.#typed(async () => {
      const name = checkedReference(reference)
      return await this.#first(this.#mirrorsFor(name), (session) => resolveManifest(session, name, signal), signal)
    }, signal)
  }

  async manifest(reference: string, signal: AbortSignal): Promise<FetchedManifest> {
    return await this.#typed(async () => {
      const name = checkedReference(reference)
      return await this.#first(this.#mirrorsFor(name), (session) => fetchManifest(session, name, signal), signal)
    }, signal)
  }

  async blob(blob: WantedBlob, offset: number, signal: AbortSignal): Promise<BlobStream> {
    return await this.#typed(async () => {
      const mirrors = this.#mirrors.slice(this.#served.get(parseDigest(blob.digest)) ?? 0)
      return await this.#first(mirrors, (session) => this.#open(session, blob, offset, signal), signal)
    }, signal)
  }

  async #open(session: Session, blob: WantedBlob, offset: number, signal: AbortSignal): Promise<BlobStream> {
    const stream = await openBlob(session, blob, offset, signal)
    const chunks = this.#counted(session, blob.digest, stream.chunks)
    return { ...stream, chunks: this.#typedItems(chunks, signal) }
  }

  /** Who asks again for a blob that a mirror sent to its end got something else: the next one is asked then. */
  async *#counted(session: Session, digest: Digest, chunks: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
    yield* chunks
    if (session.endpoint.isMirror) this.#served.set(digest, this.#mirrors.indexOf(session) + 1)
  }

  async hasBlob(digest: Digest, signal: AbortSignal): Promise<boolean> {
    return (await this.statBlob(digest, signal)) !== undefined
  }

  async statBlob(digest: Digest, signal: AbortSignal): Promise<{ readonly size: number | undefined } | undefined> {
    return await this.#typed(() => statBlob(this.#registry, parseDigest(digest), signal), signal)
  }

  async mountBlob(digest: Digest, from: string, signal: AbortSignal): Promise<boolean> {
    return await this.#typed(() => mountBlob(this.#registry, parseDigest(digest), from, signal), signal)
  }

  async putBlob(
    { digest, size }: { digest: Digest; size: number },
    open: (offset: number) => AsyncIterable<Uint8Array>,
    report: (bytes: number) => void,
    signal: AbortSignal,
  ): Promise<void> {
    const source = { digest, size, open, report }
    await this.#typed(() => uploadBlob(this.#registry, source, signal), signal)
  }

  async putManifest(
    reference: string,
    manifest: { mediaType: string; bytes: Uint8Array },
    signal: AbortSignal,
  ): Promise<{ digest: Digest; subject: Digest | undefined }> {
    return await this.#typed(() => putManifest(this.#registry, checkedReference(reference), manifest, signal), signal)
  }

  async deleteManifest(reference: string, signal: AbortSignal): Promise<boolean> {
    return await this.#typed(() => deleteManifest(this.#registry, checkedReference(reference), signal), signal)
  }

  tags(signal: AbortSignal): AsyncIterable<string> {
    return this.#typedItems(listTags(this.#registry, signal), signal)
  }

  async referrers(subject: Digest, artifactType: string | undefined, signal: AbortSignal): Promise<Descriptor[]> {
    return await this.#typed(() => listReferrers(this.#registry, parseDigest(subject), artifactType, signal), signal)
  }

  #mirrorsFor(reference: string): readonly Session[] {
    return isDigest(reference) ? this.#mirrors : this.#mirrors.filter(({ endpoint }) => endpoint.resolvesTags)
  }

  /** A mirror that fails in whatever way is passed over: only the registry's own word counts. */
  async #first<T>(mirrors: readonly Session[], ask: (session: Session) => Promise<T>, signal: AbortSignal): Promise<T> {
    const failures: string[] = []
    for (const mirror of mirrors) {
      const found = await ask(mirror).catch((error: unknown) => {
        failures.push(`${mirror.endpoint.host}: ${CaissonError.from(error).reason}`)
      })
      signal.throwIfAborted()
      if (found !== undefined) return found
    }
    return await ask(this.#registry).catch((error: unknown) => {
      throw failures.length === 0 ? error : withDetails(error, { mirrors: failures.join(', ') })
    })
  }

  async #typed<T>(work: () => Promise<T>, signal: AbortSignal): Promise<T> {
    try {
      return await work()
    } catch (error) {
      throw typedError(error, signal, this.#details)
    }
  }

  async *#typedItems<T>(items: AsyncIterable<T>, signal: AbortSignal): AsyncGenerator<T> {
    try {
      yield* items
    } catch (error) {
      throw typedError(error, signal, this.#details)
    }
  }
}

function checkedReference(reference: string): string {
  return isDigest(reference) ? reference : parseTag(reference)
}
