import type { RegistryAuth } from '../credentials/source.ts'
import { parseChallenges } from '../headers/challenge.ts'
import type { Endpoint } from '../hosts/endpoint.ts'
import type { HttpRequest } from '../http/exchange.ts'
import type { Detour } from '../http/redirect.ts'
import type { HttpResponse } from '../http/response.ts'
import { trustedRealm } from './realm.ts'
import { mergeScopes, parseScopes } from './scope.ts'
import { basicAuthorization, requestToken, type TokenQuestion } from './token.ts'
import type { TokenCache } from './token-cache.ts'

export interface AuthorizerDeps {
  readonly endpoint: Endpoint
  readonly tokens: TokenCache
  /** Looked up when it is first needed. */
  findAuth(signal: AbortSignal): Promise<RegistryAuth | undefined>
  /** One request to a token server, with retries. */
  ask(request: HttpRequest, detour: Detour): Promise<HttpResponse>
}

/** How the registry wants to be asked, once it has said so. */
type Manner =
  | { readonly kind: 'basic'; readonly authorization: string }
  | { readonly kind: 'bearer'; readonly realm: URL; readonly service: string | undefined; readonly detour: Detour }

const FIND_TIMEOUT_MS = 30_000

/** Finds the Authorization header for one endpoint and one user of it. */
export class Authorizer {
  readonly #deps: AuthorizerDeps
  readonly #secrets = new Set<string>()
  #auth: Promise<RegistryAuth | undefined> | undefined
  #manner: Manner | undefined
  /** Scopes that the registry has asked for on top. */
  #learnt: string[] = []

  constructor(deps: AuthorizerDeps) {
    this.#deps = deps
  }

  /** Whether the registry has asked who we are. */
  get wasChallenged(): boolean {
    return this.#manner !== undefined
  }

  /** What may be sent before the registry has asked for anything. */
  async known(scopes: readonly string[], signal: AbortSignal): Promise<string | undefined> {
    if (this.#manner?.kind === 'basic') return this.#manner.authorization
    if (this.#manner?.kind === 'bearer') return await this.#bearer(this.#manner, scopes, signal)
    const auth = await this.#find(signal)
    return auth?.registryToken === undefined ? undefined : `Bearer ${auth.registryToken}`
  }

  /**
   * What to send after an answer 401 to `sent`. Undefined: there is nothing better. `isRepeated`: it was asked before in
   * the same matter, so that only another scope can help.
   */
  async answer(
    response: HttpResponse,
    scopes: readonly string[],
    { sent, isRepeated }: { sent: string | undefined; isRepeated: boolean },
    signal: AbortSignal,
  ): Promise<string | undefined> {
    const auth = await this.#find(signal)
    if (auth?.registryToken !== undefined) return undefined
    const challenges = parseChallenges(response.header('www-authenticate') ?? '')
    const bearer = challenges.find(({ scheme, parameters }) => scheme === 'bearer' && parameters.has('realm'))
    if (!bearer) {
      const isBasic = challenges.some(({ scheme }) => scheme === 'basic')
      const authorization = isBasic && auth ? basicAuthorization(auth) : undefined
      if (authorization === undefined || authorization === sent) return undefined
      this.#manner = { kind: 'basic', authorization }
      return authorization
    }
    const isNews = this.#learn(parseScopes(bearer.parameters.get('scope')), scopes)
    if (isRepeated && !isNews) return undefined
    const realm = trustedRealm(bearer.parameters.get('realm') ?? '', this.#deps.endpoint, auth !== undefined)
    const service = bearer.parameters.get('service')
    const manner = { kind: 'bearer', realm, service, detour: this.#detour(realm, response) } as const
    this.#manner = manner
    if (sent !== undefined) this.#deps.tokens.forget(this.#question(manner, scopes, auth))
    return await this.#bearer(manner, scopes, signal)
  }

  /** Takes secrets out of text that a server wrote. */
  redact(text: string): string {
    return [...this.#secrets].reduce((clean, secret) => clean.replaceAll(secret, '***'), text)
  }

  async #bearer(manner: Manner & { kind: 'bearer' }, scopes: readonly string[], signal: AbortSignal): Promise<string> {
    const question = this.#question(manner, scopes, await this.#find(signal))
    const token = this.#deps.tokens.get(question, () =>
      requestToken(question, (request) => this.#deps.ask(request, manner.detour)),
    )
    const { value } = await unlessAborted(token, signal)
    this.#keepSecret(value)
    return `Bearer ${value}`
  }

  #question(
    manner: Manner & { kind: 'bearer' },
    scopes: readonly string[],
    auth: RegistryAuth | undefined,
  ): TokenQuestion {
    return { realm: manner.realm, service: manner.service, scopes: mergeScopes(scopes, this.#learnt), auth }
  }

  #learn(told: readonly string[], scopes: readonly string[]): boolean {
    const before = mergeScopes(scopes, this.#learnt)
    const after = mergeScopes(before, told)
    if (after.join(' ') === before.join(' ')) return false
    this.#learnt = mergeScopes(this.#learnt, told).slice(0, 64)
    return true
  }

  /** The registry's own server and configured ones are reached anyhow; others as far as the registry may send us. */
  #detour(realm: URL, response: HttpResponse): Detour {
    const { endpoint } = this.#deps
    const elsewhere = endpoint.tlsElsewhere
    const isHome = realm.origin === endpoint.origin
    const isConfigured = endpoint.tokenHosts.some((host) => host.toLowerCase() === realm.host)
    const tls = isHome ? endpoint.tls : elsewhere
    if (!isHome && !isConfigured) return { home: { tls, sentFrom: response.reach }, elsewhere }
    return { home: { tls, sentFrom: undefined, ...endpoint.confinement }, elsewhere }
  }

  async #find(signal: AbortSignal): Promise<RegistryAuth | undefined> {
    this.#auth ??= this.#lookUp()
    return await unlessAborted(this.#auth, signal)
  }

  async #lookUp(): Promise<RegistryAuth | undefined> {
    try {
      const auth = await this.#deps.findAuth(AbortSignal.timeout(FIND_TIMEOUT_MS))
      for (const secret of [auth?.password, auth?.identityToken, auth?.registryToken]) this.#keepSecret(secret)
      this.#keepSecret(auth && basicAuthorization(auth)?.slice('Basic '.length))
      return auth
    } catch (error) {
      this.#auth = undefined
      throw error
    }
  }

  #keepSecret(secret: string | undefined): void {
    if (secret !== undefined && secret.length >= 3) this.#secrets.add(secret)
  }
}

/** Credentials and tokens are asked for on behalf of all who wait for them; each of these may leave. */
async function unlessAborted<T>(wanted: Promise<T>, signal: AbortSignal): Promise<T> {
  const aborted = Promise.withResolvers<never>()
  const onAbort = (): void => aborted.reject(signal.reason)
  signal.addEventListener('abort', onAbort, { once: true })
  try {
    signal.throwIfAborted()
    return await Promise.race([wanted, aborted.promise])
  } finally {
    signal.removeEventListener('abort', onAbort)
    wanted.catch(() => {})
  }
}
