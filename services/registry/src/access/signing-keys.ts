import { type CryptoKey, exportJWK, generateKeyPair, importJWK } from 'jose'
import type { Documents } from '../backend/ports.ts'
import { type KeyDocument, keysDocument } from '../store/access-documents.ts'
import { revise } from './revisions.ts'

const AT = { collection: 'signing-keys', key: 'access-tokens' }
/** A key that was replaced is known this long: tokens live five minutes, and clocks of a pool differ. */
const OVERLAP_MS = 3_600_000
/** How long another process's new key may go unseen by those who sign. */
const FRESH_MS = 60_000
/** Tokens of keys that nobody knows cannot make us read more often than this. */
const RELOAD_PAUSE_MS = 1_000
export const ALGORITHM = 'EdDSA'

export type SigningKey = { readonly id: string; readonly secret: CryptoKey; readonly open: CryptoKey }

/**
 * The Ed25519 keys that access tokens are signed by: the newest signs, and those before it are known until their tokens
 * are over. They are one document, so every process of a pool takes the tokens of every other, and any of them replaces a
 * key that is old.
 */
export class SigningKeys {
  readonly #documents: Documents
  readonly #clock: () => number
  readonly #rotationMs: number
  #keys: readonly SigningKey[] = []
  #newestAt = 0
  #loadedAt = Number.NEGATIVE_INFINITY
  #loading: Promise<void> | undefined

  constructor(documents: Documents, { clock, rotationMs }: { clock: () => number; rotationMs: number }) {
    this.#documents = documents
    this.#clock = clock
    this.#rotationMs = rotationMs
  }

  /** The key to sign with. */
  async current(): Promise<SigningKey> {
    const now = this.#clock()
    if (now - this.#loadedAt >= FRESH_MS || now - this.#newestAt >= this.#rotationMs) await this.#load()
    const key = this.#keys.at(-1)
    if (key === undefined) throw new Error('there is no key to sign access tokens with')
    return key
  }

  /** The key of a token; undefined when nobody of the pool made it. */
  async find(id: string): Promise<SigningKey | undefined> {
    const known = this.#keys.find((key) => key.id === id)
    const now = this.#clock()
    if (known !== undefined ? now - this.#loadedAt < FRESH_MS : now - this.#loadedAt < RELOAD_PAUSE_MS) return known
    await this.#load()
    return this.#keys.find((key) => key.id === id)
  }

  async #load(): Promise<void> {
    this.#loading ??= this.#read().finally(() => {
      this.#loading = undefined
    })
    await this.#loading
  }

  async #read(): Promise<void> {
    const found = await this.#documents.get(AT.collection, AT.key)
    const kept = found === undefined ? [] : keysDocument.parse(found.value).keys
    const keys = this.#isOld(kept) ? await this.#rotate() : kept
    this.#keys = await Promise.all(keys.map(imported))
    this.#newestAt = keys.at(-1)?.createdAt ?? 0
    this.#loadedAt = this.#clock()
  }

  async #rotate(): Promise<KeyDocument[]> {
    const { privateKey } = await generateKeyPair(ALGORITHM, { crv: 'Ed25519', extractable: true })
    const { x = '', d = '' } = await exportJWK(privateKey)
    const jwk = { kty: 'OKP', crv: 'Ed25519', x, d } as const
    const fresh = { id: crypto.randomUUID(), createdAt: this.#clock(), jwk }
    let result: KeyDocument[] = []
    await revise(this.#documents, AT, (value) => {
      const kept = value === undefined ? [] : keysDocument.parse(value).keys
      // Another process may have been faster.
      const isOld = this.#isOld(kept)
      result = isOld ? [...this.#stillNeeded(kept), fresh] : kept
      return isOld ? { keys: result } : undefined
    })
    return result
  }

  #isOld(keys: readonly KeyDocument[]): boolean {
    return this.#clock() - (keys.at(-1)?.createdAt ?? Number.NEGATIVE_INFINITY) >= this.#rotationMs
  }

  /** The one that is replaced now, and those that were replaced not long ago. */
  #stillNeeded(keys: readonly KeyDocument[]): KeyDocument[] {
    return keys.filter((_, index) => {
      const replacedAt = keys[index + 1]?.createdAt
      return replacedAt === undefined || this.#clock() - replacedAt < OVERLAP_MS
    })
  }
}

async function imported({ id, jwk }: KeyDocument): Promise<SigningKey> {
  const { d: _, ...open } = jwk
  const [secretKey, openKey] = await Promise.all([importJWK(jwk, ALGORITHM), importJWK(open, ALGORITHM)])
  if (secretKey instanceof Uint8Array || openKey instanceof Uint8Array) throw new Error('an Ed25519 key was expected')
  return { id, secret: secretKey, open: openKey }
}
