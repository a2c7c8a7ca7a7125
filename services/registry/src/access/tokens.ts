import { createHash, randomBytes, timingSafeEqual } from 'node:crypto'
import { exhausted, notFound } from '@caisson/api'
import type { Documents } from '../backend/ports.ts'
import { tokenDocument } from '../store/access-documents.ts'
import type { Grant } from './grant.ts'
import { toGrantDocuments } from './grant-document.ts'
import { revise } from './revisions.ts'
import { newTokenId, ownerOfToken } from './user-name.ts'
import { SEEN_PRECISION_MS, type User } from './users.ts'

/**
 * A secret of 256 random bits that lets in instead of a password. `robot` tokens are made for programs and have rights of
 * their own below their user's; `identity` tokens are what a client keeps after a login by password (OAuth2's refresh
 * tokens), have all rights of the user, and end with the password.
 */
export type Token = {
  readonly id: string
  readonly user: string
  readonly kind: 'robot' | 'identity'
  readonly uid: string
  /** Of the user when an identity token was made. */
  readonly epoch: number
  readonly description: string
  readonly grants: readonly Grant[]
  /** SHA-256, in base64url. Fast on purpose: nobody guesses 256 bits. */
  readonly secretHash: string
  readonly createdAt: number
  readonly expiresAt: number
  readonly lastSeenAt: number
}

const COLLECTION = 'tokens'
const PREFIX = 'cst_'
const MAX_ROBOTS = 1_000
/** Every login of a client that keeps identity tokens makes one; the oldest gives way. */
const MAX_IDENTITIES = 64
export const IDENTITY_LIFE_MS = 90 * 86_400_000

/** What a token is made from. */
export type NewToken = Pick<Token, 'kind' | 'description' | 'grants' | 'expiresAt'>

export class Tokens {
  readonly #documents: Documents
  readonly #clock: () => number
  readonly #onChange: (id: string) => void

  constructor(documents: Documents, { clock, onChange }: { clock: () => number; onChange: (id: string) => void }) {
    this.#documents = documents
    this.#clock = clock
    this.#onChange = onChange
  }

  async get(id: string): Promise<Token | undefined> {
    if (ownerOfToken(id) === undefined) return undefined
    const found = await this.#documents.get(COLLECTION, id)
    return found && tokenOf(id, found.value)
  }

  /** All tokens, or those of one user, by id. */
  async list(user: string): Promise<Token[]> {
    const prefix = user === '' ? '' : `${user}+`
    const tokens: Token[] = []
    for (let after = ''; ; ) {
      const page = await this.#documents.list(COLLECTION, { prefix, after, limit: 1_000 })
      tokens.push(...page.map(({ key, value }) => tokenOf(key, value)))
      const last = page.at(-1)?.key
      if (last === undefined || page.length < 1_000) return tokens
      after = last
    }
  }

  /** The secret is told here and never again. Throws TOO_MANY_TOKENS. */
  async create(user: User, wanted: NewToken): Promise<{ readonly token: Token; readonly secret: string }> {
    await this.#makeRoom(user, wanted.kind)
    const secret = PREFIX + randomBytes(32).toString('base64url')
    const { uid, epoch, name } = user
    const made = { uid, epoch, secretHash: hashOf(secret), createdAt: this.#clock(), lastSeenAt: 0 }
    const token = { id: newTokenId(name), user: name, ...wanted, ...made }
    await this.#documents.put(COLLECTION, token.id, documentOf(token), 'absent')
    return { token, secret }
  }

  /** Whether the secret is the token's, and the token not over. Says nothing of its user. */
  isRight(token: Token, secret: string): boolean {
    const [given, kept] = [Buffer.from(hashOf(secret)), Buffer.from(token.secretHash)]
    return given.length === kept.length && timingSafeEqual(given, kept) && !this.isOver(token)
  }

  isOver(token: Token): boolean {
    return token.expiresAt <= this.#clock()
  }

  /** Throws TOKEN_NOT_FOUND. */
  async setGrants(id: string, grants: readonly Grant[]): Promise<void> {
    await this.#revise(id, (token) => ({ ...token, grants }))
  }

  async noteSeen(token: Token): Promise<void> {
    const now = this.#clock()
    if (now - token.lastSeenAt >= SEEN_PRECISION_MS)
      await this.#revise(token.id, (kept) => ({ ...kept, lastSeenAt: now }))
  }

  /** Throws TOKEN_NOT_FOUND. */
  async delete(id: string): Promise<void> {
    if (!(await this.#documents.delete(COLLECTION, id, 'any'))) throw notFound('token', id)
    this.#onChange(id)
  }

  async deleteAllOf(user: string): Promise<void> {
    for (const { id } of await this.list(user)) await this.#drop(id)
  }

  async #makeRoom(user: User, kind: Token['kind']): Promise<void> {
    const tokens = await this.list(user.name)
    const isDead = (token: Token): boolean => token.uid !== user.uid || this.isOver(token)
    for (const { id } of tokens.filter(isDead)) await this.#drop(id)
    const alive = tokens.filter((token) => token.kind === kind && !isDead(token))
    if (kind === 'robot' && alive.length >= MAX_ROBOTS)
      throw exhausted('TOO_MANY_TOKENS', `${user.name} has ${MAX_ROBOTS} tokens: remove some that are not used`)
    const oldestFirst = alive.toSorted((one, other) => one.createdAt - other.createdAt)
    const tooMany = kind === 'identity' ? Math.max(0, alive.length - MAX_IDENTITIES + 1) : 0
    for (const { id } of oldestFirst.slice(0, tooMany)) await this.#drop(id)
  }

  async #drop(id: string): Promise<void> {
    await this.#documents.delete(COLLECTION, id, 'any')
    this.#onChange(id)
  }

  async #revise(id: string, change: (token: Token) => Token): Promise<void> {
    await revise(this.#documents, { collection: COLLECTION, key: id }, (value) => {
      if (value === undefined) throw notFound('token', id)
      return documentOf(change(tokenOf(id, value)))
    })
    this.#onChange(id)
  }
}

const hashOf = (secret: string): string => createHash('sha256').update(secret).digest('base64url')

const tokenOf = (id: string, value: unknown): Token => ({
  id,
  user: ownerOfToken(id) ?? '',
  ...tokenDocument.parse(value),
})

function documentOf({ id: _, user: __, grants, ...token }: Token): unknown {
  return { ...token, grants: toGrantDocuments(grants) }
}
