import { Authorizer } from './auth/authorizer.ts'
import { type RepositoryActions, repositoryScope } from './auth/scope.ts'
import type { TokenCache } from './auth/token-cache.ts'
import type { RegistryAuth } from './credentials/source.ts'
import { type Endpoint, endpointUrl } from './hosts/endpoint.ts'
import type { ExchangeOptions, HttpRequest, RequestBody } from './http/exchange.ts'
import { type Detour, exchangeFollowing } from './http/redirect.ts'
import type { HttpResponse } from './http/response.ts'
import { type RetryPolicy, withRetry } from './http/retry.ts'

/** What all sessions of a client share. */
export interface Wire extends ExchangeOptions {
  readonly tokens: TokenCache
  readonly retry: RetryPolicy
  readonly userAgent: string
  /** Bytes of a manifest that are read. */
  readonly maxManifestBytes: number
}

export interface RegistryRequest {
  readonly method: HttpRequest['method']
  /** Below /v2/NAME, such as "/tags/list"; or a URL that the registry has named. */
  readonly target: string | URL
  readonly query?: Readonly<Record<string, string>>
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: RequestBody
  /** What the token has to allow. Default: to pull. */
  readonly actions?: RepositoryActions
  /** Another repository that is read from as well. */
  readonly alsoPull?: string
  /** What the token has to allow instead, when it is not about the repository. */
  readonly scopes?: readonly string[]
  /** Whether it may be tried again when the connection or the server fails. */
  readonly isRepeatable: boolean
}

const TOKEN_TIMEOUT_MS = 60_000
const MAX_AUTH_ROUNDS = 2

/** One repository at one endpoint, as one user; with an empty name the endpoint as a whole. */
export class Session {
  readonly endpoint: Endpoint
  /** As the endpoint calls it. */
  readonly repository: string
  readonly wire: Wire
  readonly #authorizer: Authorizer
  readonly #home: Detour
  /** Where the endpoint was found to stand. */
  #reach: HttpResponse['reach'] | undefined

  constructor(
    wire: Wire,
    endpoint: Endpoint,
    repository: string,
    findAuth: (signal: AbortSignal) => Promise<RegistryAuth | undefined>,
  ) {
    this.wire = wire
    this.endpoint = endpoint
    this.repository = repository
    const home = { tls: endpoint.tls, sentFrom: undefined, ...endpoint.confinement }
    this.#home = { home, elsewhere: endpoint.tlsElsewhere }
    const ask = (request: HttpRequest, detour: Detour): Promise<HttpResponse> => this.#askTokenServer(request, detour)
    this.#authorizer = new Authorizer({ endpoint, tokens: wire.tokens, findAuth, ask })
  }

  /** The last answer, whatever its status. Throws what connectionFailure, trustedRealm and requestToken make. */
  async send(request: RegistryRequest, signal: AbortSignal): Promise<HttpResponse> {
    if (!request.isRepeatable) return await this.#authorized(request, signal)
    return await withRetry(this.wire.retry, () => this.#authorized(request, signal), signal)
  }

  /** Whether the endpoint wanted to know who we are. */
  get wasChallenged(): boolean {
    return this.#authorizer.wasChallenged
  }

  redact(text: string): string {
    return this.#authorizer.redact(text)
  }

  async #authorized(request: RegistryRequest, signal: AbortSignal): Promise<HttpResponse> {
    const url = this.#urlOf(request)
    // Another origin, where an upload may be, gets neither credentials nor the headers of this one.
    if (url.origin !== this.endpoint.origin) return await this.#elsewhere(request, url, signal)
    const scopes = this.#scopesOf(request)
    let sent = await this.#authorizer.known(scopes, signal)
    for (let round = 0; ; round++) {
      const headers = { ...this.#headersOf(request), ...(sent !== undefined && { authorization: sent }) }
      const response = await this.#exchange({ ...request, url, headers }, this.#home, signal)
      if (!isChallenge(response) || round === MAX_AUTH_ROUNDS) return response
      const better = await this.#authorizer.answer(response, scopes, { sent, isRepeated: round > 0 }, signal)
      if (better === undefined) return response
      response.discard()
      sent = better
    }
  }

  #elsewhere(request: RegistryRequest, url: URL, signal: AbortSignal): Promise<HttpResponse> {
    const headers = { 'user-agent': this.wire.userAgent, ...request.headers }
    const { tlsElsewhere: tls } = this.endpoint
    const home = { tls, sentFrom: this.#reach ?? 'public' }
    return this.#exchange({ ...request, url, headers }, { home, elsewhere: tls }, signal)
  }

  async #exchange(request: HttpRequest, detour: Detour, signal: AbortSignal): Promise<HttpResponse> {
    const response = await exchangeFollowing(request, detour, this.wire, signal)
    if (response.url.origin === this.endpoint.origin) this.#reach = response.reach
    return response
  }

  #urlOf({ target, query }: RegistryRequest): URL {
    if (typeof target !== 'string') return target
    return endpointUrl(this.endpoint, `/${this.repository}${target}`, query)
  }

  #scopesOf({ actions = 'pull', alsoPull, scopes }: RegistryRequest): readonly string[] {
    if (scopes) return scopes
    const own = repositoryScope(this.repository, actions)
    return alsoPull === undefined ? [own] : [own, repositoryScope(alsoPull, 'pull')]
  }

  #headersOf(request: RegistryRequest): Record<string, string> {
    const own = { 'user-agent': this.wire.userAgent, 'accept-encoding': 'identity' }
    return { ...own, ...lowerCase(this.endpoint.headers), ...request.headers }
  }

  async #askTokenServer(request: HttpRequest, detour: Detour): Promise<HttpResponse> {
    const signal = AbortSignal.timeout(TOKEN_TIMEOUT_MS)
    const headers = { 'user-agent': this.wire.userAgent, ...request.headers }
    return await withRetry(
      this.wire.retry,
      () => exchangeFollowing({ ...request, headers }, detour, this.wire, signal),
      signal,
    )
  }
}

/** RFC 6750 has 403 for a token that does not allow enough. */
function isChallenge(response: HttpResponse): boolean {
  if (response.status !== 403) return response.status === 401
  return /\binsufficient_scope\b/.test(response.header('www-authenticate') ?? '')
}

function lowerCase(headers: Readonly<Record<string, string>>): Record<string, string> {
  return Object.fromEntries(Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value]))
}
