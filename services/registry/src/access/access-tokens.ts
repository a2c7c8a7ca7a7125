import { randomUUID } from 'node:crypto'
import { errors, jwtVerify, SignJWT } from 'jose'
import { LRUCache } from 'lru-cache'
import { type AccessClaims, accessClaims } from '../store/access-documents.ts'
import type { Identity } from './identity.ts'
import type { Action } from './right.ts'
import { ALGORITHM, type SigningKeys } from './signing-keys.ts'

/** What an access token lets do. */
export type Access = {
  readonly repositories: ReadonlyMap<string, ReadonlySet<Action>>
  readonly catalog: boolean
}

/** A token that was checked. `identity` is absent for nobody in particular. */
export type VerifiedToken = { readonly identity: Identity | undefined; readonly access: Access }

type Known = VerifiedToken & { readonly expiresAt: number }

const CACHE_ENTRIES = 10_000
const CACHE_CHARACTERS = 16 << 20
const MAX_TOKEN = 64 << 10

/** Access tokens: JWTs in the form of the distribution project, signed by a key that the pool shares. */
export class AccessTokens {
  readonly #keys: SigningKeys
  readonly #issuer: string
  readonly #clock: () => number
  readonly lifeSeconds: number
  readonly #verified = new LRUCache<string, Known>({
    max: CACHE_ENTRIES,
    maxSize: CACHE_CHARACTERS,
    sizeCalculation: (_, token) => token.length,
  })

  constructor(deps: { keys: SigningKeys; service: string; lifeSeconds: number; clock: () => number }) {
    this.#keys = deps.keys
    this.#issuer = deps.service
    this.#clock = deps.clock
    this.lifeSeconds = deps.lifeSeconds
  }

  async issue(identity: Identity | undefined, access: Access): Promise<{ token: string; issuedAt: number }> {
    const key = await this.#keys.current()
    const seconds = Math.floor(this.#clock() / 1_000)
    const { user, uid, epoch } = identity ?? {}
    const token = await new SignJWT({ access: listOf(access), user, uid, epoch })
      .setProtectedHeader({ alg: ALGORITHM, typ: 'JWT', kid: key.id })
      .setIssuer(this.#issuer)
      .setAudience(this.#issuer)
      .setSubject(identity?.subject ?? '')
      .setJti(randomUUID())
      .setIssuedAt(seconds)
      .setExpirationTime(seconds + this.lifeSeconds)
      .sign(key.secret)
    return { token, issuedAt: seconds * 1_000 }
  }

  /** Undefined for what is forged, over, or of somebody else. A signature is checked once and then remembered. */
  async verify(token: string): Promise<VerifiedToken | undefined> {
    if (token.length > MAX_TOKEN) return undefined
    const known = this.#verified.get(token) ?? (await this.#check(token))
    return known !== undefined && known.expiresAt > this.#clock() ? known : undefined
  }

  async #check(token: string): Promise<Known | undefined> {
    try {
      const { payload } = await jwtVerify(token, ({ kid }) => this.#keyOf(kid), {
        algorithms: [ALGORITHM],
        issuer: this.#issuer,
        audience: this.#issuer,
        currentDate: new Date(this.#clock()),
      })
      const claims = accessClaims.safeParse(payload)
      if (!claims.success) return undefined
      const { sub, exp, user, uid, epoch, access } = claims.data
      const isSomebody = user !== undefined && uid !== undefined && epoch !== undefined
      const identity = isSomebody ? { subject: sub, user, uid, epoch } : undefined
      const known = { identity, access: accessOf(access), expiresAt: exp * 1_000 }
      this.#verified.set(token, known)
      return known
    } catch (error) {
      if (error instanceof errors.JOSEError) return undefined
      throw error
    }
  }

  async #keyOf(id: string | undefined) {
    const key = id === undefined ? undefined : await this.#keys.find(id)
    if (key === undefined) throw new errors.JWKSNoMatchingKey()
    return key.open
  }
}

function listOf({ repositories, catalog }: Access) {
  const list = [...repositories].map(([name, actions]) => ({
    type: 'repository',
    name,
    actions: [...actions] as string[],
  }))
  return catalog ? [...list, { type: 'registry', name: 'catalog', actions: ['*'] }] : list
}

function accessOf(list: AccessClaims['access']): Access {
  const repositories = list.filter(({ type }) => type === 'repository')
  return {
    repositories: new Map(repositories.map(({ name, actions }) => [name, new Set(actions as Action[])])),
    catalog: list.some(({ type, name }) => type === 'registry' && name === 'catalog'),
  }
}
