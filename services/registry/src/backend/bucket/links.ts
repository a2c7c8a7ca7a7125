import type { Digest } from '@caisson/oci'
import type { RepositoryName } from '../../distribution/names.ts'
import type { BlobStat, QuotaLimit } from '../ports.ts'
import type { BlobObjects } from './blob-objects.ts'
import { type Cells, REMOVE } from './cells.ts'
import { type Condemnable, hold } from './holding.ts'
import { keys, repositoryOf } from './keys.ts'
import type { Names } from './names.ts'
import type { Usage } from './usage.ts'

export interface LinkValue extends Condemnable {
  readonly size: number
}

export interface LinksDeps {
  readonly cells: Cells
  readonly blobs: BlobObjects
  readonly names: Names
  readonly usage: Usage
  readonly clock: () => number
}

/** Which blobs are in which repositories. */
export class Links {
  readonly #deps: LinksDeps

  constructor(deps: LinksDeps) {
    this.#deps = deps
  }

  /** The blob, when it is linked; held against garbage collection then. */
  async find(repository: RepositoryName, digest: Digest): Promise<BlobStat | undefined> {
    const { cells, clock } = this.#deps
    const cell = await hold<LinkValue>(cells, keys.link(repository, digest), clock())
    return cell && { digest, size: cell.value.size }
  }

  /**
   * Links a blob. False when it is gone: garbage collection looks for links after it has marked the blob, and we look for the
   * mark after we have linked, so one of the two sees the other.
   */
  async add(repository: RepositoryName, blob: BlobStat, limit: QuotaLimit | undefined): Promise<boolean> {
    const { cells, blobs, names, usage } = this.#deps
    const key = keys.link(repository, blob.digest)
    await names.ensure(repository)
    let isLost = false
    await usage.holdTo(limit, key, async () => {
      const etag = await cells.put<LinkValue>(key, { size: blob.size })
      const undo = (): Promise<boolean> => cells.remove({ key, etag })
      isLost = !(await blobs.keep(blob.digest))
      if (isLost) await undo()
      return { undo }
    })
    if (isLost) return false
    await cells.put(keys.hint(blob.digest, repository), {})
    return true
  }

  async remove(repository: RepositoryName, digest: Digest): Promise<boolean> {
    let was = false
    await this.#deps.cells.update<LinkValue>(keys.link(repository, digest), (now) => {
      was = now !== undefined
      return REMOVE
    })
    return was
  }

  /** Repositories that a blob is linked to. Hints that have become wrong are removed on the way. */
  async repositories(digest: Digest, limit: number): Promise<RepositoryName[]> {
    const { cells } = this.#deps
    const found: RepositoryName[] = []
    const prefix = keys.hintsOf(digest)
    for await (const hint of cells.objects.list(prefix)) {
      const repository = repositoryOf(hint.key.slice(prefix.length - 1))
      if ((await cells.read(keys.link(repository, digest))) === undefined) await cells.remove(hint)
      else found.push(repository)
      if (found.length === limit) break
    }
    return found
  }
}
