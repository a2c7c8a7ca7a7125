import { CaissonError } from '@caisson/api'
import type { FastifyReply, FastifyRequest } from 'fastify'
import type { RepositoryBlobs } from '../distribution/blobs.ts'
import { mirrorOnly } from '../distribution/errors.ts'
import type { Listings } from '../distribution/listings.ts'
import type { RepositoryManifests } from '../distribution/manifests.ts'
import { parseDigestAtEdge, parseRepositoryName, type RepositoryName } from '../distribution/names.ts'
import type { RepositoryUploads } from '../distribution/uploads.ts'
import { doneFor } from '../request-origin.ts'
import type { Admission } from './admission.ts'
import { deleteBlob, sendBlob } from './blobs.ts'
import { type Exchange, Query } from './exchange.ts'
import { errorBody, JSON_TYPE } from './failures.ts'
import { sendCatalog, sendReferrers, sendTags } from './lists.ts'
import { deleteManifest, existing, sendManifest, takeManifest } from './manifests.ts'
import type { Action, Caller, FileSender, Principal, PullThrough } from './ports.ts'
import { type Target, targetOf } from './target.ts'
import { beginUpload, cancelUpload, finishUpload, sendUploadState, takeChunk } from './uploads.ts'

export interface RouterDeps {
  readonly admission: Admission
  readonly blobs: RepositoryBlobs
  readonly uploads: RepositoryUploads
  readonly manifests: RepositoryManifests
  readonly listings: Listings
  readonly pullThrough: PullThrough | undefined
  readonly sender: FileSender | undefined
  readonly idleMs: number
}

/** What an endpoint needs, and does. */
interface Endpoint {
  readonly action: Action
  readonly act: (exchange: Exchange, target: never) => Promise<unknown>
}

type InRepository = Extract<Target, { readonly name: string }>
type Named<K extends InRepository['kind']> = Extract<InRepository, { readonly kind: K }>

/** RFC 7234, 5.5: it may be old, since the source could not be asked. */
const STALE = '110 - "Response is Stale", 111 - "Revalidation Failed"'

const EXTENSIONS = JSON.stringify({ extensions: [] })

/** Takes requests to what they mean. */
export class Router {
  readonly #deps: RouterDeps
  readonly #endpoints: Readonly<Record<string, Endpoint>>

  constructor(deps: RouterDeps) {
    this.#deps = deps
    this.#endpoints = endpointsOf(deps)
  }

  async handle(request: FastifyRequest, reply: FastifyReply): Promise<unknown> {
    const url = request.raw.url ?? '/'
    const mark = url.indexOf('?')
    const query = new Query(mark === -1 ? '' : url.slice(mark + 1))
    const target = targetOf(mark === -1 ? url : url.slice(0, mark))
    if (target === undefined) return reply.code(404).type(JSON_TYPE).send(errorBody('NAME_UNKNOWN', 'no such endpoint'))
    const { admission } = this.#deps
    const caller = admission.callerOf(request)
    const principal = await admission.admit(caller, reply)
    if (!('name' in target)) return await this.#outside(target.kind, { request, reply, query, caller, principal })
    return await this.#inside(target, { request, reply, query, caller, principal })
  }

