import type { Readable } from 'node:stream'
import type { Descriptor, Digest, DigestAlgorithm } from '@caisson/oci'
import type { RepositoryName, TagName } from '../distribution/names.ts'

/**
 * Where a registry keeps everything. There are two: a disk that one process owns, and an S3 bucket that several processes
 * serve together. `ports-suite/` says in tests what both do.
 *
 * Names, tags and digests that come in are checked already. Times are milliseconds since 1970. Errors are CaissonErrors whose
 * reasons are the codes of the distribution specification where it has one (BLOB_UNKNOWN, MANIFEST_BLOB_UNKNOWN ...).
 * What a method says it did is on disk, or in the bucket, when its promise is fulfilled.
 */
export interface Backend extends AsyncDisposable {
  readonly blobs: Blobs
  readonly uploads: Uploads
  readonly records: Records
  readonly documents: Documents
  readonly garbage: Garbage
}

/** Bytes by digest, for all repositories together. Who may see one is a matter of Records. */
export interface Blobs {
  stat(digest: Digest): Promise<BlobStat | undefined>
  /** Opens a blob, or a part of it; undefined when there is none. An open reader goes on when the blob is removed. */
  open(digest: Digest, range: ByteRange | undefined, signal: AbortSignal): Promise<BlobReader | undefined>
  /** A page of blobs behind `after`, in the order of their digests. */
  list(after: Digest | undefined, limit: number): Promise<BlobStat[]>
}

export interface BlobStat {
  readonly digest: Digest
  /** Bytes. */
  readonly size: number
}

/** Bytes `first` to `last`, both included. Within the blob, or RANGE_INVALID is thrown (`out-of-range`, with the size in `details.size`). */
export interface ByteRange {
  readonly first: number
  /** Absent, or behind the end: to the end. */
  readonly last?: number
}

/** An open blob. Either `stream` or `file` is used, once. Disposed in any case. */
export interface BlobReader extends AsyncDisposable {
  /** Bytes of the whole blob. */
  readonly size: number
  /** The first byte that is read. */
  readonly first: number
  /** How many bytes are read. */
  readonly length: number
  /** The bytes; destroying the stream ends the reading. */
  stream(): Readable
  /** Descriptor of the file the bytes are in, at offset `first`: for sendfile. Absent when there is none. */
  readonly file?: number
}

/** Blobs that are being sent. What is known of one survives the end of the process. */
export interface Uploads {
  /** Begins an upload. Its id is a random one that also says nothing to a stranger. */
  create(repository: RepositoryName, algorithm: DigestAlgorithm): Promise<UploadState>
  /** Undefined for an id that is not known in this repository: never, cancelled, expired, or finished. */
  state(repository: RepositoryName, id: string): Promise<UploadState | undefined>
  /**
   * Adds bytes. One call at a time for one upload: another gets UPLOAD_BUSY (`aborted`). The pieces of `body` are taken over:
   * their memory may be given back before anybody else looks at them again.
   *
   * Throws BLOB_UPLOAD_UNKNOWN; RANGE_INVALID when `offset` is given and is not where the upload stands; SIZE_INVALID when the
   * body has more or less than `length`. When the body breaks or is refused, the upload stands where `state` says: at `offset`,
   * or behind it by bytes that did arrive (never when `length` was given: a chunk is kept whole or not at all).
   */
  append(
    repository: RepositoryName,
    id: string,
    chunk: UploadChunk,
    body: Readable,
    signal: AbortSignal,
  ): Promise<UploadState>
  /**
   * Makes the blob and links it to the repository, in one step: after it returned the blob survives a power cut. The upload
   * is gone then, and is gone too when the digest is wrong (DIGEST_INVALID) or the quota does not let it in (QUOTA_EXCEEDED).
   */
  finish(repository: RepositoryName, id: string, digest: Digest, limit?: QuotaLimit): Promise<BlobStat>
  /** False when it is not known. */
  cancel(repository: RepositoryName, id: string): Promise<boolean>
  /** Removes uploads that nothing was added to since `before`. Returns how many. */
  expire(before: number): Promise<number>
  /** Bytes of unfinished uploads in repositories of the scope. */
  pending(scope: Scope): Promise<number>
}

export interface UploadState {
  readonly id: string
  readonly repository: RepositoryName
  readonly algorithm: DigestAlgorithm
  /** Bytes that are here. */
  readonly offset: number
  readonly startedAt: number
}

