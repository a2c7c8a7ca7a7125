import type { Digest } from '@caisson/oci'

/** In which repositories of a registry blobs were seen, by pulls and pushes. */
export interface BlobOriginTable {
  add(digests: Iterable<Digest>, where: { registry: string; repository: string }, nowMs: number): void
  /** Repositories, the one seen last first. */
  of(digest: Digest, registry: string, limit: number): string[]
}
