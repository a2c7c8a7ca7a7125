import type { Digest } from '@caisson/oci'
import type { Upstream } from './upstream.ts'

/**
 * Repositories of upstreams. Failures are CaissonErrors: UPSTREAM_UNAVAILABLE (does not answer, 5xx, too many requests: what is
 * held does meanwhile), UPSTREAM_DENIED (its 401 and 403), POLICY (it sends us, or our credentials, where they do not go),
 * UPSTREAM_LIES (bytes that are not what their digest or length says, or no answer of a registry).
 */
export interface Remotes extends AsyncDisposable {
  repository(upstream: Upstream, name: string): RemoteRepository
}

export interface RemoteRepository {
  /** What a tag names now, by HEAD where the upstream can. Undefined: it has no such tag. */
  resolve(reference: string, signal: AbortSignal): Promise<Digest | undefined>
  /** By tag or digest; checked, and at most 4 MiB. Undefined: it has none. */
  manifest(reference: string, signal: AbortSignal): Promise<RemoteManifest | undefined>
  /** Digests of what has this subject, from its API or its fallback tag. */
  referrers(subject: Digest, signal: AbortSignal): Promise<readonly Digest[]>
  /** Undefined: it has no such blob. */
  statBlob(digest: Digest, signal: AbortSignal): Promise<{ readonly size: number | undefined } | undefined>
  /** From `offset` on, or from 0 where the upstream knows no ranges. Undefined: it has no such blob. */
  blob(blob: RemoteBlob, offset: number, signal: AbortSignal): Promise<RemoteBytes | undefined>
}

export interface RemoteManifest {
  readonly digest: Digest
  readonly mediaType: string
  readonly bytes: Uint8Array
}

export interface RemoteBlob {
  readonly digest: Digest
  /** Absent: what the upstream says. */
  readonly size?: number
}

export interface RemoteBytes {
  readonly offset: number
  /** Of the whole blob. Undefined: the upstream does not say. */
  readonly size: number | undefined
  /** Throws when the connection breaks, is silent, or has more or less than was announced. */
  readonly chunks: AsyncIterable<Buffer>
}
