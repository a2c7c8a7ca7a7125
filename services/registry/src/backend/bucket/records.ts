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
import { type Cells, REMOVE } from './cells.ts'
import { keys, ofRepository, type RepositoryKind } from './keys.ts'
import type { Links } from './links.ts'
import type { ManifestObjects } from './manifest-objects.ts'
import type { Names } from './names.ts'
import type { Usage } from './usage.ts'

export interface BucketRecordsDeps {
  readonly cells: Cells
  readonly names: Names
  readonly links: Links
  readonly manifests: ManifestObjects
  readonly usage: Usage
  readonly changes: Changes
  readonly clock: () => number
}

/** Rounds of a manifest that garbage collection took away before its tags were written. */
const MOST_ROUNDS = 10

/** Records as objects. A manifest comes before its tags, and what it names is looked at before and after it is written. */
export class BucketRecords implements Records {
  readonly #deps: BucketRecordsDeps

  constructor(deps: BucketRecordsDeps) {
    this.#deps = deps
  }

  async linkedBlob(repository: RepositoryName, digest: Digest): Promise<BlobStat | undefined> {
    return await this.#deps.links.find(repository, digest)
  }

  async mountBlob(
    repository: RepositoryName,
    digest: Digest,
    from: RepositoryName,
    limit?: QuotaLimit,
  ): Promise<BlobStat | undefined> {
    const { links, changes } = this.#deps
    const blob = await links.find(from, digest)
    if (blob === undefined || !(await links.add(repository, blob, limit))) return undefined
    changes.blobPushed({ repository, blob, mounted: true })
    return blob
  }

  async repositoriesOf(digest: Digest, limit: number): Promise<RepositoryName[]> {
    return limit > 0 ? await this.#deps.links.repositories(digest, limit) : []
  }

  async unlinkBlob(repository: RepositoryName, digest: Digest): Promise<boolean> {
    return await this.#deps.links.remove(repository, digest)
  }

