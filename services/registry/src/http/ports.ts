import type { Readable } from 'node:stream'
import type { Digest } from '@caisson/oci'
import type { FastifyInstance } from 'fastify'
import type { Reference, RepositoryName } from '../distribution/names.ts'

/** What a client may do with a repository. */
export type Action = 'pull' | 'push' | 'delete'

/** Who asks. */
export interface Principal {
  /** For logs and events. Empty: nobody in particular. */
  readonly name: string
}

/** A request, as far as it says who makes it. */
export interface Caller {
  readonly authorization: string | undefined
  /** Where the connection comes from, or the proxy that is trusted says. */
  readonly address: string
  /** What the client calls us: "https://registry.example:5000". */
  readonly origin: string
}

/** Rights that are asked for: challenges name them. */
export interface Wanted {
  readonly repository: RepositoryName
  readonly actions: readonly Action[]
}

/** Lets clients in. */
export interface Gatekeeper {
  /** Who makes a request. Throws `unauthenticated` UNAUTHORIZED for credentials that are wrong, TOOMANYREQUESTS. */
  admit(caller: Caller): Promise<Principal>
  /** Asked at each request. A policy's anonymous pull is added by the asker. */
  may(principal: Principal, repository: RepositoryName, action: Action): Promise<boolean>
  /** Whether /v2/ answers 200: clients take that for "no credentials are needed", or for "they are right". */
  isKnown(principal: Principal): boolean
  /**
   * Value of WWW-Authenticate. `wanted` is what was asked for; `insufficient`: valid credentials that do not reach.
   * Undefined: there is no way in by credentials, and the answer is 403.
   */
  challenge(caller: Caller, wanted: readonly Wanted[], insufficient: boolean): string | undefined
  /** Adds what clients get their tokens from. */
  register(app: FastifyInstance): void
}

/** Brings what is asked for from other registries. Absent: there are no others. Who asks has the right to pull already. */
export interface PullThrough {
  /** The repository that stands for `repository` of the source `ns` here; undefined when the source is not known. */
  repositoryFor(ns: string, repository: RepositoryName): Promise<RepositoryName | undefined>
  /** Name of the source that a repository is a copy from. Undefined: it is an ordinary one. */
  sourceOf(repository: RepositoryName): Promise<string | undefined>
  /**
   * Called before a manifest is looked up: fetches it when it is missing or has to be checked again. `stale`: the source does
   * not answer, and what is held may be old. Throws UPSTREAM_UNAVAILABLE when nothing is held, UPSTREAM_DENIED, POLICY,
   * UPSTREAM_LIES.
   */
  freshen(repository: RepositoryName, wanted: Reference, signal: AbortSignal): Promise<'fresh' | 'stale'>
  /** The same for what refers to a manifest, before it is listed. */
  freshenReferrers(repository: RepositoryName, subject: Digest, signal: AbortSignal): Promise<'fresh' | 'stale'>
  /**
   * A blob that is not here yet, as it comes in. Undefined: it is here, or the repository is an ordinary one. Throws as above,
   * BLOB_UNKNOWN, QUOTA_EXCEEDED, UPSTREAM_BUSY.
   */
  blob(repository: RepositoryName, digest: Digest, signal: AbortSignal): Promise<IncomingBlob | undefined>
  /** As `blob`, and fetches nothing. Undefined also when the source has none. */
  blobStat(
    repository: RepositoryName,
    digest: Digest,
    signal: AbortSignal,
  ): Promise<{ readonly size: number | undefined } | undefined>
}

/** A blob under way. Disposed when it is not read any more. */
export interface IncomingBlob extends Disposable {
  /** Bytes; undefined when the source does not say. */
  readonly size: number | undefined
  /**
   * Bytes from `first` up to `end`, which is not included (undefined: all). The last of them comes when the whole blob is known
   * to be right; the stream fails otherwise.
   */
  read(first: number, end: number | undefined, signal: AbortSignal): Readable
}

/** Sends bytes of a file to a socket, without them passing through this process. */
export interface FileSender {
  /**
   * Sends `length` bytes from `offset` of `file` to the socket `socket`, both descriptors. The socket may be closed
   * meanwhile; then it throws. Throws also when the client takes nothing for `idleMs`.
   */
  send(socket: number, file: number, offset: number, length: number, idleMs: number): Promise<void>
}
