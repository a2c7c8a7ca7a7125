import { setImmediate } from 'node:timers/promises'
import type { Digest } from '@caisson/oci'
import type { Changes, Garbage, GarbagePolicy, Removed } from '../ports.ts'
import type { Turns } from '../turns.ts'
import type { BlobFiles } from './blob-files.ts'
import type { Commits } from './commits.ts'
import type { GarbageQueries } from './garbage-queries.ts'
import type { LinkTable } from './link-table.ts'
import type { ManifestTable } from './manifest-table.ts'

export interface DiskGarbageDeps {
  readonly queries: GarbageQueries
  readonly links: LinkTable
  readonly manifests: ManifestTable
  readonly files: BlobFiles
  readonly commits: Commits
  readonly changes: Changes
  readonly turns: Turns
  readonly clock: () => number
}

/** Thrown to undo what a dry run did. */
class DryRunDone extends Error {
  readonly removed: readonly Removed[]
  constructor(removed: readonly Removed[]) {
    super('dry run')
    this.removed = removed
  }
}

/**
 * Manifests first, then links, then blobs, a window of rows at a time. Each window is judged and removed in one transaction,
 * so a push or mount comes either before, and is seen, or after, and sees what is gone.
 */
export class DiskGarbage implements Garbage {
  readonly #deps: DiskGarbageDeps

  constructor(deps: DiskGarbageDeps) {
    this.#deps = deps
  }

  async *collect(policy: GarbagePolicy, signal: AbortSignal): AsyncGenerator<Removed> {
    if (policy.dryRun) {
      yield* this.#rehearse(policy)
      return
    }
    yield* this.#manifests(policy, signal)
    await this.#links(policy, signal)
    yield* this.#blobs(signal)
    this.#deps.commits.restock()
  }

  async *#manifests(policy: GarbagePolicy, signal: AbortSignal): AsyncGenerator<Removed> {
    if (policy.untaggedMs === undefined) return
    // An index that goes leaves its children to the next turn.
    for (let found = 1; found > 0; ) {
      found = 0
      for (let cursor: number | undefined = 0; cursor !== undefined; ) {
        signal.throwIfAborted()
        const from: number = cursor
        const window = await this.#deps.commits.remove(() => this.#manifestWindow(from, policy))
        yield* window.garbage.map(({ repository, digest }) => ({ repository, digest, freed: 0 }))
        found += window.garbage.length
        cursor = window.next
        await setImmediate()
      }
    }
  }

  #manifestWindow(after: number, policy: GarbagePolicy) {
    const { queries, manifests, changes, clock } = this.#deps
    const window = queries.manifests(after, clock() - (policy.untaggedMs ?? 0))
    for (const { id, repository, digest } of window.garbage) {
      manifests.delete(id)
      changes.manifestDeleted({ repository, digest })
    }
    return window
  }

  async #links(policy: GarbagePolicy, signal: AbortSignal): Promise<void> {
    for (let cursor: typeof FIRST_LINK | undefined = FIRST_LINK; cursor !== undefined; ) {
      signal.throwIfAborted()
      const from: typeof FIRST_LINK = cursor
      cursor = this.#deps.commits.removeLightly(() => this.#linkWindow(from, policy).next)
      await setImmediate()
    }
  }

  #linkWindow(after: typeof FIRST_LINK, policy: GarbagePolicy) {
    const { queries, clock } = this.#deps
    const window = queries.links(after, clock() - policy.graceMs)
    for (const link of window.garbage) queries.unlink(link)
    return window
  }

  async *#blobs(signal: AbortSignal): AsyncGenerator<Removed> {
    for (let cursor: string | undefined = ''; cursor !== undefined; ) {
      signal.throwIfAborted()
      const window = this.#deps.queries.blobs(cursor)
      const removals = window.garbage.map(async ({ digest, size }) =>
        (await this.#remove(digest)) ? [{ digest, freed: size }] : [],
      )
      yield* (await Promise.all(removals)).flat()
      cursor = window.next
      await setImmediate()
    }
  }

  /** The row goes for good before the file does; nobody makes the blob anew in between. */
  async #remove(digest: Digest): Promise<boolean> {
    const { turns, commits, links, files } = this.#deps
    return await turns.take(digest, async () => {
      if (!(await commits.remove(() => links.delete(digest)))) return false
      await files.remove(digest)
      return true
    })
  }

  /** Does it all in one transaction that is then undone. */
  #rehearse(policy: GarbagePolicy): readonly Removed[] {
    try {
      this.#deps.commits.runLightly(() => {
        throw new DryRunDone(this.#removeRows(policy))
      })
    } catch (thrown) {
      if (thrown instanceof DryRunDone) return thrown.removed
      throw thrown
    }
    return []
  }

  #removeRows(policy: GarbagePolicy): Removed[] {
    const { queries, manifests, clock } = this.#deps
    const removed: Removed[] = []
    if (policy.untaggedMs !== undefined) {
      const cutoff = clock() - policy.untaggedMs
      for (let found = 1; found > 0; ) {
        const rows = [...windows(0, (cursor) => queries.manifests(cursor, cutoff))]
        for (const { id } of rows) manifests.delete(id)
        removed.push(...rows.map(({ repository, digest }) => ({ repository, digest, freed: 0 })))
        found = rows.length
      }
    }
    const cutoff = clock() - policy.graceMs
    for (const link of [...windows(FIRST_LINK, (cursor) => queries.links(cursor, cutoff))]) queries.unlink(link)
    for (const { digest, size } of windows('', (cursor) => queries.blobs(cursor))) removed.push({ digest, freed: size })
    return removed
  }
}

const FIRST_LINK = { repositoryId: 0, blobId: 0 }

function* windows<Cursor, T>(
  first: Cursor,
  look: (cursor: Cursor) => { readonly garbage: readonly T[]; readonly next: Cursor | undefined },
): Generator<T> {
  for (let cursor: Cursor | undefined = first; cursor !== undefined; ) {
    const window: ReturnType<typeof look> = look(cursor)
    yield* window.garbage
    cursor = window.next
  }
}
