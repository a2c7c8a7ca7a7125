import { CaissonError } from '@caisson/api'
import type { Logger } from '@caisson/service-kit'
import type { Identity } from './identity.ts'
import type { LoginLimiter } from './login-limiter.ts'
import type { PasswordHasher } from './password/hasher.ts'
import { MAX_PASSWORD_BYTES } from './password/strength.ts'
import { IDENTITY_LIFE_MS, type Token, type Tokens } from './tokens.ts'
import { isUserName, ownerOfToken } from './user-name.ts'
import type { User, Users } from './users.ts'

export type LoginsDeps = {
  readonly users: Users
  readonly tokens: Tokens
  readonly hasher: PasswordHasher
  readonly limiter: LoginLimiter
  readonly clock: () => number
  readonly log: Logger
}

export type Credentials = { readonly username: string; readonly password: string }

/**
 * Lets users in by their passwords, programs by their tokens. Whatever is wrong (no such user, wrong password, locked out,
 * over) the answer is the same UNAUTHORIZED, after the same time. Throws TOOMANYREQUESTS after ten failures a minute.
 */
export class Logins {
  readonly #deps: LoginsDeps

  constructor(deps: LoginsDeps) {
    this.#deps = deps
  }

  /** With a password, or with the id and secret of a robot token. */
  async byPassword(address: string, { username, password }: Credentials): Promise<Identity> {
    return await this.#counted(address, username, () =>
      ownerOfToken(username) === undefined
        ? this.#userByPassword(username, password)
        : this.#byToken(username, password, 'robot'),
    )
  }

  /** With what `identityToken` gave. */
  async byIdentityToken(address: string, text: string): Promise<Identity> {
    const dot = text.lastIndexOf('.')
    const [id, secret] = [text.slice(0, Math.max(dot, 0)), text.slice(dot + 1)]
    return await this.#counted(address, id, () => this.#byToken(id, secret, 'identity'))
  }

  /** For a user who came in by password: lets it in again without one, until the password changes. */
  async identityToken(identity: Identity, client: string): Promise<string | undefined> {
    // The secret of a robot token is kept by the client just as well.
    if (identity.subject !== identity.user) return undefined
    const user = await this.#deps.users.find(identity.user)
    const expiresAt = this.#deps.clock() + IDENTITY_LIFE_MS
    const description = client === '' ? 'login' : `login of ${client.slice(0, 64)}`
    const { token, secret } = await this.#deps.tokens.create(
      { ...user, uid: identity.uid, epoch: identity.epoch },
      { kind: 'identity', description, grants: [], expiresAt },
    )
    return `${token.id}.${secret}`
  }

  async #counted(address: string, username: string, login: () => Promise<Identity | undefined>): Promise<Identity> {
    const attempt = this.#deps.limiter.begin(address, username)
    try {
      const identity = await login()
      if (identity === undefined) {
        // What is no name may be a password in the wrong field.
        const isName = isUserName(username) || ownerOfToken(username) !== undefined
        this.#deps.log.info({ address, user: isName ? username : '' }, 'login refused')
        throw unauthorized('the user name or the password is wrong')
      }
      attempt.succeeded()
      return identity
    } catch (error) {
      // It is not the client's fault when we cannot look.
      if (!(error instanceof CaissonError && error.code === 'unauthenticated')) attempt.succeeded()
      throw error
    }
  }

  async #userByPassword(name: string, password: string): Promise<Identity | undefined> {
    if (password === '' || Buffer.byteLength(password) > MAX_PASSWORD_BYTES) return undefined
    const user = isUserName(name) ? await this.#deps.users.get(name) : undefined
    const isRight = await this.#deps.hasher.verify(password, user?.password)
    if (user === undefined || !isRight || user.disabled) return undefined
    await this.#afterwards(user.name, async () => {
      await this.#deps.users.noteSeen(user)
      if (user.password.kind === 'bcrypt') await this.#deps.users.rehash(user, await this.#deps.hasher.hash(password))
    })
    return { subject: name, user: name, uid: user.uid, epoch: user.epoch }
  }

  async #byToken(id: string, secret: string, kind: Token['kind']): Promise<Identity | undefined> {
    const token = await this.#deps.tokens.get(id)
    if (token === undefined || token.kind !== kind || !this.#deps.tokens.isRight(token, secret)) return undefined
    const user = await this.#deps.users.get(token.user)
    if (user === undefined || user.disabled || !isOf(token, user)) return undefined
    await this.#afterwards(id, () => this.#deps.tokens.noteSeen(token))
    const subject = kind === 'robot' ? id : user.name
    return { subject, user: user.name, uid: user.uid, epoch: user.epoch }
  }

  /** Bookkeeping keeps nobody out who is right. */
  async #afterwards(subject: string, note: () => Promise<void>): Promise<void> {
    try {
      await note()
    } catch (error) {
      this.#deps.log.warn({ subject, error: String(error) }, 'a login was right but could not be noted')
    }
  }
}

function isOf(token: Token, user: User): boolean {
  return token.uid === user.uid && (token.kind === 'robot' || token.epoch === user.epoch)
}

export function unauthorized(message: string): CaissonError {
  return new CaissonError('unauthenticated', `${message}: log in again`, { reason: 'UNAUTHORIZED' })
}
