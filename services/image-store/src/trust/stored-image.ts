import { type Descriptor, type Digest, isIndexType, parseManifest } from '@caisson/oci'
import type { BlobStore } from '../content/blob-store.ts'
import type { Verdict } from './judge.ts'
import type { SignatureSource, SignedDocument } from './ports.ts'
import type { TrustPolicy } from './trust-policy.ts'

/** An image whose documents are in the store, registered or about to be. */
export interface ImageAtHand {
  /** What its names point at: an index or its manifest. */
  readonly target: Digest
  /** What means it: its manifests and indexes. */
  readonly targets: readonly Digest[]
}

export interface StoredImagesDeps {
  readonly trust: TrustPolicy
  readonly blobs: Pick<BlobStore, 'find' | 'read'>
}

const MAX_DEPTH = 16

/** Asks the trust policy about images whose documents need not be fetched. */
export class StoredImages {
  readonly #deps: StoredImagesDeps

  constructor(deps: StoredImagesDeps) {
    this.#deps = deps
  }

  /** As TrustPolicy.check. `reference`: the name it is to have, or repository and digest. */
  async check(reference: string, image: ImageAtHand, fetch: SignatureSource, signal: AbortSignal): Promise<Verdict> {
    return await this.#deps.trust.check({ reference, chain: await this.#chainOf(image, signal), fetch, signal })
  }

  /** Keeps signatures that came with an image, for each of the names. Whether they do is asked when it is run. */
  async learn(
    names: readonly string[],
    image: ImageAtHand,
    fetch: SignatureSource,
    signal: AbortSignal,
  ): Promise<void> {
    const chain = await this.#chainOf(image, signal)
    for (const reference of names.length === 0 ? [''] : names)
      await this.#deps.trust.learn({ reference, chain, fetch, signal })
  }

  async #chainOf({ target, targets }: ImageAtHand, signal: AbortSignal): Promise<SignedDocument[]> {
    const walk = { depth: MAX_DEPTH, signal, seen: new Set<Digest>(), targets: new Set([target, ...targets]) }
    const chain = await this.#search(target, walk)
    if (!chain) throw new Error(`${target} does not lead to a manifest of the image`)
    return chain
  }

  /** The way from an index down to a manifest of the image, through indexes that are here. */
  async #search(at: Digest, walk: Walk): Promise<SignedDocument[] | undefined> {
    if (walk.depth === 0 || walk.seen.has(at) || !this.#deps.blobs.find(at)) return undefined
    walk.seen.add(at)
    const document = { digest: at, bytes: await this.#read(at, walk.signal) }
    const read = parseManifest(document.bytes)
    if (read.kind === 'manifest') return walk.targets.has(at) ? [document] : undefined
    const isWay = ({ digest, mediaType }: Descriptor): boolean => walk.targets.has(digest) || isIndexType(mediaType)
    for (const { digest } of read.manifests.filter(isWay)) {
      const below = await this.#search(digest, { ...walk, depth: walk.depth - 1 })
      if (below) return [document, ...below]
    }
    return undefined
  }

  async #read(digest: Digest, signal: AbortSignal): Promise<Buffer> {
    const parts: Buffer[] = []
    for await (const part of this.#deps.blobs.read(digest, 0, 0, signal)) parts.push(part)
    return Buffer.concat(parts)
  }
}

interface Walk {
  readonly depth: number
  readonly signal: AbortSignal
  readonly seen: Set<Digest>
  readonly targets: ReadonlySet<Digest>
}
