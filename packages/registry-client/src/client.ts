import { invalid } from '@caisson/api'
import { parseReference } from '@caisson/oci'
import { TokenCache } from './auth/token-cache.ts'
import type { CredentialSource, RegistryAuth } from './credentials/source.ts'
import type { Endpoint } from './hosts/endpoint.ts'
import type { RegistryHosts } from './hosts/registry-hosts.ts'
import { Agents, type Resolver } from './http/agents.ts'
import { DEFAULT_RETRY, type RetryPolicy } from './http/retry.ts'
import { type Registry, RemoteRegistry } from './remote-registry.ts'
import { RemoteRepository } from './remote-repository.ts'
import type { Repository } from './repository.ts'
import { Session, type Wire } from './session.ts'

export interface RegistryClientOptions {
  readonly hosts: RegistryHosts
  readonly credentials: CredentialSource
  /** Default: caisson. */
  readonly userAgent?: string
  /** Default: 5 attempts, a quarter of a second apart at first. */
  readonly retry?: Partial<RetryPolicy>
  /** Milliseconds that a server may be silent while it is waited for. Default: 60 s. */
  readonly idleMs?: number
  /** Default: 4 MiB. */
  readonly maxManifestBytes?: number
  /** Default: the system's. */
  readonly resolver?: Resolver
}

/** A client of any registry that speaks the OCI distribution API. Keeps connections and access tokens, nothing else. */
export interface RegistryClient extends AsyncDisposable {
  /**
   * One repository; `auth` overrides the configured credentials for this use, at the registry itself and not at its
   * mirrors. Throws REFERENCE_INVALID.
   */
  repository(name: { registry: string; repository: string }, auth?: RegistryAuth): Repository
  /** A registry as a whole; `auth` as above. Throws REFERENCE_INVALID. */
  registry(name: string, auth?: RegistryAuth): Registry
}

const DEFAULT_IDLE_MS = 60_000
const DEFAULT_MANIFEST_BYTES = 4 << 20
/** A mirror is not waited for long: the next one is asked. */
const MIRROR_ATTEMPTS = 2

export function createRegistryClient(options: RegistryClientOptions): RegistryClient {
  const agents = new Agents(options.resolver)
  const retry = { ...DEFAULT_RETRY, ...options.retry }
  const wire: Wire = {
    agents,
    retry,
    tokens: new TokenCache(),
    idleMs: options.idleMs ?? DEFAULT_IDLE_MS,
    userAgent: options.userAgent ?? 'caisson',
    maxManifestBytes: options.maxManifestBytes ?? DEFAULT_MANIFEST_BYTES,
  }
  const mirrorWire: Wire = { ...wire, retry: { ...retry, attempts: Math.min(retry.attempts, MIRROR_ATTEMPTS) } }
  return {
    repository(name, auth) {
      const { registry, repository } = checkedName(name)
      const endpoints = options.hosts.endpoints(registry)
      const sessions = endpoints.map((endpoint) => openSession(endpoint, repository, auth))
      const own = sessions.pop()
      if (!own) throw new Error(`no endpoint for ${registry}`)
      return new RemoteRepository(sessions, own)
    },
    registry(name, auth) {
      const { registry } = checkedName({ registry: name, repository: 'any' })
      return new RemoteRegistry(openSession(ownEndpoint(options.hosts, registry), '', auth))
    },
    async [Symbol.asyncDispose]() {
      agents[Symbol.dispose]()
    },
  }

  function openSession(endpoint: Endpoint, repository: string, auth: RegistryAuth | undefined): Session {
    const name = endpoint.repositoryPrefix + repository
    // Mirrors have credentials of their own: those of the registry are none of their business.
    const owner = endpoint.isMirror ? endpoint.host : endpoint.registry
    const override = endpoint.isMirror ? undefined : auth
    const find = async (signal: AbortSignal): Promise<RegistryAuth | undefined> =>
      override ?? (await options.credentials.find(owner, name, signal))
    return new Session(endpoint.isMirror ? mirrorWire : wire, endpoint, name, find)
  }
}

/** The registry itself comes behind its mirrors. */
function ownEndpoint(hosts: RegistryHosts, registry: string): Endpoint {
  const own = hosts.endpoints(registry).at(-1)
  if (!own) throw new Error(`no endpoint for ${registry}`)
  return own
}

function checkedName(name: { registry: string; repository: string }): { registry: string; repository: string } {
  const { registry, repository, tag, digest } = parseReference(`${name.registry}/${name.repository}`)
  if (tag === undefined && digest === undefined) return { registry, repository }
  throw invalid(`${name.repository} is not the name of a repository alone`, { reason: 'REFERENCE_INVALID' })
}
