import type { Digest } from '@caisson/oci'

/** What nothing in the database refers to: neither an image, nor a snapshot, nor a lease. */
export interface GarbageQueries {
  blobs(): { digest: Digest; bytes: number }[]
  /** Layers, those that stand on others first. */
  layers(): { chainId: Digest; bytes: number }[]
}

/** When images were last used, in milliseconds since 1970. */
export interface ImageUseTable {
  /** Nothing for an image that is gone. A time never goes back. */
  set(image: Digest, usedMs: number): void
  all(): Map<Digest, number>
}
