import type { Digest } from '@caisson/oci'

/** A blob that is whole and on disk. */
export interface BlobRecord {
  readonly digest: Digest
  /** Bytes. */
  readonly size: number
  /** Milliseconds since 1970. */
  readonly createdMs: number
}

/** What is known of the blobs. A row is there only once the file is durable. */
export interface BlobTable {
  get(digest: Digest): BlobRecord | undefined
  /** Adding one that is there changes nothing. */
  insert(blob: BlobRecord): void
  delete(digest: Digest): void
  /** By digest, those behind `after`. */
  list(after: string, limit: number): BlobRecord[]
  totals(): { bytes: number; count: number }
}

/** Runs work as one transaction: on disk when it returns, unless it need not survive a power cut. */
export interface Transactions {
  transaction<T>(work: () => T, durability?: 'power-cut' | 'crash'): T
  /** Calls once the transaction that runs now is on disk. */
  afterCommit(call: () => void): void
}
