import { CaissonError } from '@caisson/api'
import type { Descriptor, Digest } from '@caisson/oci'
import type { Reference, RepositoryName, TagName } from '../../distribution/names.ts'
import { refuseMove } from '../frozen-tag.ts'
import type {
  BlobStat,
  Changes,
  ManifestStat,
  NamePage,
  NewManifest,
  Pull,
  QuotaLimit,
  Records,
  ReferrerPage,
  RepositoryRecord,
  Scope,
  StoredManifest,
  TagRecord,
  Totals,
} from '../ports.ts'
import type { Commits } from './commits.ts'
import type { LinkTable } from './link-table.ts'
import type { ManifestTable } from './manifest-table.ts'
import type { RepositoryTable } from './repository-table.ts'
import { quotaExceeded } from './rows.ts'
import type { TagTable } from './tag-table.ts'

export interface Tables {
  readonly repositories: RepositoryTable
  readonly links: LinkTable
  readonly manifests: ManifestTable
  readonly tags: TagTable
}

export interface RecordsDeps extends Tables {
  readonly commits: Commits
  readonly changes: Changes
  readonly clock: () => number
}

/** A link that was touched more recently than this is not touched again: a HEAD is no reason to write each time. */
const TOUCH_EVERY_MS = 60_000

/** Records in SQLite. A change, and the event that tells of it, is one transaction. */
export class DiskRecords implements Records {
  readonly #deps: RecordsDeps

  constructor(deps: RecordsDeps) {
    this.#deps = deps
  }

  async linkedBlob(repository: RepositoryName, digest: Digest): Promise<BlobStat | undefined> {
    const { links, commits, clock } = this.#deps
    const found = links.linked(repository, digest)
    if (found === undefined) return undefined
    const now = clock()
    if (now - found.touchedAt > TOUCH_EVERY_MS) commits.runLightly(() => links.touch(repository, digest, now))
    return { digest: found.digest, size: found.size }
  }

  async mountBlob(
    repository: RepositoryName,
    digest: Digest,
    from: RepositoryName,
    limit?: QuotaLimit,
  ): Promise<BlobStat | undefined> {
    const { links, commits, changes } = this.#deps
    return await commits.run(() => {
      const found = links.linked(from, digest)
      if (found === undefined) return undefined
      const blob = { digest: found.digest, size: found.size }
      this.link(repository, blob, limit)
      changes.blobPushed({ repository, blob, mounted: true })
      return blob
    })
  }

  /** Within a transaction: links a blob whose row is there. */
  link(repository: RepositoryName, blob: BlobStat, limit: QuotaLimit | undefined): void {
    const { repositories, links, clock } = this.#deps
    const now = clock()
    const id = repositories.ensure(repository, now)
    links.link(id, blob.digest, now)
    this.#holdTo(limit)
  }

  async repositoriesOf(digest: Digest, limit: number): Promise<RepositoryName[]> {
    return this.#deps.links.repositories(digest, limit)
  }

  async unlinkBlob(repository: RepositoryName, digest: Digest): Promise<boolean> {
    return await this.#deps.commits.remove(() => this.#deps.links.unlink(repository, digest))
  }

  async putManifest(manifest: NewManifest): Promise<void> {
    await this.#deps.commits.run(() => this.#put(manifest))
  }

