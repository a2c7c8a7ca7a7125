import type { Descriptor, Digest } from '@caisson/oci'
import type { NamePage, Records, ReferrerPage } from '../backend/ports.ts'
import { nameUnknown } from './errors.ts'
import type { RepositoryName, TagName } from './names.ts'

export interface Page<T> {
  readonly items: readonly T[]
  /** Whether there is more behind the last. */
  readonly more: boolean
}

/** Lists, a page at a time. */
export class Listings {
  readonly #records: Records

  constructor(records: Records) {
    this.#records = records
  }

  /** Throws NAME_UNKNOWN. */
  async tags(repository: RepositoryName, { after, limit }: NamePage): Promise<Page<TagName>> {
    if (!(await this.#records.hasRepository(repository))) throw nameUnknown(repository)
    const found = await this.#records.tags(repository, { ...(after !== undefined && { after }), limit: limit + 1 })
    return pageOf(
      found.map(({ name }) => name),
      limit,
    )
  }

  /** Repositories that `isSeen` lets the client see; those whose names begin with `prefix` when it is given. */
  async catalog(
    { after, limit, prefix = '' }: NamePage & { readonly prefix?: string },
    isSeen: (repository: RepositoryName) => Promise<boolean>,
  ): Promise<Page<RepositoryName>> {
    const seen: RepositoryName[] = []
    for (let last = after; seen.length <= limit; ) {
      const names = await this.#records.repositories({
        ...(last !== undefined && { after: last }),
        ...(prefix !== '' && { prefix }),
        limit: limit + 1,
      })
      for (const name of names) if (await isSeen(name)) seen.push(name)
      if (names.length <= limit) break
      last = names.at(-1)
    }
    return pageOf(seen, limit)
  }

  /** What refers to a manifest, which need not be here. */
  async referrers(repository: RepositoryName, subject: Digest, page: ReferrerPage): Promise<Page<Descriptor>> {
    const found = await this.#records.referrers(repository, subject, { ...page, limit: page.limit + 1 })
    return pageOf(found, page.limit)
  }
}

function pageOf<T>(found: readonly T[], limit: number): Page<T> {
  return { items: found.slice(0, limit), more: found.length > limit }
}
