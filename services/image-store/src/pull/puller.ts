import { CaissonError, exhausted, invalid, notFound } from '@caisson/api'
import {
  digestAlgorithm,
  digestOf,
  formatReference,
  type ImageReference,
  isDigest,
  isForeignLayer,
  type Platform,
  parseReference,
  parseTag,
} from '@caisson/oci'
import { type BlobStore, mismatch } from '../content/blob-store.ts'
import type { Transactions } from '../content/ports.ts'
import type { Room } from '../disk/room.ts'
import type { Staging } from '../disk/staging.ts'
import type { StateDir } from '../disk/state-dir.ts'
import type { Collector } from '../garbage/collector.ts'
import type { Intake } from '../image/intake.ts'
import type { FoundImage } from '../image/lookup.ts'
import type { ImageLayer } from '../image/ports.ts'
import type { Registrar, Registration } from '../image/registrar.ts'
import type { Hold } from '../lease/holds.ts'
import type { BlobOriginTable } from '../push/ports.ts'
import { notInRegistry } from '../registry/policy.ts'
import type { FetchedManifest, Registries, RegistryAuth, Repository } from '../registry/ports.ts'
import type { RetryLimits } from '../registry/retry.ts'
import type { Layers } from '../snapshot/layers.ts'
import type { Admission } from './admission.ts'
import { Documents } from './documents.ts'
import type { Downloads } from './downloads.ts'
import type { HeldImages } from './held-images.ts'
import { LayerDownloads } from './layer-downloads.ts'
import { LayerProgress, type ReportTransfer } from './layer-progress.ts'
import type { Partials } from './partials.ts'
import { checkPlatform, type ResolvedImage, resolveImage } from './resolve.ts'
import { type WantedImage, wantedImage } from './wanted-image.ts'

export interface PullerDeps {
  readonly registries: Registries
  readonly dir: StateDir
  readonly staging: Staging
  readonly room: Room
  readonly partials: Partials
  readonly downloads: Downloads
  readonly blobs: BlobStore
  readonly layers: Layers
  readonly held: HeldImages
  readonly admission: Admission
  readonly origins: BlobOriginTable
  readonly intake: Intake
  readonly registrar: Registrar
  readonly collector: Collector
  readonly transactions: Transactions
  readonly clock: () => number
  readonly limits: RetryLimits & {
    readonly maxManifestBytes: number
    readonly maxIndexDepth: number
    readonly maxTransfersPerCall: number
    readonly maxTags: number
  }
}

export interface PullRequest {
  readonly reference: string
  /** Undefined: the host's. */
  readonly platform: Platform | undefined
  readonly auth: RegistryAuth | undefined
  readonly allTags: boolean
}

/** One image that is pulled. */
interface Pull {
  readonly wanted: WantedImage
  readonly platform: Platform | undefined
  readonly repository: Repository
  readonly report: ReportTransfer
  readonly signal: AbortSignal
}

/** Pulls images: what a reference means for a platform, and of that what the store has not. */
export class Puller {
  readonly #deps: PullerDeps

  constructor(deps: PullerDeps) {
    this.#deps = deps
  }

