import { LRUCache } from 'lru-cache'
import { commonActions, grantedActions, isAdministrator } from './grant.ts'
import type { Identity } from './identity.ts'
import type { Action } from './right.ts'
import type { Token, Tokens } from './tokens.ts'
import { ownerOfToken } from './user-name.ts'
import type { User, Users } from './users.ts'

/** What a subject may do as things stand. */
export type Rights = {
  on(repository: string): ReadonlySet<Action>
  /** Whether it may do everything everywhere. */
  readonly isAdministrator: boolean
}

type Standing = { readonly user: User | undefined; readonly token: Token | undefined }

/** How long another process's change may go unseen by requests with tokens that were given out before. */
const FRESH_MS = 2_000
const MAX_SUBJECTS = 10_000

/**
 * What users and their tokens may do now. Requests look here each time, whatever their access token says, so what is taken
 * away is gone at once in this process and within two seconds in others.
 */
export class RightsBook {
  readonly #users: Users
  readonly #tokens: Tokens
  readonly #standings = new LRUCache<string, Promise<Standing>>({ max: MAX_SUBJECTS, ttl: FRESH_MS })

  constructor(users: Users, tokens: Tokens) {
    this.#users = users
    this.#tokens = tokens
  }

  /** Undefined: it is let in no more. May be two seconds old. */
  async of(identity: Identity): Promise<Rights | undefined> {
    const cached = this.#standings.get(identity.subject)
    if (cached !== undefined) return this.#rightsOf(identity, await cached)
    const standing = this.#read(identity)
    this.#standings.set(identity.subject, standing)
    standing.catch(() => this.#standings.delete(identity.subject))
    return this.#rightsOf(identity, await standing)
  }

  /** As it stands in the documents now: for what gives out new tokens. */
  async fresh(identity: Identity): Promise<Rights | undefined> {
    return this.#rightsOf(identity, await this.#read(identity))
  }

  /** A user changed, and with it all its tokens; or a token did. */
  forget(subject: string): void {
    for (const known of this.#standings.keys())
      if (known === subject || ownerOfToken(known) === subject) this.#standings.delete(known)
  }

  async #read({ subject, user }: Identity): Promise<Standing> {
    const token = subject === user ? undefined : this.#tokens.get(subject)
    return { user: await this.#users.get(user), token: await token }
  }

  #rightsOf(identity: Identity, { user, token }: Standing): Rights | undefined {
    if (user === undefined || user.disabled || user.uid !== identity.uid) return undefined
    const own = (repository: string) => grantedActions(user.grants, repository)
    if (identity.subject === user.name) {
      if (user.epoch !== identity.epoch) return undefined
      return { on: own, isAdministrator: isAdministrator(user.grants) }
    }
    if (token === undefined || token.uid !== user.uid || this.#tokens.isOver(token)) return undefined
    return {
      on: (repository) => commonActions(own(repository), grantedActions(token.grants, repository)),
      isAdministrator: isAdministrator(user.grants) && isAdministrator(token.grants),
    }
  }
}
