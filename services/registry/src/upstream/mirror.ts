import type { Digest } from '@caisson/oci'
import type { Logger } from '@caisson/service-kit'
import type { Backend } from '../backend/ports.ts'
import type { RepositoryManifests } from '../distribution/manifests.ts'
import type { Reference, RepositoryName } from '../distribution/names.ts'
import type { Quota } from '../distribution/quota.ts'
import type { RepositoryUploads } from '../distribution/uploads.ts'
import type { IncomingBlob, PullThrough } from '../http/ports.ts'
import type { Policies } from '../policy/policies.ts'
import type { UpstreamsConfig } from './config.ts'
import { Downloads } from './downloads.ts'
import { MirroredBlobs } from './mirrored-blobs.ts'
import { type Freshness, MirroredManifests } from './mirrored-manifests.ts'
import type { Remotes } from './ports.ts'
import type { Spool } from './spool.ts'
import type { Upstreams } from './upstreams.ts'

export interface MirrorDeps {
  readonly upstreams: Upstreams
  readonly remotes: Remotes
  readonly spool: Spool
  readonly backend: Pick<Backend, 'records'>
  readonly manifests: RepositoryManifests
  readonly uploads: RepositoryUploads
  readonly policies: Policies
  readonly quota: Quota
  readonly clock: () => number
  readonly log: Logger
  readonly config: UpstreamsConfig
}

/** Repositories of other registries, held here as they are asked for. Disposing ends what is under way. */
export class Mirror implements PullThrough, AsyncDisposable {
  readonly #upstreams: Upstreams
  readonly #downloads: Downloads
  readonly #manifests: MirroredManifests
  readonly #blobs: MirroredBlobs

  constructor(deps: MirrorDeps) {
    const { backend, config, upstreams } = deps
    const { maxBlobBytes: mostBytes, downloadMinutes, lingerSeconds } = config
    const times = { timeoutMs: downloadMinutes * 60_000, lingerMs: lingerSeconds * 1_000 }
    this.#upstreams = upstreams
    this.#downloads = new Downloads({ ...deps, ...times, mostBytes })
    this.#manifests = new MirroredManifests({ ...deps, records: backend.records })
    this.#blobs = new MirroredBlobs({ ...deps, records: backend.records, downloads: this.#downloads })
  }

  repositoryFor(ns: string, repository: RepositoryName): Promise<RepositoryName | undefined> {
    return this.#upstreams.repositoryFor(ns, repository)
  }

  async sourceOf(repository: RepositoryName): Promise<string | undefined> {
    return (await this.#upstreams.of(repository))?.name
  }

  async freshen(repository: RepositoryName, wanted: Reference, signal: AbortSignal): Promise<Freshness> {
    const upstream = await this.#upstreams.of(repository)
    return upstream === undefined ? 'fresh' : await this.#manifests.freshen(upstream, repository, wanted, signal)
  }

  async freshenReferrers(repository: RepositoryName, subject: Digest, signal: AbortSignal): Promise<Freshness> {
    const upstream = await this.#upstreams.of(repository)
    return upstream === undefined
      ? 'fresh'
      : await this.#manifests.freshenReferrers(upstream, repository, subject, signal)
  }

  async blob(repository: RepositoryName, digest: Digest, signal: AbortSignal): Promise<IncomingBlob | undefined> {
    const upstream = await this.#upstreams.of(repository)
    return upstream && (await this.#blobs.download(upstream, repository, digest, signal))
  }

  async blobStat(
    repository: RepositoryName,
    digest: Digest,
    signal: AbortSignal,
  ): Promise<{ readonly size: number | undefined } | undefined> {
    const upstream = await this.#upstreams.of(repository)
    return upstream && (await this.#blobs.stat(upstream, repository, digest, signal))
  }

  /** Removes what downloads left behind that nobody went on with since `before`. */
  expire(before: number): Promise<void> {
    return this.#downloads.expire(before)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all([this.#downloads[Symbol.asyncDispose](), this.#manifests[Symbol.asyncDispose]()])
  }
}
