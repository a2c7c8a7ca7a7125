import { type Descriptor, type Digest, digestAlgorithm, digestOf } from '@caisson/oci'
import { type BlobStore, mismatch } from '../content/blob-store.ts'
import { tooLarge } from '../image/document.ts'
import { withoutIdling } from '../registry/idle.ts'
import type { FetchedManifest, Repository } from '../registry/ports.ts'
import { type RetryLimits, worthRetrying } from '../registry/retry.ts'

export interface DocumentsDeps {
  readonly blobs: BlobStore
  readonly limits: RetryLimits & { readonly maxManifestBytes: number }
}

/** Small documents of one repository. Those that the store has are taken from there. */
export class Documents {
  readonly #deps: DocumentsDeps
  readonly #repository: Repository
  readonly #signal: AbortSignal

  constructor(deps: DocumentsDeps, repository: Repository, signal: AbortSignal) {
    this.#deps = deps
    this.#repository = repository
    this.#signal = signal
  }

  /** The manifest or index that a tag or digest means. */
  async top(reference: string): Promise<FetchedManifest> {
    const manifest = await this.#repository.manifest(reference, this.#signal)
    this.#checkSize(manifest.digest, manifest.bytes.length)
    return manifest
  }

  /** A manifest or index that a descriptor names. */
  async manifest(wanted: Descriptor): Promise<FetchedManifest> {
    this.#checkSize(wanted.digest, wanted.size)
    const { digest, mediaType } = wanted
    const held = await this.held(digest)
    if (held) return { digest, mediaType, bytes: held }
    const { bytes } = await this.#repository.manifest(digest, this.#signal)
    return { digest, mediaType, bytes: checked(wanted, bytes) }
  }

  /** A config. */
  async blob(wanted: Descriptor): Promise<Uint8Array> {
    this.#checkSize(wanted.digest, wanted.size)
    return (await this.held(wanted.digest)) ?? checked(wanted, await this.#fetch(wanted))
  }

  /** The bytes of a document that the store has. */
  async held(digest: Digest): Promise<Uint8Array | undefined> {
    const blob = this.#deps.blobs.find(digest)
    if (!blob) return undefined
    this.#checkSize(digest, blob.size)
    const chunks = await Array.fromAsync(this.#deps.blobs.read(digest, 0, 0, this.#signal))
    return Buffer.concat(chunks)
  }

  async #fetch(wanted: Descriptor): Promise<Buffer> {
    const { limits } = this.#deps
    for (let attempt = 1; ; attempt++)
      try {
        return await withoutIdling(limits.transferIdleMs, this.#signal, (alive, signal) =>
          this.#read(wanted, alive, signal),
        )
      } catch (thrown) {
        const failure = worthRetrying(thrown, this.#signal)
        if (attempt >= limits.transferAttempts) throw failure
      }
  }

  async #read(wanted: Descriptor, alive: () => void, signal: AbortSignal): Promise<Buffer> {
    const { chunks } = await this.#repository.blob(wanted, 0, signal)
    const parts: Uint8Array[] = []
    let size = 0
    for await (const chunk of chunks) {
      alive()
      size += chunk.length
      if (size > wanted.size) throw mismatch(wanted.digest, `the registry sends more than its ${wanted.size} bytes`)
      parts.push(chunk)
    }
    return Buffer.concat(parts)
  }

  #checkSize(digest: Digest, size: number): void {
    const { maxManifestBytes } = this.#deps.limits
    if (size > maxManifestBytes) throw tooLarge(digest, size, maxManifestBytes)
  }
}

function checked(wanted: Descriptor, bytes: Uint8Array): Uint8Array {
  const { digest, size } = wanted
  if (bytes.length !== size) throw mismatch(digest, `the document has ${bytes.length} bytes, not ${size}`)
  const found = digestOf(bytes, digestAlgorithm(digest))
  if (found !== digest) throw mismatch(digest, `the document that the registry sent has the digest ${found}`)
  return bytes
}
