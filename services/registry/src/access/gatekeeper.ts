import { createHmac, randomBytes } from 'node:crypto'
import type { Logger } from '@caisson/service-kit'
import { LRUCache } from 'lru-cache'
import type { RepositoryName } from '../distribution/names.ts'
import type { Caller, Gatekeeper, Principal, Wanted } from '../http/ports.ts'
import { TOKEN_PATH, tokenEndpoint } from '../http/token.ts'
import type { Access, AccessTokens } from './access-tokens.ts'
import { parseAuthorization } from './authorization.ts'
import { bearerChallenge } from './challenge.ts'
import type { Identity } from './identity.ts'
import { type Credentials, type Logins, unauthorized } from './logins.ts'
import type { Action } from './right.ts'
import type { Rights, RightsBook } from './rights.ts'
import type { TokenService } from './token-service.ts'

/** How long a login by Basic is not checked again, with its costly hash. The rights are, each time. */
const BASIC_MS = 60_000
const MAX_BASIC = 10_000

export type GatekeeperDeps = {
  readonly service: string
  readonly tokenService: TokenService
  readonly accessTokens: AccessTokens
  readonly logins: Logins
  readonly rights: RightsBook
  readonly log: Logger
}

/** Somebody with rights, as far as the token reaches. */
class Guest implements Principal {
  readonly name: string
  readonly #rights: Rights
  readonly #access: Access | undefined

  /** Without `access` (Basic) all rights count. */
  constructor(name: string, rights: Rights, access: Access | undefined) {
    this.name = name
    this.#rights = rights
    this.#access = access
  }

  may(repository: RepositoryName, action: Action): boolean {
    return this.#reaches(repository, action) && this.#rights.on(repository).has(action)
  }

  /** A token for the catalog is good to see with, which is to say to pull, whatever its holder may. */
  #reaches(repository: RepositoryName, action: Action): boolean {
    if (this.#access === undefined || (this.#access.catalog && action === 'pull')) return true
    return this.#access.repositories.get(repository)?.has(action) ?? false
  }
}

/** Came without credentials, or with a token that was given out without: may what a policy lets everybody do. */
class Stranger implements Principal {
  readonly name = ''
  readonly hasToken: boolean

  constructor(hasToken: boolean) {
    this.hasToken = hasToken
  }
}

/** Lets clients in by tokens of the token service, and by Basic. */
export class TokenGatekeeper implements Gatekeeper {
  readonly #deps: GatekeeperDeps
  readonly #basicKey = randomBytes(32)
  readonly #basic = new LRUCache<string, Promise<Identity>>({ max: MAX_BASIC, ttl: BASIC_MS })

  constructor(deps: GatekeeperDeps) {
    this.#deps = deps
  }

  async admit(caller: Caller): Promise<Principal> {
    const authorization = parseAuthorization(caller.authorization)
    if (authorization.scheme === 'none') return new Stranger(false)
    if (authorization.scheme === 'basic') {
      const identity = await this.#byBasic(caller.address, authorization.credentials)
      return await this.#guest(identity, undefined)
    }
    const verified = await this.#deps.accessTokens.verify(authorization.token)
    if (verified === undefined) throw unauthorized('the token is over, or was not given out here')
    const { identity, access } = verified
    return identity === undefined ? new Stranger(true) : await this.#guest(identity, access)
  }

  async may(principal: Principal, repository: RepositoryName, action: Action): Promise<boolean> {
    return principal instanceof Guest && principal.may(repository, action)
  }

  isKnown(principal: Principal): boolean {
    return principal instanceof Guest || (principal instanceof Stranger && principal.hasToken)
  }

  challenge(caller: Caller, wanted: readonly Wanted[], insufficient: boolean): string | undefined {
    const scheme = (caller.authorization ?? '').split(' ', 1)[0]?.toLowerCase()
    // All that a user may is asked for with Basic: a token could not do more.
    if (insufficient && scheme === 'basic') return undefined
    const isBearer = scheme === 'bearer'
    return bearerChallenge({
      realm: `${caller.origin}${TOKEN_PATH}`,
      service: this.#deps.service,
      wanted,
      error: isBearer ? (insufficient ? 'insufficient_scope' : 'invalid_token') : undefined,
    })
  }

  register(app: Parameters<Gatekeeper['register']>[0]): void {
    tokenEndpoint(app, this.#deps.tokenService, this.#deps.log)
  }

  async #guest(identity: Identity, access: Access | undefined): Promise<Guest> {
    const rights = await this.#deps.rights.of(identity)
    if (rights === undefined) throw unauthorized('the user or the token was locked out or removed')
    return new Guest(identity.subject, rights, access)
  }

  /** Passwords are no keys of a cache: what is kept is of no use elsewhere. */
  async #byBasic(address: string, credentials: Credentials): Promise<Identity> {
    const key = createHmac('sha256', this.#basicKey).update(JSON.stringify(credentials)).digest('base64')
    const known = this.#basic.get(key)
    if (known !== undefined) return await known
    const login = this.#deps.logins.byPassword(address, credentials)
    this.#basic.set(key, login)
    login.catch(() => this.#basic.delete(key))
    return await login
  }
}
