import { CaissonError, exhausted } from '@caisson/api'
import type { Digest } from '@caisson/oci'
import pLimit from 'p-limit'
import type { StoredManifest } from '../backend/ports.ts'
import { readManifestDocument } from '../distribution/manifest-document.ts'
import { parseManifestReference, type RepositoryName } from '../distribution/names.ts'
import { type BlobSource, copyBlob } from './blob-copy.ts'
import type { Target } from './ports.ts'
import type { Rule } from './rule.ts'

const BLOBS_AT_ONCE = 3
/** Children and referrers of one manifest, and theirs. */
const MOST_MANIFESTS = 10_000
const PAGE = 1_000

export interface Place {
  readonly rule: Rule
  readonly repository: RepositoryName
  readonly target: Target
}

/** Makes single tags and digests of one repository at a target what they are here. */
export class Copier {
  readonly #source: BlobSource
  readonly #place: Place
  readonly #signal: AbortSignal
  /** What is known to be there, with all that belongs to it. */
  readonly #seen = new Set<Digest>()

  constructor(source: BlobSource, place: Place, signal: AbortSignal) {
    this.#source = source
    this.#place = place
    this.#signal = signal
  }

  /** Copies what a tag or digest names here now; removes it there when it is here no more and that is wanted. */
  async copy(text: string): Promise<void> {
    const { rule, repository, target } = this.#place
    const reference = parseManifestReference(text)
    const found = await this.#source.records.manifest(repository, reference)
    if (found === undefined) {
      if (rule.deletes) await this.#remove(text)
      return
    }
    this.#seen.clear()
    if ('digest' in reference) {
      if (await this.#isMeant(found)) await this.#manifest(found, text)
      return
    }
    const there = await target.resolve(text, this.#signal)
    await this.#manifest(found, there?.digest === found.digest ? found.digest : text)
  }

  /** Where only some tags are copied, what has none is when it is about something that was. */
  async #isMeant({ bytes, mediaType }: StoredManifest): Promise<boolean> {
    if (this.#place.rule.tags === '') return true
    const { subject } = readManifestDocument(bytes, mediaType)
    return subject !== undefined && (await this.#place.target.resolve(subject, this.#signal)) !== undefined
  }

  /** What it is made of, then itself under `reference`, then what refers to it. */
  async #manifest(manifest: StoredManifest, reference: string): Promise<void> {
    const { target } = this.#place
    const { digest, mediaType, bytes } = manifest
    if (this.#seen.has(digest)) return
    this.#seen.add(digest)
    if (this.#seen.size > MOST_MANIFESTS) throw tooMany(reference)
    const { blobs, manifests } = readManifestDocument(bytes, mediaType)
    for (const child of manifests) await this.#byDigest(child)
    const isThere = reference === digest && (await target.resolve(digest, this.#signal)) !== undefined
    if (!isThere) {
      await this.#blobs(blobs)
      await target.putManifest(reference, { mediaType, bytes }, this.#signal)
    }
    for await (const referrer of this.#referrers(digest)) await this.#byDigest(referrer)
  }

  /** A child that is not here is left out, as it is here: the target may refuse its index. */
  async #byDigest(digest: Digest): Promise<void> {
    this.#signal.throwIfAborted()
    const found = await this.#source.records.manifest(this.#place.repository, { digest })
    if (found !== undefined) await this.#manifest(found, digest)
  }

  async #blobs(digests: readonly Digest[]): Promise<void> {
    const stop = new AbortController()
    const signal = AbortSignal.any([this.#signal, stop.signal])
    const limit = pLimit(BLOBS_AT_ONCE)
    const one = async (digest: Digest): Promise<void> => {
      signal.throwIfAborted()
      await copyBlob(this.#source, this.#place, digest, signal)
    }
    const running = digests.map((digest) => limit(one, digest))
    try {
      await Promise.all(running)
    } catch (error) {
      stop.abort(error)
      await Promise.allSettled(running)
      throw error
    }
  }

  async *#referrers(subject: Digest): AsyncGenerator<Digest> {
    const { repository } = this.#place
    for (let after: Digest | undefined; ; ) {
      const page = { ...(after !== undefined && { after }), limit: PAGE }
      const found = await this.#source.records.referrers(repository, subject, page)
      for (const { digest } of found) yield digest
      after = found.at(-1)?.digest
      if (found.length < PAGE) return
    }
  }

  async #remove(reference: string): Promise<void> {
    const { target } = this.#place
    try {
      await target.deleteManifest(reference, this.#signal)
    } catch (error) {
      if (!(error instanceof CaissonError) || error.code !== 'unimplemented') throw error
      await this.#removeByDigest(reference, error)
    }
  }

  /** For targets that remove no single tags: what is here no more goes with its tags. */
  async #removeByDigest(reference: string, cause: CaissonError): Promise<void> {
    const { repository, target } = this.#place
    const there = reference.includes(':') ? undefined : await target.resolve(reference, this.#signal)
    if (there === undefined) throw cause
    if ((await this.#source.records.manifestStat(repository, { digest: there.digest })) !== undefined) throw cause
    await target.deleteManifest(there.digest, this.#signal)
  }
}

const tooMany = (reference: string): Error =>
  exhausted('REPLICATION_TOO_LARGE', `more than ${MOST_MANIFESTS} manifests belong to ${reference}`)
