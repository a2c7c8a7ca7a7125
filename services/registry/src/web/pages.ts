import { CaissonError, notFound } from '@caisson/api'
import { type Digest, isDigest } from '@caisson/oci'
import type { Logger } from '@caisson/service-kit'
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import type { Reference, RepositoryName } from '../distribution/names.ts'
import { Query } from '../http/exchange.ts'
import { failureOf } from '../http/failures.ts'
import type { Assets } from './assets.ts'
import type { Browse } from './browse.ts'
import { failurePage } from './failure-page.ts'
import { homePage } from './home-page.ts'
import { layout, type PageParts } from './layout.ts'
import { manifestPage } from './manifest-page.ts'
import { HOME, pageTargetOf } from './paths.ts'
import { repositoryPage } from './repository-page.ts'
import { secure } from './security-headers.ts'
import { askForLogin, type Visitor, type Visitors } from './visitor.ts'

export interface PagesDeps {
  readonly browse: Browse
  readonly visitors: Visitors
  readonly assets: Assets
  readonly log: Logger
  readonly clock: () => number
}

interface Look {
  readonly request: FastifyRequest
  readonly reply: FastifyReply
  readonly query: Query
  readonly visitor: Visitor
}

const MOST_PARAMETER = 512

/** The registry for people: everything below /ui/, and / for browsers. */
export class Pages {
  readonly #deps: PagesDeps

  constructor(deps: PagesDeps) {
    this.#deps = deps
  }

  register(app: FastifyInstance): void {
    const home = async (request: FastifyRequest, reply: FastifyReply): Promise<unknown> => {
      reply.header('vary', 'accept')
      if (!/\btext\/html\b/.test(request.headers.accept ?? '')) return reply.callNotFound()
      return reply.redirect(HOME)
    }
    app.route({ method: ['GET', 'HEAD'], url: '/', handler: home })
    app.register(async (scope) => {
      scope.addHook('onRequest', async (_request, reply) => secure(reply))
      scope.setErrorHandler((error, request, reply) => this.#fail(error, request, reply))
      const page = (request: FastifyRequest, reply: FastifyReply) => this.#page(request, reply)
      scope.route({ method: ['GET', 'HEAD'], url: '/ui', handler: async (_request, reply) => reply.redirect(HOME) })
      scope.route({ method: ['GET', 'HEAD'], url: '/ui/*', handler: page })
    })
  }

  async #page(request: FastifyRequest, reply: FastifyReply): Promise<unknown> {
    const url = request.raw.url ?? HOME
    const mark = url.indexOf('?')
    const target = pageTargetOf(mark === -1 ? url : url.slice(0, mark))
    if (target?.kind === 'asset') return this.#asset(target.name, reply)
    const visitor = await this.#deps.visitors.visitorOf(request, reply)
    const look = { request, reply, visitor, query: new Query(mark === -1 ? '' : url.slice(mark + 1)) }
    if (target === undefined) throw notFound('page', 'asked for')
    if (target.kind === 'home') return await this.#home(look)
    if (target.kind === 'login') return this.#login(look)
    await requireSeen(look, target.repository)
    if (target.kind === 'repository') return await this.#repository(look, target.repository)
    return await this.#manifest(look, target.repository, target.reference)
  }

  async #home(look: Look): Promise<unknown> {
    const { query, visitor } = look
    const prefix = parameter(query, 'prefix') ?? ''
    const after = parameter(query, 'after')
    const page = await this.#deps.browse.repositories({ after, prefix }, (name) => visitor.mayPull(name))
    // Who sees nothing at all has most likely come to log in.
    if (visitor.canLogIn && page.items.length === 0 && prefix === '' && after === undefined) throw unauthorized()
    return this.#send(look, homePage({ page, prefix, after, now: this.#deps.clock() }))
  }

  /** Those who are known go on; the others are asked. */
  #login({ visitor, reply }: Look): unknown {
    if (visitor.canLogIn) throw unauthorized()
    return reply.redirect(HOME)
  }

  async #repository(look: Look, name: RepositoryName): Promise<unknown> {
    const { browse, clock } = this.#deps
    const repository = await browse.repository(name)
    if (repository === undefined) throw notFound('repository', name)
    const after = parameter(look.query, 'after')
    const page = await browse.tags(name, after)
    const { host } = look.visitor
    return this.#send(look, repositoryPage({ repository, page, after, host, now: clock() }))
  }

  async #manifest(look: Look, repository: RepositoryName, reference: Reference): Promise<unknown> {
    const { browse, clock } = this.#deps
    const referrersAfter = digestParameter(look.query, 'referrers')
    const signal = signalOf(look.reply)
    const page = await browse.manifest(repository, reference, referrersAfter, signal)
    if (page === undefined) throw notFound('manifest', 'asked for')
    const { host } = look.visitor
    return this.#send(look, manifestPage({ repository, reference, page, referrersAfter, host, now: clock() }))
  }

  #asset(name: string, reply: FastifyReply): unknown {
    const asset = this.#deps.assets.find(name)
    if (asset === undefined) throw notFound('page', 'asked for')
    return reply.header('cache-control', 'public, max-age=31536000, immutable').type(asset.type).send(asset.bytes)
  }

  #send({ reply, visitor }: Look, parts: PageParts): unknown {
    const { assets } = this.#deps
    return asPage(reply).send(layout({ assets, visitor }, parts))
  }

  /** Errors as pages. */
  #fail(thrown: unknown, request: FastifyRequest, reply: FastifyReply): unknown {
    const error = CaissonError.from(thrown)
    const { status } = failureOf(error)
    if (status >= 500) {
      const cause = error.cause instanceof Error ? error.cause.stack : error.cause
      this.#deps.log.error({ reason: error.reason, message: error.message, cause, url: request.raw.url }, 'page failed')
    }
    if (status === 401) askForLogin(reply)
    if (status === 429 || status === 503) reply.header('retry-after', error.details['retryAfter'] ?? '5')
    return asPage(reply.code(status)).send(layout({ assets: this.#deps.assets }, failurePage(status)))
  }
}

/** Pages differ by who looks, and are kept by nobody. */
function asPage(reply: FastifyReply): FastifyReply {
  return reply.type('text/html; charset=utf-8').header('cache-control', 'no-store').header('vary', 'authorization')
}

/**
 * Before anything is looked up: a repository that the visitor may not pull from answers as one that does not exist, and
 * asks for a login where that could help, whether it exists or not.
 */
async function requireSeen({ visitor }: Look, repository: RepositoryName): Promise<void> {
  if (await visitor.mayPull(repository)) return
  throw visitor.canLogIn ? unauthorized() : notFound('repository', repository)
}

const unauthorized = (): CaissonError =>
  new CaissonError('unauthenticated', 'log in to see this', { reason: 'UNAUTHORIZED' })

function parameter(query: Query, name: string): string | undefined {
  const value = query.one(name)
  return value === undefined || value === '' ? undefined : value.slice(0, MOST_PARAMETER)
}

function digestParameter(query: Query, name: string): Digest | undefined {
  const value = query.one(name)
  return value !== undefined && isDigest(value) ? value : undefined
}

/** Ends when the client goes away before it has the answer. */
function signalOf({ raw }: FastifyReply): AbortSignal {
  const abort = new AbortController()
  raw.once('close', () => {
    if (!raw.writableFinished) abort.abort(new CaissonError('cancelled', 'the client went away'))
  })
  return abort.signal
}
