import { invalid, notFound } from '@caisson/api'
import {
  type Digest,
  formatPlatform,
  formatReference,
  hostPlatform,
  isDigest,
  type Platform,
  parseReference,
  withDefaultTag,
} from '@caisson/oci'
import type { LookupVersion } from './lookup-version.ts'
import { bestFit } from './platform.ts'
import type { ImagePlace, ImageRecord, ImageSourceTable, ImageTable, NameTable } from './ports.ts'

/** An image, and how it was found. */
export interface FoundImage {
  readonly record: ImageRecord
  /** What a further name for it points at: the digest that the query meant. */
  readonly target: Digest
  /** Its names. */
  readonly names: readonly string[]
  /** Where registries have it: repository@digest. */
  readonly repoDigests: readonly string[]
  /** The name it was found by. Empty: a digest or an id. */
  readonly name: string
}

/** What a query stands for, before a platform is chosen of it. */
export interface Meaning {
  readonly query: string
  /** A manifest or an index. */
  readonly target: Digest
  /** The name, as it is stored. Empty: the query is a digest or an id. */
  readonly name: string
  /** The repository before a digest, as it is stored. Empty: none. */
  readonly repository: string
  /** The query is the id of one image: there is nothing to choose. */
  readonly isExact: boolean
  /** At least one; each for another platform. */
  readonly records: readonly ImageRecord[]
}

const CACHE_SIZE = 512
const PAGE = 250
const ID_DIGITS = /^[0-9a-f]{1,64}$/

/** Finds images by name, digest, id and id prefix. What was found is remembered until any image changes. */
export class ImageLookup {
  readonly version: LookupVersion
  readonly #images: ImageTable
  readonly #names: NameTable
  readonly #sources: ImageSourceTable
  readonly #cache = new Map<string, FoundImage>()

  constructor(images: ImageTable, names: NameTable, sources: ImageSourceTable, version: LookupVersion) {
    this.version = version
    this.#images = images
    this.#names = names
    this.#sources = sources
  }

  /** To be called whenever images or names changed. */
  invalidate(): void {
    this.#cache.clear()
    this.version.next()
  }

  /** `platform` chooses from what an index means; undefined is the host's. NOT_FOUND when there is none. */
  find(query: string, platform: Platform | undefined): FoundImage {
    const key = platform ? `${formatPlatform(platform)} ${query}` : query
    const known = this.#cache.get(key)
    if (known) {
      this.#cache.delete(key)
      this.#cache.set(key, known)
      return known
    }
    const found = this.#find(query, platform)
    if (this.#cache.size >= CACHE_SIZE) this.#cache.delete(this.#cache.keys().next().value ?? '')
    this.#cache.set(key, found)
    return found
  }

  /** An image by its id. */
  byId(id: Digest): FoundImage | undefined {
    const record = this.#images.get(id)
    return record ? this.describe(record) : undefined
  }

  /** An image that is at hand, with its names. */
  describe(record: ImageRecord, target: Digest = record.digest, name = ''): FoundImage {
    const names = this.#images.targets(record.id).flatMap((digest) => this.#names.of(digest))
    return { record, target, names: [...new Set(names)].sort(), repoDigests: this.#sources.of(record.id), name }
  }

  /** Every image, the newest first. */
  all(): FoundImage[] {
    return [...this.newestFirst(undefined)]
  }

  /** Images behind a place in the list, read as they are asked for: to be used up before anything changes. */
  *newestFirst(after: ImagePlace | undefined): Generator<FoundImage> {
    const [names, sources] = [this.#names.ofImages(), this.#sources.ofImages()]
    for (let place = after; ; ) {
      const records = this.#images.page(place, PAGE)
      for (const record of records) {
        const own = { names: names.get(record.id) ?? [], repoDigests: sources.get(record.id) ?? [] }
        yield { record, target: record.digest, ...own, name: '' }
      }
      place = records.at(-1)
      if (records.length < PAGE) return
    }
  }

  /** What a query stands for. NOT_FOUND when there is nothing. */
  resolve(query: string): Meaning {
    if (query === '') throw invalid('say which image: a name, a digest or an id', { reason: 'INVALID_IMAGE' })
    const found = this.#byDigest(query) ?? this.#byName(query) ?? this.#byIdPrefix(query, query.replace(/^sha256:/, ''))
    if (!found) throw notFound('image', query, 'load, import or pull it first')
    return found
  }

  #find(query: string, platform: Platform | undefined): FoundImage {
    const { target, name, isExact, records } = this.resolve(query)
    const [only] = records
    if (isExact && only) return this.describe(only)
    const wanted = platform ?? hostPlatform()
    // A single image is meant whatever it was built for, unless another platform was asked for.
    const record = bestFit(records, wanted) ?? (platform === undefined && records.length === 1 ? only : undefined)
    if (record) return this.describe(record, target, name)
    const there = records.map((offer) => formatPlatform(offer.platform)).join(', ')
    throw notFound('image', query, `there is none for ${formatPlatform(wanted)}, only for ${there}`)
  }

  #byDigest(query: string): Meaning | undefined {
    const digest = ID_DIGITS.test(query) && query.length === 64 ? `sha256:${query}` : query
    if (!isDigest(digest)) return undefined
    const record = this.#images.get(digest)
    return record ? exactly(query, record) : this.#byTarget(digest, query, '')
  }

  #byName(query: string): Meaning | undefined {
    const reference = readReference(query)
    if (!reference) return undefined
    const { digest, tag: _tag, ...repository } = reference
    // With a digest the tag is only a remark; the repository must be one that the digest is known by, or none is.
    if (digest) return this.#byTarget(digest, query, '', formatReference(repository))
    const name = formatReference(withDefaultTag(reference))
    const target = this.#names.get(name)
    return target && this.#byTarget(target, query, name)
  }

  #byTarget(target: Digest, query: string, name: string, repository = ''): Meaning | undefined {
    const records = this.#images.byTarget(target)
    return records.length === 0 ? undefined : { query, target, name, repository, isExact: false, records }
  }

  #byIdPrefix(query: string, digits: string): Meaning | undefined {
    if (!ID_DIGITS.test(digits)) return undefined
    const [record, other] = this.#images.byIdPrefix(digits, 2)
    if (other)
      throw invalid(`more than one image has an id that begins with ${digits}: give more of it`, {
        reason: 'AMBIGUOUS_ID',
        details: { prefix: digits },
      })
    return record && exactly(query, record)
  }
}

const exactly = (query: string, record: ImageRecord): Meaning => ({
  query,
  target: record.digest,
  name: '',
  repository: '',
  isExact: true,
  records: [record],
})

/** A query that is no reference may still be an id; one that cannot be either is refused by its own error. */
function readReference(query: string): ReturnType<typeof parseReference> | undefined {
  if (/^(?:sha256:)?[0-9a-f]{64}$/.test(query)) return undefined
  if (/^sha256:[0-9a-f]{1,63}$/.test(query)) return undefined
  return parseReference(query)
}

/** A name as it is stored: registry, repository and tag. A digest is no name. */
export function parseImageName(text: string): string {
  const reference = parseReference(text)
  if (reference.digest)
    throw invalid(`${text} has a digest: a name has a tag or nothing`, { reason: 'REFERENCE_INVALID' })
  return formatReference(withDefaultTag(reference))
}
