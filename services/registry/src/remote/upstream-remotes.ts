import { CaissonError } from '@caisson/api'
import type { Digest } from '@caisson/oci'
import {
  createRegistryClient,
  type RegistryClient,
  type Repository,
  type Resolver,
  staticCredentials,
} from '@caisson/registry-client'
import { LRUCache } from 'lru-cache'
import type { RemoteBlob, RemoteBytes, RemoteManifest, RemoteRepository, Remotes } from '../upstream/ports.ts'
import type { Upstream } from '../upstream/upstream.ts'
import { remoteFailure } from './failure.ts'
import { upstreamEndpoint } from './upstream-endpoint.ts'

export interface RemotesOptions {
  /** Milliseconds that an upstream may be silent while it is waited for. */
  readonly idleMs: number
  /** Default: the system's. */
  readonly resolver?: Resolver
}

/** An upstream that wants more patience is taken for away. */
const RETRY = { attempts: 2, firstDelayMs: 200, maxDelayMs: 1_000, maxRetryAfterMs: 1_000 }
const MOST_REPOSITORIES = 1_000

interface Connected {
  readonly settings: string
  readonly client: RegistryClient
  /** How each of its repositories wants to be asked is remembered. */
  readonly repositories: LRUCache<string, RemoteRepository>
}

/** Upstreams by the client of registries, one for each. */
export class UpstreamRemotes implements Remotes {
  readonly #options: RemotesOptions
  readonly #connected = new Map<string, Connected>()

  constructor(options: RemotesOptions) {
    this.#options = options
  }

  repository(upstream: Upstream, name: string): RemoteRepository {
    const { client, repositories } = this.#connect(upstream)
    const known = repositories.get(name)
    if (known !== undefined) return known
    const { hostname, port, protocol } = new URL(upstream.url)
    // With a port it is a registry's name, whatever it is.
    const registry = `${hostname}:${port || (protocol === 'https:' ? 443 : 80)}`
    const repository = new Translated(client.repository({ registry, repository: name }), upstream.name)
    repositories.set(name, repository)
    return repository
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all([...this.#connected.values()].map(({ client }) => client[Symbol.asyncDispose]()))
    this.#connected.clear()
  }

  #connect(upstream: Upstream): Connected {
    const settings = JSON.stringify(upstream)
    const known = this.#connected.get(upstream.name)
    if (known?.settings === settings) return known
    // Requests that are under way keep their connections; those that are free close by themselves.
    const endpoints = [upstreamEndpoint(upstream)]
    const credentials = staticCredentials(upstream.credentials ? { [upstream.name]: upstream.credentials } : {})
    const { idleMs, resolver } = this.#options
    const client = createRegistryClient({
      ...{ hosts: { endpoints: () => endpoints }, credentials, retry: RETRY, idleMs },
      ...(resolver && { resolver }),
    })
    const connected = {
      settings,
      client,
      repositories: new LRUCache<string, RemoteRepository>({ max: MOST_REPOSITORIES }),
    }
    this.#connected.set(upstream.name, connected)
    return connected
  }
}

/** A repository whose failures are those of the port. */
class Translated implements RemoteRepository {
  readonly #repository: Repository
  readonly #upstream: string

  constructor(repository: Repository, upstream: string) {
    this.#repository = repository
    this.#upstream = upstream
  }

  async resolve(reference: string, signal: AbortSignal): Promise<Digest | undefined> {
    return (await this.#found(() => this.#repository.resolve(reference, signal)))?.digest
  }

  async manifest(reference: string, signal: AbortSignal): Promise<RemoteManifest | undefined> {
    return await this.#found(() => this.#repository.manifest(reference, signal))
  }

  async referrers(subject: Digest, signal: AbortSignal): Promise<readonly Digest[]> {
    const found = await this.#found(() => this.#repository.referrers(subject, undefined, signal))
    return (found ?? []).map(({ digest }) => digest)
  }

  async statBlob(digest: Digest, signal: AbortSignal): Promise<{ readonly size: number | undefined } | undefined> {
    return await this.#found(() => this.#repository.statBlob(digest, signal))
  }

  async blob(blob: RemoteBlob, offset: number, signal: AbortSignal): Promise<RemoteBytes | undefined> {
    const found = await this.#found(() => this.#repository.blob(blob, offset, signal))
    return found && { ...found, chunks: this.#translated(found.chunks) }
  }

  async #found<T>(ask: () => Promise<T>): Promise<T | undefined> {
    try {
      return await ask()
    } catch (thrown) {
      if (thrown instanceof CaissonError && thrown.code === 'not-found') return undefined
      throw remoteFailure(thrown, this.#upstream)
    }
  }

  async *#translated(chunks: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
    try {
      yield* chunks
    } catch (thrown) {
      throw remoteFailure(thrown, this.#upstream)
    }
  }
}
