import type { Digest } from '@caisson/oci'
import type { Records } from '../backend/ports.ts'
import type { RepositoryName } from '../distribution/names.ts'
import type { RepositoryUploads } from '../distribution/uploads.ts'
import type { Downloads, SharedDownload } from './downloads.ts'
import type { Remotes } from './ports.ts'
import { remoteName, type Upstream } from './upstream.ts'
import type { Upstreams } from './upstreams.ts'

export interface MirroredBlobsDeps {
  readonly remotes: Remotes
  readonly records: Pick<Records, 'linkedBlob' | 'repositoriesOf'>
  readonly uploads: RepositoryUploads
  readonly downloads: Downloads
  readonly upstreams: Upstreams
}

/** Repositories that are looked at for a blob that is here already. */
const MOST_SOURCES = 100

/** Blobs of upstreams: those that are not held are fetched, and read while they arrive. */
export class MirroredBlobs {
  readonly #deps: MirroredBlobsDeps

  constructor(deps: MirroredBlobsDeps) {
    this.#deps = deps
  }

  /** The download of a blob, shared with all who want it. Undefined: it is held. Throws BLOB_UNKNOWN, and what Remotes throw. */
  async download(
    upstream: Upstream,
    repository: RepositoryName,
    digest: Digest,
    signal: AbortSignal,
  ): Promise<SharedDownload | undefined> {
    if ((await this.#deps.records.linkedBlob(repository, digest)) !== undefined) return undefined
    if (await this.#takeOver(upstream, repository, digest, signal)) return undefined
    return await this.#deps.downloads.join(upstream, { repository, digest }, signal)
  }

  /** What the upstream says of a blob that is not held. Undefined: it is held, or is nowhere. */
  async stat(
    upstream: Upstream,
    repository: RepositoryName,
    digest: Digest,
    signal: AbortSignal,
  ): Promise<{ readonly size: number | undefined } | undefined> {
    if ((await this.#deps.records.linkedBlob(repository, digest)) !== undefined) return undefined
    return await this.#remote(upstream, repository).statBlob(digest, signal)
  }

  /**
   * Links what another repository of the same upstream has here, when the upstream says that this one has it too. What came from
   * anywhere else is fetched: an upstream must not get at it by saying that it has it.
   */
  async #takeOver(
    upstream: Upstream,
    repository: RepositoryName,
    digest: Digest,
    signal: AbortSignal,
  ): Promise<boolean> {
    const sources = await this.#deps.records.repositoriesOf(digest, MOST_SOURCES)
    const owners = await Promise.all(sources.map((source) => this.#deps.upstreams.of(source)))
    const source = sources.find((_, index) => owners[index]?.url === upstream.url)
    if (source === undefined) return false
    if ((await this.#remote(upstream, repository).statBlob(digest, signal)) === undefined) return false
    return (await this.#deps.uploads.mount(repository, digest, source, async () => true)) !== undefined
  }

  #remote(upstream: Upstream, repository: RepositoryName) {
    return this.#deps.remotes.repository(upstream, remoteName(upstream, repository))
  }
}
