import type { Descriptor, Digest } from '@caisson/oci'
import type { Reference, RepositoryName, TagName } from '../../distribution/names.ts'
import type { ManifestStat, NamePage, NewManifest, ReferrerPage, StoredManifest, TagRecord } from '../ports.ts'
import { type Cell, type Cells, KEEP, REMOVE } from './cells.ts'
import { type Condemnable, hold } from './holding.ts'
import { digestOf, keys, ofRepository } from './keys.ts'
import type { Names } from './names.ts'

export interface ManifestValue extends Condemnable {
  readonly mediaType: string
  readonly size: number
  /** Base64: kept to the byte. */
  readonly bytes: string
  readonly blobs: readonly Digest[]
  readonly manifests: readonly Digest[]
  readonly subject?: Digest
  readonly pushedAt: number
}

export interface TagValue {
  readonly target: ManifestStat
  readonly pushedAt: number
}

/** Manifests, tags and referrers of repositories, as they are read. */
export class ManifestObjects {
  readonly #cells: Cells
  readonly #names: Names

  constructor(cells: Cells, names: Names) {
    this.#cells = cells
    this.#names = names
  }

  async get(repository: RepositoryName, reference: Reference): Promise<StoredManifest | undefined> {
    const digest = 'digest' in reference ? reference.digest : (await this.tag(repository, reference.tag))?.target.digest
    if (digest === undefined) return undefined
    const cell = await this.#cells.read<ManifestValue>(keys.manifest(repository, digest))
    if (cell === undefined) return undefined
    const { mediaType, size, bytes } = cell.value
    return { digest, mediaType, size, bytes: Buffer.from(bytes, 'base64') }
  }

  async tag(repository: RepositoryName, tag: TagName): Promise<TagValue | undefined> {
    return (await this.#cells.read<TagValue>(keys.tag(repository, tag)))?.value
  }

  /** Whether the manifest is there; held against garbage collection then. */
  async keep(repository: RepositoryName, digest: Digest, now: number): Promise<boolean> {
    return (await hold<ManifestValue>(this.#cells, keys.manifest(repository, digest), now)) !== undefined
  }

  /** Writes the manifest and its entry among the referrers. Returns what removes it again. */
  async put(manifest: NewManifest, pushedAt: number): Promise<Pick<Cell<ManifestValue>, 'key' | 'etag'>> {
    const { repository, digest, mediaType, bytes, blobs, manifests, subject } = manifest
    const key = keys.manifest(repository, digest)
    const etag = await this.#cells.put<ManifestValue>(key, {
      mediaType,
      size: bytes.byteLength,
      bytes: Buffer.from(bytes).toString('base64'),
      blobs: [...new Set(blobs)],
      manifests: [...new Set(manifests)],
      ...(subject !== undefined && { subject }),
      pushedAt,
    })
    return { key, etag }
  }

  async putReferrer(manifest: NewManifest): Promise<void> {
    const { repository, digest, mediaType, bytes, subject, artifactType, annotations } = manifest
    if (subject === undefined) return
    await this.#cells.put<Descriptor>(keys.referrer(repository, subject, digest), {
      mediaType,
      digest,
      size: bytes.byteLength,
      ...(artifactType !== undefined && { artifactType }),
      ...(Object.keys(annotations).length > 0 && { annotations }),
    })
  }

  /** Points a tag at a manifest. `mayMove` throws when it may not come from where it points now. */
  async setTag(repository: RepositoryName, tag: TagName, value: TagValue, mayMove: (from: Digest) => void) {
    await this.#cells.update<TagValue>(keys.tag(repository, tag), (now) => {
      if (now !== undefined) mayMove(now.target.digest)
      return value
    })
  }

  /** Removes a tag, or only if it points at `digest`. Returns what it pointed at. */
  async removeTag(repository: RepositoryName, tag: TagName, digest?: Digest): Promise<Digest | undefined> {
    let removed: Digest | undefined
    await this.#cells.update<TagValue>(keys.tag(repository, tag), (now) => {
      removed = digest === undefined || now?.target.digest === digest ? now?.target.digest : undefined
      return removed === undefined ? KEEP : REMOVE
    })
    return removed
  }

  /** Removes what refers to a manifest, then the manifest, then tags that came meanwhile. False when there was none. */
  async remove(repository: RepositoryName, digest: Digest): Promise<boolean> {
    let was: ManifestValue | undefined
    await this.#removeTags(repository, digest)
    await this.#cells.update<ManifestValue>(keys.manifest(repository, digest), (now) => {
      was = now
      return REMOVE
    })
    if (was?.subject !== undefined) await this.removeReferrer(repository, was.subject, digest)
    await this.#removeTags(repository, digest)
    return was !== undefined
  }

  async removeReferrer(repository: RepositoryName, subject: Digest, digest: Digest): Promise<void> {
    await this.#cells.update(keys.referrer(repository, subject, digest), () => REMOVE)
  }

  async #removeTags(repository: RepositoryName, digest: Digest): Promise<void> {
    for await (const { key, value } of this.allTags(repository))
      if (value.target.digest === digest) await this.removeTag(repository, tagOf(key), digest)
  }

  allTags(repository: RepositoryName): AsyncGenerator<Cell<TagValue>> {
    return this.#cells.values<TagValue>(this.#cells.objects.list(ofRepository('tags', repository)))
  }

  all(repository: RepositoryName): AsyncGenerator<Cell<ManifestValue>> {
    return this.#cells.values<ManifestValue>(this.#cells.objects.list(ofRepository('manifests', repository)))
  }

  async tags(
    repository: RepositoryName,
    { after, limit, digest }: NamePage & { readonly digest?: Digest },
  ): Promise<TagRecord[]> {
    const page: TagRecord[] = []
    if (limit <= 0) return page
    const prefix = ofRepository('tags', repository)
    const pulls = await this.#names.pulls(repository)
    const listed = this.#cells.objects.list(prefix, after && prefix + after, digest === undefined ? limit : undefined)
    for await (const { key, value } of this.#cells.values<TagValue>(listed)) {
      if (digest !== undefined && value.target.digest !== digest) continue
      const name = tagOf(key)
      const pulledAt = pulls?.tags[name]
      page.push({ name, ...value, ...(pulledAt !== undefined && { pulledAt }) })
      if (page.length === limit) break
    }
    return page.map(({ name, target, pushedAt, pulledAt }) => ({
      name,
      target,
      pushedAt,
      ...(pulledAt !== undefined && { pulledAt }),
    }))
  }

  async referrers(repository: RepositoryName, subject: Digest, page: ReferrerPage): Promise<Descriptor[]> {
    const found: Descriptor[] = []
    if (page.limit <= 0) return found
    const prefix = keys.referrersOf(repository, subject)
    const after = page.after && keys.referrer(repository, subject, page.after)
    const size = page.artifactType === undefined ? page.limit : undefined
    const listed = this.#cells.objects.list(prefix, after, size)
    for await (const { key, value } of this.#cells.values<Descriptor & { readonly nonce: string }>(listed)) {
      if (page.artifactType !== undefined && value.artifactType !== page.artifactType) continue
      const { nonce: _, ...descriptor } = value
      found.push({ ...descriptor, digest: digestOf(key) })
      if (found.length === page.limit) break
    }
    return found
  }
}

export const tagOf = (key: string): TagName => key.slice(key.lastIndexOf('/') + 1) as TagName
