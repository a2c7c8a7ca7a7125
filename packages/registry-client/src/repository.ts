import type { Descriptor, Digest } from '@caisson/oci'

/** A manifest or index as the registry has it: its bytes are what the digest names. */
export interface FetchedManifest {
  readonly digest: Digest
  readonly mediaType: string
  readonly bytes: Buffer
}

/** A blob that is asked for. */
export interface WantedBlob {
  readonly digest: Digest
  /** Bytes that it has. Absent: the registry is believed, and the caller keeps to a limit of its own. */
  readonly size?: number
}

/** Bytes of a blob, straight from the connection: reading slowly slows the registry down. */
export interface BlobStream {
  /** Where the bytes begin: the offset asked for, or 0 when the registry ignores ranges. */
  readonly offset: number
  /** Bytes of the whole blob, as far as the registry says. */
  readonly size: number | undefined
  /** To be read once. Throws when fewer or more bytes come than announced, or none for the idle timeout. */
  readonly chunks: AsyncIterable<Buffer>
}

/**
 * One repository of one registry. Every failure is a CaissonError with `details.registry` and `details.repository`:
 * not-found, unauthenticated (log in), permission-denied (no right, or against our rules), resource-exhausted (too many
 * requests, too large), unavailable (does not answer), failed-precondition (TLS, or no registry), data-loss (bytes that
 * are not what the digest or length says), invalid-argument (refused, malformed), cancelled.
 */
export interface Repository {
  /** What a tag or digest names now, without its bytes where the registry can. Undefined: not there. */
  resolve(reference: string, signal: AbortSignal): Promise<Descriptor | undefined>
  /** A manifest or an index by tag or digest; its digest, type and length are checked; at most 4 MiB. */
  manifest(reference: string, signal: AbortSignal): Promise<FetchedManifest>
  /** The blob from an offset on. The caller verifies the digest and may go on from another offset when it breaks off. */
  blob(blob: WantedBlob, offset: number, signal: AbortSignal): Promise<BlobStream>
  hasBlob(digest: Digest, signal: AbortSignal): Promise<boolean>
  /** By HEAD: whether the registry has it, and how large it says it is. Undefined: not there. */
  statBlob(digest: Digest, signal: AbortSignal): Promise<{ readonly size: number | undefined } | undefined>
  /** Takes a blob over from another repository of the same registry. False: the registry did not. */
  mountBlob(digest: Digest, from: string, signal: AbortSignal): Promise<boolean>
  /**
   * Uploads; `open(offset)` gives the bytes from there on, and is called again when the registry goes on where a broken
   * connection left off. `report` is told how many bytes of the blob have been sent so far; that may go back. When the
   * upload fails or is cancelled, the registry is asked to forget it.
   */
  putBlob(
    blob: { digest: Digest; size: number },
    open: (offset: number) => AsyncIterable<Uint8Array>,
    report: (bytes: number) => void,
    signal: AbortSignal,
  ): Promise<void>
  /** By tag or digest. `subject`: what the manifest refers to; it is listed among its subject's referrers afterwards. */
  putManifest(
    reference: string,
    manifest: { mediaType: string; bytes: Uint8Array },
    signal: AbortSignal,
  ): Promise<{ digest: Digest; subject: Digest | undefined }>
  /**
   * Removes a manifest by its digest, or a tag alone. False: it was not there. `unimplemented` REGISTRY_UNSUPPORTED where
   * the registry does not do that: many know digests only.
   */
  deleteManifest(reference: string, signal: AbortSignal): Promise<boolean>
  /** In the order of the registry, page by page. */
  tags(signal: AbortSignal): AsyncIterable<string>
  /** Manifests whose subject this is, from the referrers API or from the fallback tag; none is []. */
  referrers(subject: Digest, artifactType: string | undefined, signal: AbortSignal): Promise<Descriptor[]>
}
