import type { Readable } from 'node:stream'
import type { Digest, DigestAlgorithm } from '@caisson/oci'
import type { Backend, BlobStat, UploadChunk, UploadState } from '../backend/ports.ts'
import { uploadUnknown } from './errors.ts'
import type { RepositoryName } from './names.ts'
import type { Quota } from './quota.ts'

/** Repositories that are looked at for a blob that is to be mounted from anywhere. */
const MOST_SOURCES = 100

/** How blobs come in. */
export class RepositoryUploads {
  readonly #backend: Pick<Backend, 'uploads' | 'records'>
  readonly #quota: Quota

  constructor(backend: Pick<Backend, 'uploads' | 'records'>, quota: Quota) {
    this.#backend = backend
    this.#quota = quota
  }

  begin(repository: RepositoryName, algorithm: DigestAlgorithm): Promise<UploadState> {
    return this.#backend.uploads.create(repository, algorithm)
  }

  /** Throws BLOB_UPLOAD_UNKNOWN. */
  async state(repository: RepositoryName, id: string): Promise<UploadState> {
    const state = await this.#backend.uploads.state(repository, id)
    if (state === undefined) throw uploadUnknown(id)
    return state
  }

  async append(
    repository: RepositoryName,
    id: string,
    chunk: UploadChunk,
    body: Readable,
    signal: AbortSignal,
  ): Promise<UploadState> {
    const most = await this.#quota.room(repository, chunk.length)
    const limited = most === undefined ? chunk : { ...chunk, most }
    return await this.#backend.uploads.append(repository, id, limited, body, signal)
  }

  async finish(repository: RepositoryName, id: string, digest: Digest): Promise<BlobStat> {
    const { offset } = await this.state(repository, id)
    const limit = await this.#quota.limit(repository, offset)
    return await this.#backend.uploads.finish(repository, id, digest, limit)
  }

  async cancel(repository: RepositoryName, id: string): Promise<void> {
    if (!(await this.#backend.uploads.cancel(repository, id))) throw uploadUnknown(id)
  }

  /**
   * Takes a blob over from another repository: from `from`, or from any that `mayPull` lets the client see. Undefined when
   * there is none: the client is to send it then.
   */
  async mount(
    repository: RepositoryName,
    digest: Digest,
    from: RepositoryName | undefined,
    mayPull: (repository: RepositoryName) => Promise<boolean>,
  ): Promise<BlobStat | undefined> {
    const { records } = this.#backend
    const sources = from === undefined ? await records.repositoriesOf(digest, MOST_SOURCES) : [from]
    for (const source of sources) {
      if (!(await mayPull(source))) continue
      const found = await records.linkedBlob(source, digest)
      if (found === undefined) continue
      const limit = await this.#quota.limit(repository, found.size)
      const mounted = await records.mountBlob(repository, digest, source, limit)
      if (mounted !== undefined) return mounted
    }
    return undefined
  }
}
