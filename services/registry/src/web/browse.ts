import { CaissonError } from '@caisson/api'
import { type Descriptor, type Digest, OciFormatError } from '@caisson/oci'
import type { Records, RepositoryRecord, StoredManifest, TagRecord } from '../backend/ports.ts'
import type { RepositoryBlobs } from '../distribution/blobs.ts'
import type { Listings, Page } from '../distribution/listings.ts'
import type { Reference, RepositoryName } from '../distribution/names.ts'
import { type ConfigView, MOST_CONFIG_BYTES, viewConfig } from './config-view.ts'
import { contentSize, type ManifestView, viewManifest } from './manifest-view.ts'

export interface BrowseDeps {
  readonly records: Records
  readonly blobs: RepositoryBlobs
  readonly listings: Listings
}

export interface TagRow {
  readonly tag: TagRecord
  /** Undefined when the manifest is too large to be read for a list. */
  readonly manifest: ManifestView | undefined
}

export interface ManifestPage {
  readonly stored: StoredManifest
  readonly view: ManifestView
  /** The first of the tags that point at it. */
  readonly tags: readonly TagRecord[]
  /** Of an image; a text says why it cannot be shown. */
  readonly config: ConfigView | string | undefined
  /** Children of an index that are here: bytes to pull for each, where they are known. */
  readonly children: ReadonlyMap<Digest, number | undefined>
  readonly referrers: Page<Descriptor>
}

const PAGE = 50
/** Manifests that are read for a list of them: how large, and how many children. */
const MOST_LISTED_BYTES = 256 * 1024
const MOST_READ = 50
const MOST_TAGS = 20
/** Rows of a table; what is behind them stands in the raw manifest. */
export const MOST_ROWS = 200

/** What pages show, read from the registry. Looking counts as no pull. */
export class Browse {
  readonly #deps: BrowseDeps

  constructor(deps: BrowseDeps) {
    this.#deps = deps
  }

  async repositories(
    page: { readonly after: string | undefined; readonly prefix: string },
    isSeen: (repository: RepositoryName) => Promise<boolean>,
  ): Promise<Page<RepositoryRecord>> {
    const { listings, records } = this.#deps
    const { items, more } = await listings.catalog({ ...afterOf(page.after), prefix: page.prefix, limit: PAGE }, isSeen)
    const found = await Promise.all(items.map((name) => records.repository(name)))
    // One that was removed meanwhile is no more.
    return { items: found.filter((repository) => repository !== undefined), more }
  }

  /** Undefined when there is none. */
  repository(name: RepositoryName): Promise<RepositoryRecord | undefined> {
    return this.#deps.records.repository(name)
  }

  async tags(repository: RepositoryName, after: string | undefined): Promise<Page<TagRow>> {
    const tags = await this.#deps.records.tags(repository, { ...afterOf(after), limit: PAGE + 1 })
    const items = await Promise.all(tags.slice(0, PAGE).map((tag) => this.#tagRow(repository, tag)))
    return { items, more: tags.length > PAGE }
  }

  /** Undefined when there is no such manifest. */
  async manifest(
    repository: RepositoryName,
    reference: Reference,
    referrersAfter: Digest | undefined,
    signal: AbortSignal,
  ): Promise<ManifestPage | undefined> {
    const { records, listings } = this.#deps
    const stored = await records.manifest(repository, reference)
    if (stored === undefined) return undefined
    const { digest } = stored
    const view = viewManifest(stored.bytes, stored.mediaType)
    const [tags, referrers, children, config] = await Promise.all([
      records.tags(repository, { digest, limit: MOST_TAGS }),
      listings.referrers(repository, digest, { ...afterOf(referrersAfter), limit: PAGE }),
      this.#children(repository, view),
      this.#config(repository, view, signal),
    ])
    return { stored, view, tags, config, children, referrers }
  }

  async #tagRow(repository: RepositoryName, tag: TagRecord): Promise<TagRow> {
    if (tag.target.size > MOST_LISTED_BYTES) return { tag, manifest: undefined }
    const stored = await this.#deps.records.manifest(repository, { digest: tag.target.digest })
    return { tag, manifest: stored && viewManifest(stored.bytes, stored.mediaType) }
  }

  async #children(repository: RepositoryName, view: ManifestView): Promise<ReadonlyMap<Digest, number | undefined>> {
    const { records } = this.#deps
    const shown = view.manifests.slice(0, MOST_ROWS)
    const found = await Promise.all(
      shown.map(async ({ digest }, index): Promise<[Digest, number | undefined][]> => {
        const stat = await records.manifestStat(repository, { digest })
        if (stat === undefined) return []
        if (index >= MOST_READ || stat.size > MOST_LISTED_BYTES) return [[digest, undefined]]
        const stored = await records.manifest(repository, { digest })
        if (stored === undefined) return []
        const child = viewManifest(stored.bytes, stored.mediaType)
        return [[digest, child.kind === 'index' ? undefined : contentSize(child)]]
      }),
    )
    return new Map(found.flat())
  }

  async #config(
    repository: RepositoryName,
    { kind, config }: ManifestView,
    signal: AbortSignal,
  ): Promise<ConfigView | string | undefined> {
    if (kind !== 'image' || config === undefined) return undefined
    try {
      const bytes = await this.#read(repository, config.digest, signal)
      return bytes === undefined ? 'The config is too large to be shown.' : viewConfig(bytes)
    } catch (thrown) {
      // What is in the blob is its author's: that it cannot be read is nothing that failed here.
      if (thrown instanceof OciFormatError) return `The config cannot be read: ${thrown.message}`
      if (thrown instanceof CaissonError && thrown.reason === 'BLOB_UNKNOWN') return 'The config is not here any more.'
      throw thrown
    }
  }

  async #read(repository: RepositoryName, digest: Digest, signal: AbortSignal): Promise<Buffer | undefined> {
    await using reader = await this.#deps.blobs.open(repository, digest, undefined, signal)
    if (reader.size > MOST_CONFIG_BYTES) return undefined
    const chunks: Buffer[] = []
    for await (const chunk of reader.stream()) chunks.push(chunk as Buffer)
    return Buffer.concat(chunks)
  }
}

const afterOf = <T extends string>(after: T | undefined): { readonly after?: T } =>
  after === undefined ? {} : { after }