  async #outside(kind: 'base' | 'catalog' | 'discover', exchange: Outside): Promise<unknown> {
    const { request, reply, caller, principal } = exchange
    if (request.method !== 'GET' && request.method !== 'HEAD') throw wrongMethod(request, ['GET', 'HEAD'], reply)
    const { admission, listings } = this.#deps
    await admission.requireKnown(principal, caller, reply)
    if (kind === 'base') return reply.type(JSON_TYPE).send('{}')
    if (kind === 'discover') return reply.type(JSON_TYPE).send(EXTENSIONS)
    return await sendCatalog(exchange, listings, (repository) => admission.may(principal, repository, 'pull'))
  }

  async #inside(target: InRepository, outside: Outside): Promise<unknown> {
    const { request, reply, query, caller, principal } = outside
    const spelled = parseRepositoryName(target.name)
    const endpoint = this.#endpoints[`${request.method === 'HEAD' ? 'GET' : request.method} ${target.kind}`]
    if (endpoint === undefined) throw wrongMethod(request, this.#methodsOf(target.kind), reply)
    const repository = await this.#repositoryFor(spelled, query, reply)
    await this.#deps.admission.require(principal, caller, { repository, actions: [endpoint.action] }, reply)
    if (endpoint.action === 'push') await this.#refuseCopy(repository)
    const signal = signalOf(request)
    const exchange: Exchange = { request, reply, query, caller, principal, repository, spelled, signal }
    await this.#freshen(target, exchange)
    const act = (): Promise<unknown> => endpoint.act(exchange, target as never)
    // What is only read is told of in numbers, without who read it.
    if (endpoint.action === 'pull') return await act()
    const userAgent = request.headers['user-agent'] ?? ''
    return await doneFor({ actor: principal.name, userAgent, address: caller.address }, act)
  }

  /** `ns` names the registry that the client means. */
  async #repositoryFor(spelled: RepositoryName, query: Query, reply: FastifyReply): Promise<RepositoryName> {
    const ns = query.one('ns')
    const found = ns === undefined ? undefined : await this.#deps.pullThrough?.repositoryFor(ns, spelled)
    if (ns === undefined || found === undefined) return spelled
    reply.header('oci-namespace', ns)
    return found
  }

  /** What is a copy is what its source says. */
  async #refuseCopy(repository: RepositoryName): Promise<void> {
    const source = await this.#deps.pullThrough?.sourceOf(repository)
    if (source !== undefined) throw mirrorOnly(repository, source)
  }

  /** Brings what the source has here, before it is looked up. */
  async #freshen(target: InRepository, { request, reply, repository, signal }: Exchange): Promise<void> {
    const { pullThrough } = this.#deps
    if (pullThrough === undefined || (request.method !== 'GET' && request.method !== 'HEAD')) return
    const freshness =
      target.kind === 'manifest'
        ? await pullThrough.freshen(repository, existing(target.reference), signal)
        : target.kind === 'referrers'
          ? await pullThrough.freshenReferrers(repository, parseDigestAtEdge(target.reference), signal)
          : 'fresh'
    if (freshness === 'stale') reply.header('warning', STALE)
  }

  #methodsOf(kind: string): string[] {
    const names = Object.keys(this.#endpoints).map((name) => name.split(' '))
    const methods = names.flatMap(([method = '', of]) => (of === kind ? [method] : []))
    return methods.includes('GET') ? ['HEAD', ...methods] : methods
  }
}

interface Outside {
  readonly request: FastifyRequest
  readonly reply: FastifyReply
  readonly query: Query
  readonly caller: Caller
  readonly principal: Principal
}

function endpointsOf(deps: RouterDeps): Readonly<Record<string, Endpoint>> {
  const { blobs, uploads, manifests, listings, admission } = deps
  const on = <K extends InRepository['kind']>(
    action: Action,
    act: (exchange: Exchange, target: Named<K>) => Promise<unknown>,
  ): Endpoint => ({ action, act })
  const mayPull = (exchange: Exchange) => (repository: RepositoryName) =>
    admission.may(exchange.principal, repository, 'pull')
  return {
    'GET blob': on<'blob'>('pull', (exchange, { reference }) => sendBlob(exchange, deps, reference)),
    'DELETE blob': on<'blob'>('delete', (exchange, { reference }) => deleteBlob(exchange, blobs, reference)),
    'GET manifest': on<'manifest'>('pull', (exchange, { reference }) => sendManifest(exchange, manifests, reference)),
    'PUT manifest': on<'manifest'>('push', (exchange, { reference }) => takeManifest(exchange, manifests, reference)),
    'DELETE manifest': on<'manifest'>('delete', (exchange, { reference }) =>
      deleteManifest(exchange, manifests, reference),
    ),
    'GET tags': on<'tags'>('pull', (exchange) => sendTags(exchange, listings)),
    'GET referrers': on<'referrers'>('pull', (exchange, { reference }) => sendReferrers(exchange, listings, reference)),
    'GET repository-discover': on<'repository-discover'>('pull', async ({ reply }) =>
      reply.type(JSON_TYPE).send(EXTENSIONS),
    ),
    'POST uploads': on<'uploads'>('push', (exchange) => beginUpload(exchange, uploads, mayPull(exchange))),
    'GET upload': on<'upload'>('push', (exchange, { id }) => sendUploadState(exchange, uploads, id)),
    'PATCH upload': on<'upload'>('push', (exchange, { id }) => takeChunk(exchange, uploads, id)),
    'PUT upload': on<'upload'>('push', (exchange, { id }) => finishUpload(exchange, uploads, id)),
    'DELETE upload': on<'upload'>('push', (exchange, { id }) => cancelUpload(exchange, uploads, id)),
  }
}

/** Ends when the client goes away. */
function signalOf({ raw }: FastifyRequest): AbortSignal {
  const abort = new AbortController()
  const { socket } = raw
  const gone = (): void => abort.abort(new CaissonError('cancelled', 'the client went away'))
  socket.once('close', gone)
  raw.once('close', () => socket.off('close', gone))
  return abort.signal
}

function wrongMethod({ method }: FastifyRequest, allowed: readonly string[], reply: FastifyReply): CaissonError {
  reply.header('allow', allowed.join(', '))
  const message = `${method} is not for this: use ${allowed.join(', ')}`
  return new CaissonError('unimplemented', message, { reason: 'UNSUPPORTED' })
}
