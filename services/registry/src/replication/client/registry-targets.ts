import {
  anonymous,
  createRegistryClient,
  type RegistryClient,
  registriesConfig,
  registryHosts,
} from '@caisson/registry-client'
import { LRUCache } from 'lru-cache'
import type { Target, Targets } from '../ports.ts'
import type { Rule } from '../rule.ts'

const IDLE_MS = 30_000
/** Tries within one attempt: beyond that a task waits for its turn. */
const RETRY = { attempts: 2, firstDelayMs: 200, maxDelayMs: 2_000, maxRetryAfterMs: 5_000 }
const MOST_CLIENTS = 200

/**
 * Registries by the client of registries: credentials go to the host of the target and the token server it may name (see
 * there), redirects get none. A client for each target and user, so that tokens of one serve no other.
 */
export class RegistryTargets implements Targets, AsyncDisposable {
  readonly #clients = new LRUCache<string, RegistryClient>({
    max: MOST_CLIENTS,
    dispose: (client) => void client[Symbol.asyncDispose](),
  })

  open(rule: Rule, repository: string): Target {
    const { username, password, prefix } = rule
    const registry = registryOf(rule)
    const auth = username === '' ? {} : { username, password }
    return this.#clientOf(rule, registry).repository({ registry, repository: `${prefix}${repository}` }, auth)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#clients.clear()
  }

  #clientOf({ targetUrl, username }: Rule, registry: string): RegistryClient {
    const key = JSON.stringify([targetUrl, username])
    const known = this.#clients.get(key)
    if (known !== undefined) return known
    const plainHttp = targetUrl.startsWith('http:')
    const hosts = registryHosts(registriesConfig.parse({ [registry]: { plainHttp } }))
    const client = createRegistryClient({ hosts, credentials: anonymous, retry: RETRY, idleMs: IDLE_MS })
    this.#clients.set(key, client)
    return client
  }
}

/** Always with a port: a host without a dot would be taken for a part of a name at another registry. */
function registryOf({ targetUrl }: Rule): string {
  const { protocol, hostname, port } = new URL(targetUrl)
  return `${hostname}:${port === '' ? (protocol === 'http:' ? 80 : 443) : port}`
}
