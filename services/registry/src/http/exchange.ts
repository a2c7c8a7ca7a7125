import type { FastifyReply, FastifyRequest } from 'fastify'
import type { RepositoryName } from '../distribution/names.ts'
import type { Caller, Principal } from './ports.ts'

/** One request in a repository, with the one who makes it let in. */
export interface Exchange {
  readonly request: FastifyRequest
  readonly reply: FastifyReply
  readonly query: Query
  readonly caller: Caller
  readonly principal: Principal
  /** The repository that the work is done in. */
  readonly repository: RepositoryName
  /** The name that the client used for it. */
  readonly spelled: RepositoryName
  /** Ends with the connection. */
  readonly signal: AbortSignal
}

/** Parameters of a URL; each may be repeated. */
export class Query {
  readonly #params: URLSearchParams

  constructor(text: string) {
    this.#params = new URLSearchParams(text)
  }

  has(name: string): boolean {
    return this.#params.has(name)
  }

  one(name: string): string | undefined {
    return this.#params.get(name) ?? undefined
  }

  all(name: string): string[] {
    return this.#params.getAll(name)
  }
}
