import { randomUUID } from 'node:crypto'
import { alreadyExists, CaissonError, notFound } from '@caisson/api'
import type { Documents } from '../backend/ports.ts'
import { userDocument } from '../store/access-documents.ts'
import type { Grant } from './grant.ts'
import { toGrantDocuments } from './grant-document.ts'
import type { PasswordHash } from './password/hasher.ts'
import { isChangedMeanwhile, revise } from './revisions.ts'
import { checkUserName } from './user-name.ts'

export type User = {
  readonly name: string
  /** Another one when the name is given out again, so that what was made for the first does not serve the second. */
  readonly uid: string
  readonly password: PasswordHash
  /** Grows when the password changes or the user is locked out: what was let in before is let in no more. */
  readonly epoch: number
  readonly grants: readonly Grant[]
  readonly disabled: boolean
  /** Milliseconds since 1970. */
  readonly createdAt: number
  /** To about ten minutes. 0: never. */
  readonly lastSeenAt: number
}

const COLLECTION = 'users'
export const SEEN_PRECISION_MS = 600_000

/** Who may log in. Kept in the documents of the backend, so all processes of a pool know the same users. */
export class Users {
  readonly #documents: Documents
  readonly #clock: () => number
  readonly #onChange: (name: string) => void

  constructor(documents: Documents, { clock, onChange }: { clock: () => number; onChange: (name: string) => void }) {
    this.#documents = documents
    this.#clock = clock
    this.#onChange = onChange
  }

  async get(name: string): Promise<User | undefined> {
    const found = await this.#documents.get(COLLECTION, name)
    return found && userOf(name, found.value)
  }

  /** Throws USER_NOT_FOUND. */
  async find(name: string): Promise<User> {
    const user = await this.get(name)
    if (user === undefined) throw notFound('user', name)
    return user
  }

  /** By name, behind `after`. */
  async list(after: string, limit: number): Promise<User[]> {
    const found = await this.#documents.list(COLLECTION, { after, limit })
    return found.map(({ key, value }) => userOf(key, value))
  }

  /** Throws INVALID for the name, USER_EXISTS. */
  async create(name: string, password: PasswordHash, grants: readonly Grant[]): Promise<User> {
    const createdAt = this.#clock()
    const user = { name: checkUserName(name), uid: randomUUID(), password, epoch: 0, grants, disabled: false }
    const whole = { ...user, createdAt, lastSeenAt: 0 }
    try {
      await this.#documents.put(COLLECTION, name, documentOf(whole), 'absent')
    } catch (error) {
      if (isChangedMeanwhile(error)) throw alreadyExists('user', name, 'change it, or choose another name')
      throw error
    }
    this.#onChange(name)
    return whole
  }

  /** A new password or a lock ends every login there is; what is absent stays. Throws USER_NOT_FOUND. */
  async update(
    name: string,
    change: { readonly password?: PasswordHash; readonly disabled?: boolean; readonly grants?: readonly Grant[] },
  ): Promise<User> {
    return await this.#revise(name, (user) => {
      const isEnding = change.password !== undefined || (change.disabled === true && !user.disabled)
      return { ...user, ...change, epoch: user.epoch + (isEnding ? 1 : 0) }
    })
  }

  /** Keeps the same password in another way; not when it was changed meanwhile. */
  async rehash(user: User, password: PasswordHash): Promise<void> {
    await this.#revise(user.name, (now) =>
      now.uid === user.uid && now.password.encoded === user.password.encoded ? { ...now, password } : now,
    )
  }

  async noteSeen(user: User): Promise<void> {
    const now = this.#clock()
    if (now - user.lastSeenAt < SEEN_PRECISION_MS) return
    await this.#revise(user.name, (found) => (found.uid === user.uid ? { ...found, lastSeenAt: now } : found))
  }

  /** Throws USER_NOT_FOUND. */
  async delete(name: string): Promise<void> {
    if (!(await this.#documents.delete(COLLECTION, name, 'any'))) throw notFound('user', name)
    this.#onChange(name)
  }

  async #revise(name: string, change: (user: User) => User): Promise<User> {
    const written: User[] = []
    await revise(this.#documents, { collection: COLLECTION, key: name }, (value) => {
      if (value === undefined) throw notFound('user', name)
      const user = change(userOf(name, value))
      written.push(user)
      return documentOf(user)
    })
    this.#onChange(name)
    const last = written.at(-1)
    if (last === undefined) throw new CaissonError('internal', `the user ${name} was not written`)
    return last
  }
}

const userOf = (name: string, value: unknown): User => ({ name, ...userDocument.parse(value) })

function documentOf({ name: _, grants, ...user }: User): unknown {
  return { ...user, grants: toGrantDocuments(grants) }
}
