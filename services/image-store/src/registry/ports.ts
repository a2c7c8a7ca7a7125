import type { Descriptor, Digest } from '@caisson/oci'

/** What a client says to be let in. Used for the call that brought it, never kept. Undefined members: not said. */
export interface RegistryAuth {
  readonly username?: string
  readonly password?: string
  readonly identityToken?: string
  readonly registryToken?: string
}

/** Where a repository is: "docker.io" and "library/debian". */
export interface RepositoryName {
  readonly registry: string
  readonly repository: string
}

export interface FetchedManifest {
  readonly digest: Digest
  readonly mediaType: string
  readonly bytes: Uint8Array
}

/** The bytes of a blob from `offset` on: the one that was asked for, or 0 where the registry knows no ranges. */
export interface BlobStream {
  readonly offset: number
  readonly chunks: AsyncIterable<Uint8Array>
}

/** Registries as pull and push need them. Every call throws CaissonError. */
export interface Registries {
  /** `auth` takes the place of the configured credentials. */
  repository(name: RepositoryName, auth: RegistryAuth | undefined): Repository
  /** A registry as it stands in references. */
  registry(name: string, auth: RegistryAuth | undefined): Registry
}

/** A registry as a whole. */
export interface Registry {
  /** Whether the registry asked for the login, and took it then. Throws unauthenticated when it did not take it. */
  checkLogin(signal: AbortSignal): Promise<boolean>
  repositories(signal: AbortSignal): AsyncIterable<string>
}

/** One repository of a registry (distribution-spec). */
export interface Repository {
  /** What a tag or a digest means there. Undefined: it is not there, or the registry does not say its digest. */
  resolve(reference: string, signal: AbortSignal): Promise<Descriptor | undefined>
  /** A manifest or an index; by digest it has that digest. NOT_FOUND when there is none. */
  manifest(reference: string, signal: AbortSignal): Promise<FetchedManifest>
  /** Opens a blob. Its digest is the caller's to check. */
  blob(blob: { digest: Digest; size: number }, offset: number, signal: AbortSignal): Promise<BlobStream>
  hasBlob(digest: Digest, signal: AbortSignal): Promise<boolean>
  /** Takes a blob over from another repository of the registry. False: it did not. */
  mountBlob(digest: Digest, from: string, signal: AbortSignal): Promise<boolean>
  /** `open` gives the bytes from an offset on; `report` is told how many the registry has. */
  putBlob(
    blob: { digest: Digest; size: number },
    open: (offset: number) => AsyncIterable<Uint8Array>,
    report: (bytes: number) => void,
    signal: AbortSignal,
  ): Promise<void>
  putManifest(
    reference: string,
    manifest: { mediaType: string; bytes: Uint8Array },
    signal: AbortSignal,
  ): Promise<{ digest: Digest }>
  tags(signal: AbortSignal): AsyncIterable<string>
  /** Manifests whose subject this is. None is []. */
  referrers(subject: Digest, artifactType: string | undefined, signal: AbortSignal): Promise<Descriptor[]>
}