  #put(manifest: NewManifest): void {
    const { repositories, manifests, tags, changes, clock } = this.#deps
    const now = clock()
    const repositoryId = repositories.ensure(manifest.repository, now)
    this.#refuseMissing(repositoryId, manifest)
    for (const tag of manifest.frozen) refuseMove(tag, tags.digest(repositoryId, tag), manifest.digest)
    const id = manifests.insert(repositoryId, manifest, now)
    for (const tag of manifest.tags) tags.set(repositoryId, tag, id, now)
    repositories.pushed(repositoryId, now)
    this.#holdTo(manifest.limit)
    const { digest, mediaType, bytes, upstream } = manifest
    changes.manifestPushed({
      repository: manifest.repository,
      manifest: { digest, mediaType, size: bytes.byteLength },
      tags: manifest.tags,
      ...(upstream !== undefined && { upstream }),
    })
  }

  #refuseMissing(repositoryId: number, manifest: NewManifest): void {
    if (manifest.upstream !== undefined) return
    const { links, manifests } = this.#deps
    const missing = manifest.blobs.filter((digest) => !links.has(repositoryId, digest))
    if (!manifest.sparse)
      missing.push(...manifest.manifests.filter((digest) => manifests.id(repositoryId, digest) === undefined))
    if (missing.length === 0) return
    const message = `the manifest names what ${manifest.repository} does not have: push it first`
    throw new CaissonError('not-found', message, {
      reason: 'MANIFEST_BLOB_UNKNOWN',
      details: { missing: missing.join(',') },
    })
  }

  /** Behind the change, within its transaction: throwing undoes it. */
  #holdTo(limit: QuotaLimit | undefined): void {
    if (limit !== undefined && this.#deps.repositories.usage(limit.scope) > limit.bytes)
      throw quotaExceeded(limit.scope, limit.bytes)
  }

  async manifest(repository: RepositoryName, reference: Reference): Promise<StoredManifest | undefined> {
    return this.#deps.manifests.get(repository, reference)
  }

  async manifestStat(repository: RepositoryName, reference: Reference): Promise<ManifestStat | undefined> {
    return this.#deps.manifests.stat(repository, reference)
  }

  async deleteTag(repository: RepositoryName, tag: TagName, expected?: Digest): Promise<boolean> {
    const { repositories, tags, commits, changes } = this.#deps
    return await commits.remove(() => {
      const id = repositories.id(repository)
      const digest = id === undefined ? undefined : tags.digest(id, tag)
      if (id === undefined || digest === undefined || (expected ?? digest) !== digest) return false
      tags.delete(id, tag)
      changes.tagDeleted({ repository, tag, digest })
      return true
    })
  }

  async deleteManifest(repository: RepositoryName, digest: Digest): Promise<boolean> {
    const { repositories, manifests, commits, changes } = this.#deps
    return await commits.remove(() => {
      const repositoryId = repositories.id(repository)
      const id = repositoryId === undefined ? undefined : manifests.id(repositoryId, digest)
      if (id === undefined) return false
      manifests.delete(id)
      changes.manifestDeleted({ repository, digest })
      return true
    })
  }

  async deleteRepository(repository: RepositoryName): Promise<boolean> {
    const { repositories, commits, changes } = this.#deps
    return await commits.remove(() => {
      const id = repositories.id(repository)
      if (id === undefined) return false
      repositories.delete(id)
      changes.repositoryDeleted({ repository })
      return true
    })
  }

  async hasRepository(repository: RepositoryName): Promise<boolean> {
    return this.#deps.repositories.id(repository) !== undefined
  }

  async repository(repository: RepositoryName): Promise<RepositoryRecord | undefined> {
    return this.#deps.repositories.get(repository)
  }

  async repositories(page: NamePage & { readonly prefix?: string }): Promise<RepositoryName[]> {
    return this.#deps.repositories.page(page)
  }

  async tags(repository: RepositoryName, page: NamePage & { readonly digest?: Digest }): Promise<TagRecord[]> {
    return this.#deps.tags.page(repository, page)
  }

  async referrers(repository: RepositoryName, subject: Digest, page: ReferrerPage): Promise<Descriptor[]> {
    return this.#deps.manifests.referrers(repository, subject, page)
  }

  async notePulls(pulls: readonly Pull[]): Promise<void> {
    this.#deps.commits.runLightly(() => {
      for (const pull of pulls) this.#deps.repositories.pulled(pull)
    })
  }

  async usage(scope: Scope): Promise<number> {
    return this.#deps.repositories.usage(scope)
  }

  async totals(): Promise<Totals> {
    return this.#deps.repositories.totals()
  }
}
