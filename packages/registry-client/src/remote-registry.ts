import { type CaissonError, failedPrecondition } from '@caisson/api'
import { parseJson } from '@caisson/oci'
import { z } from 'zod'
import { endpointUrl } from './hosts/endpoint.ts'
import { pages } from './pages.ts'
import { refusal } from './refusal.ts'
import type { Session } from './session.ts'
import { typedError } from './typed-error.ts'

/** A registry as a whole. Failures are those of a Repository. */
export interface Registry {
  /**
   * Asks whether the credentials are good (end-1). False: the registry did not want any, so nothing is known. Throws
   * unauthenticated REGISTRY_LOGIN_REQUIRED or what its token server says.
   */
  checkLogin(signal: AbortSignal): Promise<boolean>
  /** Names of repositories, in the order of the registry, page by page. `unimplemented` when it does not tell. */
  repositories(signal: AbortSignal): AsyncIterable<string>
}

const PAGE = '1000'
const MAX_PAGE_BYTES = 4 << 20
const CATALOG_SCOPE = 'registry:catalog:*'

const pageSchema = z.object({ repositories: z.array(z.string().max(1024)).nullish() })

/** A registry at its own endpoint: mirrors know nothing of its users and hold not all of it. */
export class RemoteRegistry implements Registry {
  readonly #session: Session

  constructor(session: Session) {
    this.#session = session
  }

  async checkLogin(signal: AbortSignal): Promise<boolean> {
    const session = this.#session
    const target = endpointUrl(session.endpoint, '/')
    try {
      const response = await session.send({ method: 'GET', target, scopes: [], isRepeatable: true }, signal)
      if (response.status !== 200) throw await refusal(session, response, 'login')
      response.discard()
      return session.wasChallenged
    } catch (error) {
      throw this.#typed(error, signal)
    }
  }

  async *repositories(signal: AbortSignal): AsyncGenerator<string> {
    try {
      yield* listRepositories(this.#session, signal)
    } catch (error) {
      throw this.#typed(error, signal)
    }
  }

  #typed(error: unknown, signal: AbortSignal): CaissonError {
    return typedError(error, signal, { registry: this.#session.endpoint.registry })
  }
}

/** Every name once a page: the catalog, which most registries have though the specification does not ask for it. */
async function* listRepositories(session: Session, signal: AbortSignal): AsyncGenerator<string> {
  const target = endpointUrl(session.endpoint, '/_catalog', { n: PAGE })
  const request = { method: 'GET', target, scopes: [CATALOG_SCOPE], isRepeatable: true } as const
  for await (const response of pages(session, request, signal)) {
    if (response.status !== 200) throw await refusal(session, response, 'catalog')
    const page = pageSchema.safeParse(parse(session, await response.bytes(MAX_PAGE_BYTES)))
    if (!page.success) throw strange(session)
    yield* page.data.repositories ?? []
  }
}

function parse(session: Session, bytes: Buffer): unknown {
  try {
    return parseJson(bytes, { subject: 'list of repositories', maxBytes: MAX_PAGE_BYTES })
  } catch {
    throw strange(session)
  }
}

function strange(session: Session): CaissonError {
  return failedPrecondition('REGISTRY_ANSWER_INVALID', `${session.endpoint.host} answers with no list of repositories`)
}
