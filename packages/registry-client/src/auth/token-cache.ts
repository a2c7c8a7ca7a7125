import { createHash } from 'node:crypto'
import type { Token, TokenQuestion } from './token.ts'

const MAX_TOKENS = 1_000

/**
 * Access tokens by token server, scopes and credentials, until they expire. Those who want the same token at the same
 * time share one request.
 */
export class TokenCache {
  readonly #tokens = new Map<string, Promise<Token>>()

  /** `request` is called when there is no token that holds on; what it throws is thrown and not kept. */
  async get(question: TokenQuestion, request: () => Promise<Token>): Promise<Token> {
    const key = keyOf(question)
    for (let pending = this.#tokens.get(key); pending !== undefined; pending = this.#tokens.get(key)) {
      const token = await pending
      if (token.expiresAt > performance.now()) return token
      if (this.#tokens.get(key) === pending) this.#tokens.delete(key)
    }
    if (this.#tokens.size >= MAX_TOKENS) this.#tokens.clear()
    const asked = request()
    this.#tokens.set(key, asked)
    asked.catch(() => {
      if (this.#tokens.get(key) === asked) this.#tokens.delete(key)
    })
    return await asked
  }

  /** A token that the registry takes no more. */
  forget(question: TokenQuestion): void {
    this.#tokens.delete(keyOf(question))
  }
}

/** Secrets are not kept as keys. */
function keyOf({ realm, service, scopes, auth }: TokenQuestion): string {
  const secrets = [auth?.username, auth?.password, auth?.identityToken]
  const parts = [realm.href, service, [...scopes].sort(), secrets]
  return createHash('sha256').update(JSON.stringify(parts)).digest('base64')
}
