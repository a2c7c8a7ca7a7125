import type { Descriptor, Digest } from '@caisson/oci'

/** A document of an image and its name. */
export interface SignedDocument {
  readonly digest: Digest
  readonly bytes: Uint8Array
}

/** What a signature is on: the list of an image's platforms, or the manifest of one. */
export type SignedKind = 'index' | 'manifest'

/** A signature that was found right. It says nothing of whether its key is trusted now. */
export interface TrustRecord {
  /** What was signed. */
  readonly digest: Digest
  readonly kind: SignedKind
  /** `sha256:` and the hash of the public key (SubjectPublicKeyInfo). */
  readonly key: string
  /** The reference that the signer wrote, as it is in the signature. Empty: none. */
  readonly identity: string
  /** Milliseconds since 1970. */
  readonly verifiedMs: number
  /** Fingerprint of the policy under which the key was known. */
  readonly policy: string
}

/** Table `trust`. */
export interface TrustTable {
  /** Adding one that is there changes nothing; false then. */
  insert(record: TrustRecord): boolean
  /** Signatures on any of these. */
  of(digests: readonly Digest[]): TrustRecord[]
  /** Forgets what is on digests that mean no image. Returns how many. */
  prune(): number
}

/** Where signatures lie: a repository of a registry, or an archive. What it gives is hostile. */
export interface SignatureSource {
  /** Descriptors of artifacts whose subject this is, of one type. */
  referrers(subject: Digest, artifactType: string | undefined, signal: AbortSignal): Promise<readonly Descriptor[]>
  /** By tag or digest. Throws a CaissonError `not-found` when there is none. */
  manifest(
    reference: string,
    signal: AbortSignal,
  ): Promise<{ readonly digest: Digest; readonly mediaType: string; readonly bytes: Uint8Array }>
  /** From the offset that it tells on. */
  blob(
    blob: { readonly digest: Digest; readonly size: number },
    offset: number,
    signal: AbortSignal,
  ): Promise<{ readonly offset: number; readonly chunks: AsyncIterable<Uint8Array> }>
}