  /** Resolves when the images are registered. With `allTags` those before one that fails stay. */
  async pull(request: PullRequest, report: ReportTransfer, signal: AbortSignal): Promise<FoundImage[]> {
    const reference = parseReference(request.reference)
    const repository = this.#deps.registries.repository(reference, request.auth)
    const pull = { platform: request.platform, repository, report, signal }
    if (request.allTags) return await this.#pullTags(reference, pull)
    return [await this.#pullOne({ ...pull, wanted: wantedImage(reference) })]
  }

  /**
   * Brings back what is missing of an image that is known, by its digest: from where it was pulled, or else from the
   * repositories that its names say. Its names stay as they are.
   */
  async refetch(image: FoundImage, signal: AbortSignal): Promise<void> {
    const { record, repoDigests, names } = image
    const failures: unknown[] = []
    for (const source of new Set([...repoDigests, ...names.map((name) => `${repositoryOf(name)}@${record.digest}`)])) {
      const reference = parseReference(source)
      const repository = this.#deps.registries.repository(reference, undefined)
      const pull = { platform: record.platform, repository, report: () => {}, signal }
      const wanted = wantedImage(reference)
      try {
        if ((await this.#pullOne({ ...pull, wanted })).record.id === record.id) return
      } catch (error) {
        signal.throwIfAborted()
        failures.push(error)
      }
    }
    throw failures[0] ?? notFound('image', record.id, 'no registry is known to have it: load or import it again')
  }

  async #pullTags(reference: ImageReference, pull: Omit<Pull, 'wanted'>): Promise<FoundImage[]> {
    const images: FoundImage[] = []
    for (const tag of await this.#tags(reference, pull)) {
      const image = await this.#pullOne({ ...pull, wanted: wantedImage({ ...reference, tag }) }).catch(unlessNoImage)
      if (image) images.push(image)
      else pull.report({ subject: tag, action: 'skipped', done: 0, total: 0, unit: 'bytes' })
    }
    if (images.length === 0) throw notFound('image', formatReference(reference), 'no tag of the repository is one')
    return images
  }

  async #tags(reference: ImageReference, { repository, signal }: Omit<Pull, 'wanted'>): Promise<string[]> {
    if (reference.tag !== undefined || reference.digest)
      throw invalid('with all tags the reference has neither a tag nor a digest', { reason: 'REFERENCE_INVALID' })
    const { maxTags } = this.#deps.limits
    const tags: string[] = []
    for await (const tag of repository.tags(signal)) {
      if (tags.length >= maxTags)
        throw exhausted('TOO_MANY_TAGS', `the repository has more than ${maxTags} tags: name those that are wanted`)
      tags.push(parseTag(tag))
    }
    return tags
  }

  async #pullOne(pull: Pull): Promise<FoundImage> {
    const { collector, blobs, limits } = this.#deps
    return await collector.guard(async (hold) => {
      const documents = new Documents({ blobs, limits }, pull.repository, pull.signal)
      const known = await this.#known(pull, documents, hold)
      if (known) return known
      const top = await documents.top(pull.wanted.reference)
      checkDigest(top, pull.wanted)
      const held = await this.#held(top, pull, documents, hold)
      if (held) return held
      const resolved = await this.#resolve(top, pull, documents)
      return this.#register(pull, await this.#take(resolved, pull, hold))
    })
  }

  /** An image that is likely to be here is asked for by its digest only. */
  async #known(pull: Pull, documents: Documents, hold: Hold): Promise<FoundImage | undefined> {
    const { wanted, repository, signal } = pull
    if (!this.#deps.held.isLikely(wanted)) return undefined
    const there = await repository.resolve(wanted.reference, signal)
    const bytes = there && (await documents.held(there.digest))
    return bytes && (await this.#held({ ...there, bytes }, pull, documents, hold))
  }

  /** Names an image that is here as a whole. */
  async #held(top: FetchedManifest, pull: Pull, documents: Documents, hold: Hold): Promise<FoundImage | undefined> {
    const draft = this.#deps.held.find(top.digest, pull.platform)
    if (!draft) return undefined
    for (const resource of [...draft.blobs, ...draft.record.layers.map(({ chainId }) => chainId)]) hold.add(resource)
    await this.#resolve(top, pull, documents)
    new LayerProgress(draft.record.layers, () => true, pull.report).begin(() => true)
    return this.#register(pull, { draft, target: top.digest, names: pull.wanted.names })
  }

