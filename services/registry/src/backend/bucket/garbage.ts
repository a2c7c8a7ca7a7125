import type { Digest } from '@caisson/oci'
import type { RepositoryName } from '../../distribution/names.ts'
import type { Changes, Garbage, GarbagePolicy, Removed } from '../ports.ts'
import type { BlobValue } from './blob-objects.ts'
import type { Cell, Cells } from './cells.ts'
import { KEEP } from './cells.ts'
import { type Condemnable, withoutMark } from './holding.ts'
import { digestOf, keys, ofRepository, repositoryOf } from './keys.ts'
import type { LinkValue } from './links.ts'
import type { ManifestObjects, ManifestValue } from './manifest-objects.ts'
import { namedBlobs, type RepositoryView, unheldManifests, viewOf, without } from './mark.ts'
import type { Strays } from './strays.ts'

export interface BucketGarbageDeps {
  readonly cells: Cells
  readonly manifests: ManifestObjects
  readonly strays: Strays
  readonly changes: Changes
  readonly clock: () => number
}

/**
 * Manifests first, then links, then blobs, then bytes that nothing points at. What seems to be garbage is marked; then what
 * could need it is read anew; and only what still has the mark, and is still not needed, is removed. A push does it the other
 * way round: it writes what names a thing, then looks for marks and takes them away. So one of the two sees the other, in
 * whatever process either runs, and no clock decides.
 */
export class BucketGarbage implements Garbage {
  readonly #deps: BucketGarbageDeps

  constructor(deps: BucketGarbageDeps) {
    this.#deps = deps
  }

  async *collect(policy: GarbagePolicy, signal: AbortSignal): AsyncGenerator<Removed> {
    const repositories = await this.#repositories()
    const now = await this.#bucketTime()
    const unlinked = new Set<string>()
    for (const repository of repositories) {
      signal.throwIfAborted()
      const view = yield* this.#collectManifests(repository, policy)
      for (const key of await this.#collectLinks(repository, view, now - policy.graceMs, policy.dryRun))
        unlinked.add(key)
    }
    yield* this.#collectBlobs(unlinked, policy.dryRun, signal)
    if (policy.dryRun) return
    for (const repository of repositories) await this.#deps.strays.removeDangling(repository)
    await this.#deps.strays.remove(signal)
  }

  /** All that something is stored under, also what a deletion that was cut off has left. */
  async #repositories(): Promise<Set<RepositoryName>> {
    const found = new Set<RepositoryName>()
    for (const prefix of ['names/', 'manifests/', 'links/'])
      for await (const { key } of this.#deps.cells.objects.list(prefix)) found.add(repositoryOf(key))
    return found
  }

  /** The clock that the times of objects are by. */
  async #bucketTime(): Promise<number> {
    const { objects } = this.#deps.cells
    await objects.put('clock', 'tick')
    for await (const { key, modifiedAt } of objects.list('clock')) if (key === 'clock') return modifiedAt
    return this.#deps.clock()
  }

