import { setTimeout as sleep } from 'node:timers/promises'
import { type Descriptor, isForeignLayer } from '@caisson/oci'
import type { BlobStore } from '../content/blob-store.ts'
import type { ReportTransfer } from '../pull/layer-progress.ts'
import type { Repository, RepositoryName } from '../registry/ports.ts'
import { backoff, type RetryLimits, worthRetrying } from '../registry/retry.ts'
import type { BlobOriginTable } from './ports.ts'

/** Repositories that a registry is asked to take a blob over from. */
const MAX_MOUNTS = 3

export interface BlobUploadDeps {
  readonly blobs: BlobStore
  readonly origins: BlobOriginTable
  readonly limits: RetryLimits
}

/** Sees to it that a registry has a blob: it may have it, take it over from another repository, or be sent it. */
export class BlobUpload {
  readonly #deps: BlobUploadDeps
  readonly #where: RepositoryName
  readonly #repository: Repository
  readonly #report: ReportTransfer

  constructor(deps: BlobUploadDeps, where: RepositoryName, repository: Repository, report: ReportTransfer) {
    this.#deps = deps
    this.#where = where
    this.#repository = repository
    this.#report = report
  }

  /** False: the registry is not to have it. */
  async ensure(blob: Descriptor, signal: AbortSignal): Promise<boolean> {
    const tell = (action: string, done: number): void =>
      this.#report({ subject: blob.digest, action, done, total: blob.size, unit: 'bytes' })
    if (isForeignLayer(blob.mediaType)) tell('skipped', 0)
    else if (await this.#repository.hasBlob(blob.digest, signal)) tell('exists', blob.size)
    else if (await this.#mount(blob, signal)) tell('mounted', blob.size)
    else {
      await this.#send(blob, (bytes) => tell('uploading', bytes), signal)
      tell('done', blob.size)
    }
    return !isForeignLayer(blob.mediaType)
  }

  async #mount({ digest }: Descriptor, signal: AbortSignal): Promise<boolean> {
    const { registry, repository } = this.#where
    for (const from of this.#deps.origins.of(digest, registry, MAX_MOUNTS + 1).slice(0, MAX_MOUNTS))
      if (from !== repository && (await this.#repository.mountBlob(digest, from, signal))) return true
    return false
  }

  async #send(blob: Descriptor, report: (bytes: number) => void, signal: AbortSignal): Promise<void> {
    const { blobs, limits } = this.#deps
    let most = 0
    for (let failures = 0; ; ) {
      const before = most
      const count = (bytes: number): void => {
        most = Math.max(most, bytes)
        report(bytes)
      }
      try {
        report(0)
        const open = (offset: number) => blobs.read(blob.digest, offset, 0, signal)
        return await this.#repository.putBlob(blob, open, count, signal)
      } catch (thrown) {
        const failure = worthRetrying(thrown, signal)
        failures = most > before ? 0 : failures + 1
        if (failures >= limits.transferAttempts) throw failure
        await sleep(backoff(failures, limits), undefined, { signal })
        // The last answer may have been lost, and not the blob.
        if (await this.#repository.hasBlob(blob.digest, signal)) return
      }
    }
  }
}