  /** The documents of the image, if it may come in. */
  async #resolve(top: FetchedManifest, pull: Pull, documents: Documents): Promise<ResolvedImage> {
    const { wanted, platform, repository, signal } = pull
    const resolved = await resolveImage(top, documents, { ...this.#deps.limits, platform })
    const chain = [...resolved.indexes, resolved.manifestDocument]
    const reference = wanted.names[0] ?? `${wanted.repositoryName}@${top.digest}`
    await this.#deps.admission.check({ reference, chain, fetch: repository, signal })
    return resolved
  }

  async #take(resolved: ResolvedImage, pull: Pull, hold: Hold): Promise<Registration> {
    const { intake, layers, partials } = this.#deps
    const image = { ...resolved, names: pull.wanted.names }
    const { layers: wanted, platform } = intake.describe(image)
    checkPlatform(platform, pull.platform)
    await this.#checkForeign(wanted, pull)
    const progress = new LayerProgress(wanted, ({ chainId }) => layers.get(chainId) !== undefined, pull.report)
    try {
      return await this.#deps.room.during(this.#missing(wanted), pull.signal, async (signal) => {
        await using downloads = this.#download(wanted, progress, { ...pull, signal })
        const layerFile = downloads.file.bind(downloads)
        const growingFile = downloads.growing.bind(downloads)
        const source = { ...image, layerFile, growingFile }
        const report = (layer: ImageLayer, { bytes }: { bytes: number }): void => progress.unpacked(layer, bytes)
        const registration = await intake.take(source, { hold, signal: downloads.signal, report })
        progress.finish()
        return registration
      })
    } catch (error) {
      if (!helpsResuming(error)) partials.discard(wanted.map(({ digest }) => digest))
      partials.sweep()
      throw error
    }
  }

  /** Bytes of blobs that are to be fetched. */
  #missing(layers: readonly ImageLayer[]): number {
    return layers.reduce((sum, { digest, size }) => (this.#deps.blobs.find(digest) ? sum : sum + size), 0)
  }

  #download(layers: readonly ImageLayer[], progress: LayerProgress, { repository, signal }: Pull): LayerDownloads {
    const { blobs } = this.#deps
    progress.begin(({ digest }) => blobs.find(digest) !== undefined)
    const report = progress.downloaded.bind(progress)
    const downloads = new LayerDownloads(this.#deps, repository, layers, report, signal)
    downloads.start()
    return downloads
  }

  /** Of layers that may not be distributed only those are taken that the registry has all the same. */
  async #checkForeign(layers: readonly ImageLayer[], { repository, signal }: Pull): Promise<void> {
    for (const { digest, mediaType } of layers)
      if (isForeignLayer(mediaType) && !this.#deps.blobs.find(digest) && !(await repository.hasBlob(digest, signal)))
        throw notInRegistry(digest)
  }

  #register({ wanted }: Pull, registration: Registration): FoundImage {
    const { registrar, partials, origins, transactions, clock } = this.#deps
    const { record } = registration.draft
    const source = { repository: wanted.repositoryName, digest: registration.target }
    const [image] = registrar.register('pulled', [{ ...registration, source }])
    if (!image) throw new Error('an image that was registered is not there')
    const digests = [record.id, ...record.layers.map(({ digest }) => digest)]
    partials.discard(digests)
    transactions.transaction(() => origins.add(digests, wanted, clock()), 'crash')
    return image
  }
}

/** A stored name without its tag. */
const repositoryOf = (name: string): string => name.slice(0, name.lastIndexOf(':'))

/** Of a tag that is no image for the platform, or is gone by now, there is nothing to pull. */
function unlessNoImage(error: unknown): undefined {
  if (error instanceof CaissonError && (error.code === 'not-found' || error.reason === 'NOT_AN_IMAGE')) return
  throw error
}

function checkDigest({ digest, bytes }: FetchedManifest, { reference }: WantedImage): void {
  const found = digestOf(bytes, digestAlgorithm(digest))
  if (found !== digest || (isDigest(reference) && reference !== digest))
    throw mismatch(reference, `the manifest that the registry sent has the digest ${found}`)
}

/** What was fetched before a failure is kept for the next attempt only when that may go on with it. */
function helpsResuming(error: unknown): boolean {
  return ['cancelled', 'unavailable', 'deadline-exceeded', 'unauthenticated', 'permission-denied'].includes(
    CaissonError.from(error).code,
  )
}
