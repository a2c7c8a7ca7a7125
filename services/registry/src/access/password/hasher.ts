import { exhausted } from '@caisson/api'
import { hash as argon2Hash, verify as argon2Verify } from '@node-rs/argon2'
import { verify as bcryptVerify } from '@node-rs/bcrypt'
import pLimit from 'p-limit'
import { MAX_PASSWORD_BYTES } from './strength.ts'

/** 19 MiB, 2 passes, 1 lane: argon2id, as OWASP recommends. The algorithm is the library's default. */
const COST = { memoryCost: 19_456, timeCost: 2, parallelism: 1 }
const AT_ONCE = 2
const MAX_WAITING = 64

/** `argon2id` hashes are made here, `bcrypt` ones come from an htpasswd file. */
export type PasswordHash = { readonly kind: 'argon2id' | 'bcrypt'; readonly encoded: string }

/**
 * Hashes passwords away from the main thread, two at a time: memory stays below 40 MiB however many log in. Those who come
 * when 64 wait already get TOOMANYREQUESTS.
 */
export class PasswordHasher {
  readonly #limit = pLimit(AT_ONCE)
  #decoy: Promise<PasswordHash> | undefined

  async hash(password: string): Promise<PasswordHash> {
    return { kind: 'argon2id', encoded: await this.#inTurn(() => argon2Hash(password, COST)) }
  }

  /** Without a hash (there is no such user) it takes as long as with one, and is false. */
  async verify(password: string, known: PasswordHash | undefined): Promise<boolean> {
    if (password === '' || Buffer.byteLength(password) > MAX_PASSWORD_BYTES) return false
    const { kind, encoded } = known ?? (await this.#aHash())
    const isRight = await this.#inTurn(() =>
      kind === 'bcrypt' ? bcryptVerify(password, encoded) : argon2Verify(encoded, password),
    )
    return isRight && known !== undefined
  }

  /** Before serving, so that the first unknown user is not told apart by the time of making it. */
  async prepare(): Promise<void> {
    await this.#aHash()
  }

  async #aHash(): Promise<PasswordHash> {
    this.#decoy ??= this.hash(crypto.randomUUID())
    return await this.#decoy
  }

  async #inTurn<T>(work: () => Promise<T>): Promise<T> {
    if (this.#limit.pendingCount >= MAX_WAITING)
      throw exhausted('TOOMANYREQUESTS', 'too many logins are being checked: try again in a few seconds', {
        details: { retryAfter: '2' },
      })
    return await this.#limit(work)
  }
}
