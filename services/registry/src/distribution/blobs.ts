import type { Digest } from '@caisson/oci'
import type { Backend, BlobReader, BlobStat, ByteRange } from '../backend/ports.ts'
import type { Policies } from '../policy/policies.ts'
import { blobUnknown, deletesOff } from './errors.ts'
import type { RepositoryName } from './names.ts'

/** Blobs as a repository sees them: only those that are linked to it. */
export class RepositoryBlobs {
  readonly #backend: Pick<Backend, 'blobs' | 'records'>
  readonly #policies: Policies

  constructor(backend: Pick<Backend, 'blobs' | 'records'>, policies: Policies) {
    this.#backend = backend
    this.#policies = policies
  }

  /** Throws BLOB_UNKNOWN. */
  async stat(repository: RepositoryName, digest: Digest): Promise<BlobStat> {
    const found = await this.#backend.records.linkedBlob(repository, digest)
    if (found === undefined) throw blobUnknown(digest)
    return found
  }

  /** Throws BLOB_UNKNOWN, and RANGE_INVALID. */
  async open(
    repository: RepositoryName,
    digest: Digest,
    range: ByteRange | undefined,
    signal: AbortSignal,
  ): Promise<BlobReader> {
    await this.stat(repository, digest)
    const reader = await this.#backend.blobs.open(digest, range, signal)
    if (reader === undefined) throw blobUnknown(digest)
    return reader
  }

  /** Takes the blob from the repository; its bytes go with garbage collection, when nobody else has it. */
  async delete(repository: RepositoryName, digest: Digest): Promise<void> {
    if (!(await this.#policies.of(repository)).deletes) throw deletesOff(repository)
    if (!(await this.#backend.records.unlinkBlob(repository, digest))) throw blobUnknown(digest)
  }
}
