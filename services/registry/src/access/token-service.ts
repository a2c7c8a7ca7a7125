import { invalid } from '@caisson/api'
import type { RepositoryName } from '../distribution/names.ts'
import type { Access, AccessTokens } from './access-tokens.ts'
import type { Identity } from './identity.ts'
import { type Credentials, type Logins, unauthorized } from './logins.ts'
import type { AnonymousPulls } from './ports.ts'
import type { Action } from './right.ts'
import type { Rights, RightsBook } from './rights.ts'
import { type AskedScopes, parseScopes } from './scope.ts'

/** What a client asks the token service for, by GET or by POST. */
export type TokenRequest = {
  readonly login:
    | { readonly kind: 'none' }
    | { readonly kind: 'password'; readonly credentials: Credentials }
    | { readonly kind: 'identity-token'; readonly token: string }
  /** Who the token is to be shown to. Empty: not said. */
  readonly service: string
  readonly scopes: readonly string[]
  /** Whether an identity token is wanted too. */
  readonly offline: boolean
  /** What the client calls itself. */
  readonly client: string
}

export type GivenToken = {
  readonly token: string
  readonly expiresIn: number
  /** Milliseconds since 1970. */
  readonly issuedAt: number
  readonly access: Access
  readonly identityToken: string | undefined
}

export type TokenServiceDeps = {
  readonly service: string
  readonly logins: Logins
  readonly rights: RightsBook
  readonly tokens: AccessTokens
  readonly anonymousPulls: AnonymousPulls
}

/** Gives out access tokens with as much of what is asked for as is allowed. */
export class TokenService {
  readonly #deps: TokenServiceDeps

  constructor(deps: TokenServiceDeps) {
    this.#deps = deps
  }

  /** Throws UNAUTHORIZED, TOOMANYREQUESTS, LIMIT (too many scopes), SERVICE_UNKNOWN. */
  async give(request: TokenRequest, address: string): Promise<GivenToken> {
    const { service, tokens, logins } = this.#deps
    if (request.service !== '' && request.service !== service)
      throw invalid(`tokens are given out here for the service ${service} alone`, { reason: 'SERVICE_UNKNOWN' })
    const asked = parseScopes(request.scopes)
    const identity = await this.#identify(request, address)
    const access = await this.#allowed(identity, asked)
    const { token, issuedAt } = await tokens.issue(identity, access)
    const isOffline = request.offline && request.login.kind === 'password' && identity !== undefined
    const identityToken = isOffline ? await logins.identityToken(identity, request.client) : undefined
    return { token, expiresIn: tokens.lifeSeconds, issuedAt, access, identityToken }
  }

  async #identify({ login }: TokenRequest, address: string): Promise<Identity | undefined> {
    if (login.kind === 'none') return undefined
    if (login.kind === 'password') return await this.#deps.logins.byPassword(address, login.credentials)
    return await this.#deps.logins.byIdentityToken(address, login.token)
  }

  async #allowed(identity: Identity | undefined, asked: AskedScopes): Promise<Access> {
    const rights = identity && (await this.#deps.rights.fresh(identity))
    if (identity !== undefined && rights === undefined) throw unauthorized('the user was locked out or removed')
    const repositories = new Map<string, ReadonlySet<Action>>()
    for (const [name, actions] of asked.repositories) {
      const allowed = await this.#allowedOn(rights, name)
      const given = new Set([...actions].filter((action) => allowed.has(action)))
      if (given.size > 0) repositories.set(name, given)
    }
    return { repositories, catalog: asked.catalog && identity !== undefined }
  }

  async #allowedOn(rights: Rights | undefined, name: RepositoryName): Promise<ReadonlySet<Action>> {
    const own = rights?.on(name) ?? new Set<Action>()
    if (own.has('pull') || !(await this.#deps.anonymousPulls.areAllowed(name))) return own
    return new Set<Action>([...own, 'pull'])
  }
}
