import type { Digest } from '@caisson/oci'

/** A lease: what it names is not collected while it lives. Times are milliseconds since 1970. */
export interface LeaseRecord {
  readonly id: string
  readonly expiresMs: number
  readonly createdMs: number
  readonly labels: Readonly<Record<string, string>>
  readonly resources: readonly string[]
}

export interface LeaseTable {
  get(id: string): LeaseRecord | undefined
  insert(lease: LeaseRecord): void
  renew(id: string, expiresMs: number): void
  addResource(id: string, resource: string): void
  /** What a resource consisted of when it was named: blobs, chain ids of layers. It is kept with it. */
  addContent(id: string, digests: Iterable<Digest>): void
  delete(id: string): void
  /** By id, those behind `after`. */
  list(after: string, limit: number): LeaseRecord[]
  /** Removes those that ended before. */
  expire(nowMs: number): void
  /** A lease that lives and names it, or something it belongs to. */
  naming(resource: string, nowMs: number): string | undefined
  /** When the first of them ends. */
  nextEnd(): number | undefined
}