export interface UploadChunk {
  /** Where the chunk begins. Absent: where the upload stands. */
  readonly offset?: number
  /** How long it is. Absent: until the body ends. */
  readonly length?: number
  /** Most bytes that are taken, QUOTA_EXCEEDED beyond them. */
  readonly most?: number
}

/** A repository, or all below a prefix: `team` for the repository, `team/*` for all below it, `*` for all. */
export type Scope = string & { readonly __scope?: never }

/** What repositories of a scope may hold together, each blob and manifest counted once a scope. */
export interface QuotaLimit {
  readonly scope: Scope
  readonly bytes: number
}

/** What is in which repository. */
export interface Records {
  /**
   * The blob, when it is linked to the repository. It is then safe from garbage collection for the grace period: the client
   * will not send it, but name it in a manifest.
   */
  linkedBlob(repository: RepositoryName, digest: Digest): Promise<BlobStat | undefined>
  /**
   * Links a blob that is linked to `from`, atomically. False when it is not (any more). Throws QUOTA_EXCEEDED. Safe from
   * garbage collection for the grace period.
   */
  mountBlob(
    repository: RepositoryName,
    digest: Digest,
    from: RepositoryName,
    limit?: QuotaLimit,
  ): Promise<BlobStat | undefined>
  /** Repositories that a blob is linked to, for mounts that name none. */
  repositoriesOf(digest: Digest, limit: number): Promise<RepositoryName[]>
  /** Unlinks a blob at once; manifests that name it stay. False when it was not linked. */
  unlinkBlob(repository: RepositoryName, digest: Digest): Promise<boolean>

  /**
   * Stores a manifest with its tags, all or nothing. What it names must be in the repository, unless `sparse` or `upstream`:
   * MANIFEST_BLOB_UNKNOWN with `details.missing` (digests, by commas). TAG_IMMUTABLE for a frozen tag that points elsewhere,
   * QUOTA_EXCEEDED. The repository comes to be with its first manifest or blob.
   */
  putManifest(manifest: NewManifest): Promise<void>
  /** By tag or digest. */
  manifest(
    repository: RepositoryName,
    reference: { readonly tag: TagName } | { readonly digest: Digest },
  ): Promise<StoredManifest | undefined>
  /** What `manifest` knows but the bytes: for HEAD. */
  manifestStat(
    repository: RepositoryName,
    reference: { readonly tag: TagName } | { readonly digest: Digest },
  ): Promise<ManifestStat | undefined>
  /** Removes a tag, the manifest stays. False when there was none, or one that points elsewhere than `expected`. */
  deleteTag(repository: RepositoryName, tag: TagName, expected?: Digest): Promise<boolean>
  /** Removes a manifest and its tags. False when there was none. Blobs go with garbage collection. */
  deleteManifest(repository: RepositoryName, digest: Digest): Promise<boolean>
  /** Removes all of a repository. False when there was none. */
  deleteRepository(repository: RepositoryName): Promise<boolean>

  hasRepository(repository: RepositoryName): Promise<boolean>
  /** What a repository holds; undefined when there is none. */
  repository(repository: RepositoryName): Promise<RepositoryRecord | undefined>
  /** Repositories in the order of their names, as code units, behind `after`; only those whose names begin with `prefix`. */
  repositories(page: NamePage & { readonly prefix?: string }): Promise<RepositoryName[]>
  /** Tags in the order of their names, as code units, behind `after`; those of one manifest when `digest` is given. */
  tags(repository: RepositoryName, page: NamePage & { readonly digest?: Digest }): Promise<TagRecord[]>
  /** Manifests whose subject is `subject`, present or not, in the order of their digests. */
  referrers(repository: RepositoryName, subject: Digest, page: ReferrerPage): Promise<Descriptor[]>

  /** Notes when something was last pulled. Not worth a wait: may be lost by a power cut. */
  notePulls(pulls: readonly Pull[]): Promise<void>
  /** Bytes of the blobs and manifests of a scope, each counted once. */
  usage(scope: Scope): Promise<number>
  /** What is stored altogether, and by namespace (the first part of names). */
  totals(): Promise<Totals>
}

export interface NamePage {
  /** Names behind this one, which need not exist. Absent: from the first. */
  readonly after?: string
  readonly limit: number
}

export interface ReferrerPage {
  readonly artifactType?: string
  readonly after?: Digest
  readonly limit: number
}