  /** Returns what the repository has afterwards. */
  async *#collectManifests(
    repository: RepositoryName,
    { untaggedMs, dryRun }: GarbagePolicy,
  ): AsyncGenerator<Removed, RepositoryView> {
    let view = await viewOf(repository, this.#deps.manifests)
    if (untaggedMs === undefined) return view
    const cutoff = this.#deps.clock() - untaggedMs
    // An index that goes leaves its children to the next turn.
    for (;;) {
      const garbage = unheldManifests(view, cutoff)
      const gone = dryRun ? garbage : await this.#removeManifests(repository, view, garbage, cutoff)
      for (const digest of gone) yield { repository, digest, freed: 0 }
      if (gone.length === 0) return view
      view = dryRun ? without(view, gone) : await viewOf(repository, this.#deps.manifests)
    }
  }

  async #removeManifests(
    repository: RepositoryName,
    view: RepositoryView,
    garbage: readonly Digest[],
    cutoff: number,
  ): Promise<Digest[]> {
    const { cells, manifests, changes } = this.#deps
    const marked: Cell<ManifestValue>[] = []
    for (const digest of garbage) {
      const cell = await cells.read<ManifestValue>(keys.manifest(repository, digest))
      const isSame = cell !== undefined && cell.etag === view.manifests.get(digest)?.etag
      if (isSame) marked.push(...(await this.#mark(cell)))
    }
    if (marked.length === 0) return []
    const still = new Set(unheldManifests(await viewOf(repository, manifests), cutoff))
    const gone: Digest[] = []
    for (const cell of marked) {
      const digest = digestOf(cell.key)
      if (!(await this.#sweep(cell, !still.has(digest)))) continue
      if (cell.value.subject !== undefined) await manifests.removeReferrer(repository, cell.value.subject, digest)
      changes.manifestDeleted({ repository, digest })
      gone.push(digest)
    }
    return gone
  }

  /** Returns the keys of links that went, or would go. */
  async #collectLinks(repository: RepositoryName, view: RepositoryView, cutoff: number, dryRun: boolean) {
    const { cells, manifests } = this.#deps
    const named = namedBlobs(view)
    const garbage: Cell<LinkValue>[] = []
    for await (const cell of cells.values<LinkValue>(cells.objects.list(ofRepository('links', repository)))) {
      // A mark that a collection before this one has left makes it young, and is as good as old.
      const isOld = cell.modifiedAt < cutoff || cell.value.condemned === true
      if (isOld && !named.has(digestOf(cell.key))) garbage.push(cell)
    }
    if (dryRun || garbage.length === 0) return garbage.map(({ key }) => key)
    const marked: Cell<LinkValue>[] = []
    for (const cell of garbage) marked.push(...(await this.#mark(cell)))
    const namedNow = namedBlobs(await viewOf(repository, manifests))
    const gone: string[] = []
    for (const cell of marked) if (await this.#sweep(cell, namedNow.has(digestOf(cell.key)))) gone.push(cell.key)
    return gone
  }

  async *#collectBlobs(unlinked: ReadonlySet<string>, dryRun: boolean, signal: AbortSignal): AsyncGenerator<Removed> {
    const { cells } = this.#deps
    const linked = await this.#linkedBlobs(dryRun ? unlinked : new Set())
    const garbage: Cell<BlobValue>[] = []
    for await (const cell of cells.values<BlobValue>(cells.objects.list('blobs/')))
      if (!linked.has(digestOf(cell.key))) garbage.push(cell)
    if (dryRun) {
      yield* garbage.map(({ key, value }) => ({ digest: digestOf(key), freed: value.size }))
      return
    }
    const marked: Cell<BlobValue>[] = []
    for (const cell of garbage) marked.push(...(await this.#mark(cell)))
    if (marked.length === 0) return
    const linkedNow = await this.#linkedBlobs(new Set())
    for (const cell of marked) {
      signal.throwIfAborted()
      const digest = digestOf(cell.key)
      if (!(await this.#sweep(cell, linkedNow.has(digest)))) continue
      await cells.objects.delete(keys.data(cell.value.data))
      for await (const hint of cells.objects.list(keys.hintsOf(digest))) await cells.remove(hint)
      yield { digest, freed: cell.value.size }
    }
  }

  async #linkedBlobs(except: ReadonlySet<string>): Promise<Set<Digest>> {
    const linked = new Set<Digest>()
    for await (const { key } of this.#deps.cells.objects.list('links/')) if (!except.has(key)) linked.add(digestOf(key))
    return linked
  }

  /** One cell, marked; none when somebody wrote it since it was read. */
  async #mark<T extends Condemnable>(cell: Cell<T>): Promise<Cell<T>[]> {
    const marked = await this.#deps.cells.replace(cell, { ...cell.value, condemned: true as const })
    return marked === undefined ? [] : [marked]
  }

  /** Removes a marked cell, or takes its mark away when it is needed. True when it is gone, by us. */
  async #sweep<T extends Condemnable>(cell: Cell<T>, isNeeded: boolean): Promise<boolean> {
    if (!isNeeded) return await this.#deps.cells.remove(cell)
    await this.#deps.cells.update<T>(cell.key, (now) => (now?.condemned === undefined ? KEEP : withoutMark(now)))
    return false
  }
}