  async putManifest(manifest: NewManifest): Promise<void> {
    const { names, manifests, changes } = this.#deps
    const { repository, digest, mediaType, bytes, tags, upstream } = manifest
    await this.#refuseMissing(manifest)
    for (const tag of manifest.frozen) refuseMove(tag, (await manifests.tag(repository, tag))?.target.digest, digest)
    await names.ensure(repository)
    for (let round = 0; ; round++) {
      await this.#writeManifest(manifest)
      await this.#writeTags(manifest)
      // Tags that came too late for garbage collection to see them.
      if (await manifests.keep(repository, digest, this.#deps.clock())) break
      if (round === MOST_ROUNDS) throw new CaissonError('aborted', `the manifest ${digest} is removed again and again`)
    }
    await names.pushed(repository)
    const pushed = { repository, manifest: { digest, mediaType, size: bytes.byteLength }, tags }
    changes.manifestPushed({ ...pushed, ...(upstream !== undefined && { upstream }) })
  }

  async #writeManifest(manifest: NewManifest): Promise<void> {
    const { cells, manifests, usage, clock } = this.#deps
    const key = keys.manifest(manifest.repository, manifest.digest)
    await usage.holdTo(manifest.limit, key, async () => {
      const written = await manifests.put(manifest, clock())
      return { undo: () => cells.remove(written) }
    })
    try {
      // Garbage collection marks, then looks for manifests; we write the manifest, then look for marks.
      await this.#refuseMissing(manifest)
    } catch (thrown) {
      await cells.update(key, () => REMOVE)
      throw thrown
    }
    await manifests.putReferrer(manifest)
  }

  /** Frozen tags first: one that is refused leaves the others where they were. */
  async #writeTags(manifest: NewManifest): Promise<void> {
    const { repository, digest, mediaType, bytes } = manifest
    const target = { digest, mediaType, size: bytes.byteLength }
    const value = { target, pushedAt: this.#deps.clock() }
    const frozen = new Set(manifest.frozen)
    for (const tag of [...frozen, ...manifest.tags.filter((one) => !frozen.has(one))])
      await this.#deps.manifests.setTag(repository, tag, value, (from) => {
        if (frozen.has(tag)) refuseMove(tag, from, digest)
      })
  }

  /** Holds all that the manifest names against garbage collection, or throws MANIFEST_BLOB_UNKNOWN. */
  async #refuseMissing(manifest: NewManifest): Promise<void> {
    const { links, manifests, clock } = this.#deps
    const { repository, blobs, manifests: children, sparse, upstream } = manifest
    const looks = [
      ...[...new Set(blobs)].map(
        async (digest) => [digest, (await links.find(repository, digest)) !== undefined] as const,
      ),
      ...(sparse || upstream !== undefined ? [] : [...new Set(children)]).map(
        async (digest) => [digest, await manifests.keep(repository, digest, clock())] as const,
      ),
    ]
    const missing = (await Promise.all(looks)).flatMap(([digest, isThere]) => (isThere ? [] : [digest]))
    if (upstream !== undefined) return
    if (missing.length === 0) return
    const message = `the manifest names what ${repository} does not have: push it first`
    throw new CaissonError('not-found', message, {
      reason: 'MANIFEST_BLOB_UNKNOWN',
      details: { missing: missing.join(',') },
    })
  }

  async manifest(repository: RepositoryName, reference: Reference): Promise<StoredManifest | undefined> {
    return await this.#deps.manifests.get(repository, reference)
  }

  async manifestStat(repository: RepositoryName, reference: Reference): Promise<ManifestStat | undefined> {
    const found = await this.#deps.manifests.get(repository, reference)
    return found && { digest: found.digest, mediaType: found.mediaType, size: found.size }
  }

  async deleteTag(repository: RepositoryName, tag: TagName, expected?: Digest): Promise<boolean> {
    const digest = await this.#deps.manifests.removeTag(repository, tag, expected)
    if (digest === undefined) return false
    this.#deps.changes.tagDeleted({ repository, tag, digest })
    return true
  }

  async deleteManifest(repository: RepositoryName, digest: Digest): Promise<boolean> {
    if (!(await this.#deps.manifests.remove(repository, digest))) return false
    this.#deps.changes.manifestDeleted({ repository, digest })
    return true
  }

  /** What is named goes before what names it is gone: cut off anywhere, the name is still there for another try. */
  async deleteRepository(repository: RepositoryName): Promise<boolean> {
    const { cells, names, changes } = this.#deps
    if ((await names.get(repository)) === undefined) return false
    const kinds: readonly RepositoryKind[] = ['tags', 'referrers', 'manifests', 'links']
    for (const kind of kinds)
      for await (const { key } of cells.objects.list(ofRepository(kind, repository)))
        await cells.update(key, () => REMOVE)
    await names.remove(repository)
    changes.repositoryDeleted({ repository })
    return true
  }

  async hasRepository(repository: RepositoryName): Promise<boolean> {
    return (await this.#deps.names.get(repository)) !== undefined
  }

  async repository(repository: RepositoryName): Promise<RepositoryRecord | undefined> {
    const { cells, names, usage } = this.#deps
    const found = await names.get(repository)
    if (found === undefined) return undefined
    const count = async (kind: RepositoryKind): Promise<number> => {
      let counted = 0
      for await (const _ of cells.objects.list(ofRepository(kind, repository))) counted++
      return counted
    }
    const pulls = await names.pulls(repository)
    return {
      name: repository,
      tags: await count('tags'),
      manifests: await count('manifests'),
      size: await usage.of(repository),
      pushedAt: found.pushedAt,
      ...(pulls !== undefined && { pulledAt: pulls.at }),
    }
  }

  async repositories(page: NamePage & { readonly prefix?: string }): Promise<RepositoryName[]> {
    return await this.#deps.names.page(page)
  }

  async tags(repository: RepositoryName, page: NamePage & { readonly digest?: Digest }): Promise<TagRecord[]> {
    return await this.#deps.manifests.tags(repository, page)
  }

  async referrers(repository: RepositoryName, subject: Digest, page: ReferrerPage): Promise<Descriptor[]> {
    return await this.#deps.manifests.referrers(repository, subject, page)
  }

  async notePulls(pulls: readonly Pull[]): Promise<void> {
    await this.#deps.names.notePulls(pulls)
  }

  async usage(scope: Scope): Promise<number> {
    return await this.#deps.usage.of(scope)
  }

  async totals(): Promise<Totals> {
    return await this.#deps.usage.totals()
  }
}