export interface NewManifest {
  readonly repository: RepositoryName
  readonly digest: Digest
  readonly mediaType: string
  /** Kept to the byte. */
  readonly bytes: Uint8Array
  /** Config and layers that must be here. */
  readonly blobs: readonly Digest[]
  /** Manifests of an index that must be here. */
  readonly manifests: readonly Digest[]
  /** Children may be absent. */
  readonly sparse: boolean
  /** The registry that it is a copy from: nothing of what it names needs to be here. */
  readonly upstream?: string
  readonly subject?: Digest
  /** Of referrers: what they are listed as. */
  readonly artifactType?: string
  readonly annotations: Readonly<Record<string, string>>
  readonly tags: readonly TagName[]
  /** Those of `tags` that may not move once they exist. */
  readonly frozen: readonly TagName[]
  readonly limit?: QuotaLimit
}

export interface ManifestStat {
  readonly digest: Digest
  readonly mediaType: string
  readonly size: number
}

export interface StoredManifest extends ManifestStat {
  readonly bytes: Uint8Array
}

export interface RepositoryRecord {
  readonly name: RepositoryName
  readonly tags: number
  readonly manifests: number
  /** Bytes of its blobs and manifests, each once. */
  readonly size: number
  readonly pushedAt: number
  readonly pulledAt?: number
}

export interface TagRecord {
  readonly name: TagName
  readonly target: ManifestStat
  readonly pushedAt: number
  readonly pulledAt?: number
}

export interface Pull {
  readonly repository: RepositoryName
  readonly tag?: TagName
  readonly at: number
}

export interface Totals {
  readonly bytes: number
  readonly blobs: number
  readonly namespaces: Readonly<Record<string, number>>
}

/**
 * Removes what no manifest needs while everything else goes on: uploads, mounts, pushes. Never removed is what a manifest
 * names, nor what was sent, mounted or asked for (`linkedBlob`) within the grace period. A manifest that names what goes at
 * the same moment is either stored with all its blobs or refused with MANIFEST_BLOB_UNKNOWN. Killed anywhere, the next round
 * does the rest.
 */
export interface Garbage {
  collect(policy: GarbagePolicy, signal: AbortSignal): AsyncIterable<Removed>
}

export interface GarbagePolicy {
  /** Unnamed blobs are kept this long after they were last sent, mounted or asked for. */
  readonly graceMs: number
  /** Manifests without tag, parent and subject are kept this long after their push. Absent: for good. */
  readonly untaggedMs?: number
  /** Tell, and remove nothing. */
  readonly dryRun: boolean
}

export interface Removed {
  readonly digest: Digest
  /** Bytes that this freed on the disk; 0 when others share the blob. */
  readonly freed: number
  /** Set for a manifest. */
  readonly repository?: RepositoryName
}

/** Small JSON documents, for what must be the same in all processes that serve a backend: users, policies, upstreams. */
export interface Documents {
  get(collection: Collection, key: string): Promise<Document | undefined>
  /**
   * Writes a document. `expected` is the version it must have; `absent`: there must be none; `any`: no matter. Otherwise
   * DOCUMENT_CHANGED (`aborted`): read it again. Returns the new version.
   */
  put(collection: Collection, key: string, value: unknown, expected: Expected): Promise<string>
  /** False when there was none; DOCUMENT_CHANGED as above. */
  delete(collection: Collection, key: string, expected: Expected): Promise<boolean>
  /** In the order of the keys, behind `after`. */
  list(
    collection: Collection,
    page: NamePage & { readonly prefix?: string },
  ): Promise<(Document & { readonly key: string })[]>
}

/** Lower-case letters and `-`. */
export type Collection = string
export type Expected = { readonly version: string } | 'absent' | 'any'

/** At most 1 MiB as JSON. Keys are any text of up to 512 characters. */
export interface Document {
  readonly value: unknown
  /** Opaque; different after each write. */
  readonly version: string
}

/** What a backend tells as it does it. On a disk it is told within the transaction, so an event is never without its cause. */
export interface Changes {
  manifestPushed(change: {
    readonly repository: RepositoryName
    readonly manifest: ManifestStat
    readonly tags: readonly TagName[]
    /** The registry that it was fetched from. Absent: a client pushed it. */
    readonly upstream?: string
  }): void
  tagDeleted(change: { readonly repository: RepositoryName; readonly tag: TagName; readonly digest: Digest }): void
  manifestDeleted(change: { readonly repository: RepositoryName; readonly digest: Digest }): void
  repositoryDeleted(change: { readonly repository: RepositoryName }): void
  blobPushed(change: { readonly repository: RepositoryName; readonly blob: BlobStat; readonly mounted: boolean }): void
}
