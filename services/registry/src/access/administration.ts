import { CaissonError, failedPrecondition, invalid } from '@caisson/api'
import { firstExcess, type Grant } from './grant.ts'
import type { PasswordHasher } from './password/hasher.ts'
import { parseHtpasswd } from './password/htpasswd.ts'
import { checkNewPassword } from './password/strength.ts'
import type { Token, Tokens } from './tokens.ts'
import { checkUserName, ownerOfToken } from './user-name.ts'
import type { User, Users } from './users.ts'

const DAY_SECONDS = 86_400
const DEFAULT_TTL_SECONDS = 90 * DAY_SECONDS
const MAX_TTL_SECONDS = 3_650 * DAY_SECONDS
const MAX_GRANTS = 256
const MAX_DESCRIPTION = 256

export type AdministrationDeps = {
  readonly users: Users
  readonly tokens: Tokens
  readonly hasher: PasswordHasher
  readonly clock: () => number
}

/** What an administrator does to users, tokens and rights. */
export class Administration {
  readonly #deps: AdministrationDeps

  constructor(deps: AdministrationDeps) {
    this.#deps = deps
  }

  /** Throws INVALID, WEAK_PASSWORD, USER_EXISTS. */
  async createUser(name: string, password: string, grants: readonly Grant[]): Promise<User> {
    checkNewPassword(checkUserName(name), password)
    return await this.#deps.users.create(name, await this.#deps.hasher.hash(password), checkCount(grants))
  }

  /** Throws WEAK_PASSWORD, USER_NOT_FOUND. */
  async updateUser(
    name: string,
    { password, disabled }: { password?: string | undefined; disabled?: boolean | undefined },
  ): Promise<User> {
    if (password !== undefined) checkNewPassword(name, password)
    await this.#deps.users.find(name)
    return await this.#deps.users.update(name, {
      ...(password !== undefined && { password: await this.#deps.hasher.hash(password) }),
      ...(disabled !== undefined && { disabled }),
    })
  }

  /** A page by name. */
  async listUsers(after: string, limit: number): Promise<{ users: User[]; next: string }> {
    const found = await this.#deps.users.list(after, limit + 1)
    const users = found.slice(0, limit)
    return { users, next: found.length > limit ? (users.at(-1)?.name ?? '') : '' }
  }

  /** Its tokens let nobody in once the user is gone, also when this is interrupted. Throws USER_NOT_FOUND. */
  async deleteUser(name: string): Promise<void> {
    await this.#deps.users.delete(name)
    await this.#deps.tokens.deleteAllOf(name)
  }

  /** Throws USER_NOT_FOUND, INVALID, GRANTS_EXCEED_USER, TOO_MANY_TOKENS. */
  async createToken(wanted: {
    user: string
    description: string
    grants: readonly Grant[]
    ttlSeconds: number
  }): Promise<{ token: Token; secret: string }> {
    const { description, ttlSeconds } = wanted
    if (description.length > MAX_DESCRIPTION)
      throw invalid(`the description has more than ${MAX_DESCRIPTION} characters`)
    if (!Number.isSafeInteger(ttlSeconds) || ttlSeconds < 0 || ttlSeconds > MAX_TTL_SECONDS)
      throw invalid(`ttl_seconds must be 0 (90 days) or up to ${MAX_TTL_SECONDS}, ten years`)
    const user = await this.#deps.users.find(wanted.user)
    const grants = checkTokenGrants(wanted.grants, user)
    const expiresAt = this.#deps.clock() + (ttlSeconds === 0 ? DEFAULT_TTL_SECONDS : ttlSeconds) * 1_000
    return await this.#deps.tokens.create(user, { kind: 'robot', description, grants, expiresAt })
  }

  /** Those of a user, or all for an empty name. The grants of a login are those of its user. */
  async listTokens(user: string): Promise<Token[]> {
    const tokens = (await this.#deps.tokens.list(user)).filter((token) => !this.#deps.tokens.isOver(token))
    const owners = new Map<string, User | undefined>()
    for (const token of tokens)
      if (!owners.has(token.user)) owners.set(token.user, await this.#deps.users.get(token.user))
    return tokens.flatMap((token) => {
      const owner = owners.get(token.user)
      if (owner === undefined || owner.uid !== token.uid) return []
      if (token.kind === 'robot') return [token]
      return token.epoch === owner.epoch ? [{ ...token, grants: owner.grants }] : []
    })
  }

  /** Throws TOKEN_NOT_FOUND. */
  async deleteToken(id: string): Promise<void> {
    await this.#deps.tokens.delete(id)
  }

  /** Replaces the rights of a user or token. Throws USER_NOT_FOUND, TOKEN_NOT_FOUND, GRANTS_EXCEED_USER. */
  async setGrants(subject: string, grants: readonly Grant[]): Promise<void> {
    const owner = ownerOfToken(subject)
    if (owner === undefined) {
      await this.#deps.users.update(subject, { grants: checkCount(grants) })
      return
    }
    const token = await this.#deps.tokens.get(subject)
    if (token?.kind === 'identity')
      throw invalid(`${subject} is a login of ${owner} and has all its rights: set those of ${owner}`)
    await this.#deps.tokens.setGrants(subject, checkTokenGrants(grants, await this.#deps.users.find(owner)))
  }

  /** Takes users over, without rights. Who exists already stays as it is. */
  async importHtpasswd(content: string): Promise<{ users: string[]; refused: string[] }> {
    const { entries, refused } = parseHtpasswd(content)
    const users: string[] = []
    const existing: string[] = []
    for (const { user, hash } of entries) {
      try {
        await this.#deps.users.create(user, hash, [])
        users.push(user)
      } catch (error) {
        if (!(error instanceof CaissonError && error.code === 'already-exists')) throw error
        existing.push(`${user}: there is a user of this name already, who stays as it is`)
      }
    }
    return { users, refused: [...refused, ...existing] }
  }
}

function checkCount(grants: readonly Grant[]): readonly Grant[] {
  if (grants.length <= MAX_GRANTS) return grants
  throw invalid(`there are more than ${MAX_GRANTS} grants: use patterns such as team/*`)
}

function checkTokenGrants(grants: readonly Grant[], user: User): readonly Grant[] {
  if (grants.length === 0) throw invalid('a token without grants can do nothing: say which of its user it gets')
  const excess = firstExcess(checkCount(grants), user.grants)
  if (excess === undefined) return grants
  const { repositories, rights } = excess
  throw failedPrecondition(
    'GRANTS_EXCEED_USER',
    `a token of ${user.name} cannot get ${rights.join(', ')} on ${repositories.text}: the user has not all of that`,
  )
}
