import type { Socket } from 'node:net'
import type { SecureContextOptions } from 'node:tls'
import { CaissonError } from '@caisson/api'
import type { Logger } from '@caisson/service-kit'
import { type FastifyInstance, type FastifyReply, type FastifyRequest, fastify } from 'fastify'
import { drain } from './body.ts'
import { errorBody, failureOf, JSON_TYPE } from './failures.ts'
import { closeIdle } from './idle.ts'
import type { Gatekeeper } from './ports.ts'
import type { Router } from './router.ts'

export interface HttpOptions {
  readonly host: string
  readonly port: number
  /** Absent: plain HTTP. */
  readonly tls: SecureContextOptions | undefined
  /** Addresses of proxies whose X-Forwarded headers are believed. */
  readonly trustedProxies: readonly string[]
  /** Milliseconds without a byte in either direction after which a connection is closed. */
  readonly idleMs: number
  /** Most connections at a time. */
  readonly maxConnections: number
  readonly log: Logger
  /** Adds what is served beside the protocol. */
  readonly beside: ((app: FastifyInstance) => void) | undefined
}

export interface HttpServer extends AsyncDisposable {
  readonly host: string
  readonly port: number
  /** Takes new certificates for the connections to come. */
  renew(tls: SecureContextOptions): void
}

const HEADERS_MS = 30_000
const KEEP_ALIVE_MS = 75_000
const METHODS = ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS']

/** Serves the distribution protocol. Disposing lets requests in flight end, for `graceMs` at most. */
export async function serveHttp(
  router: Router,
  gate: Gatekeeper,
  options: HttpOptions,
  graceMs: number,
): Promise<HttpServer> {
  const app = build(options)
  const route = (request: FastifyRequest, reply: FastifyReply) => router.handle(request, reply)
  gate.register(app)
  app.route({ method: METHODS, url: '/v2', handler: route })
  app.route({ method: METHODS, url: '/v2/*', handler: route })
  options.beside?.(app)
  closeIdle(app, options.idleMs)
  const sockets = bound(app, options)
  await app.listen({ host: options.host, port: options.port })
  const address = app.server.address()
  if (address === null || typeof address === 'string') throw new Error('the server has no port')
  return {
    host: address.address,
    port: address.port,
    renew: (tls) => {
      if ('setSecureContext' in app.server && typeof app.server.setSecureContext === 'function')
        app.server.setSecureContext({ ...tls, minVersion: 'TLSv1.2' })
    },
    [Symbol.asyncDispose]: async () => {
      const late = setTimeout(() => {
        for (const socket of sockets) socket.destroy()
      }, graceMs)
      await app.close()
      clearTimeout(late)
    },
  }
}

function build(options: HttpOptions): FastifyInstance {
  const common = {
    trustProxy: options.trustedProxies.length > 0 ? [...options.trustedProxies] : false,
    exposeHeadRoutes: false,
    forceCloseConnections: 'idle' as const,
    requestTimeout: 0,
    // Clients are told of it: they do not use a connection that is about to be closed.
    keepAliveTimeout: Math.min(KEEP_ALIVE_MS, options.idleMs),
    connectionTimeout: options.idleMs,
    http: { headersTimeout: HEADERS_MS },
    frameworkErrors: (error: Error, request: FastifyRequest, reply: FastifyReply) =>
      void fail(error, request, reply, options.log),
  }
  const app =
    options.tls === undefined
      ? fastify(common)
      : (fastify({ ...common, https: { ...options.tls, minVersion: 'TLSv1.2' } }) as unknown as FastifyInstance)
  // Bodies are read where they are wanted.
  app.removeAllContentTypeParsers()
  app.addContentTypeParser('*', (_request, _body, done) => done(null))
  app.addHook('onRequest', (_request, reply, done) => {
    reply.header('docker-distribution-api-version', 'registry/2.0').header('x-content-type-options', 'nosniff')
    done()
  })
  app.setErrorHandler((error, request, reply) => fail(error, request, reply, options.log))
  app.setNotFoundHandler((_request, reply) =>
    reply.code(404).type(JSON_TYPE).send(errorBody('NAME_UNKNOWN', 'no such endpoint')),
  )
  return app
}

/** Keeps the connections within their bounds. */
function bound(app: FastifyInstance, options: HttpOptions): Set<Socket> {
  const sockets = new Set<Socket>()
  app.server.maxConnections = options.maxConnections
  app.server.on('connection', (socket: Socket) => {
    sockets.add(socket)
    socket.setNoDelay(true)
    socket.once('close', () => sockets.delete(socket))
  })
  return sockets
}

/** The one place where errors become answers. */
async function fail(thrown: unknown, request: FastifyRequest, reply: FastifyReply, log: Logger): Promise<unknown> {
  const error = asError(thrown)
  const { status, code } = failureOf(error)
  if (status >= 500)
    log.error({ error: insides(error), method: request.method, url: request.raw.url }, 'request failed')
  else log.debug({ reason: error.reason, method: request.method, url: request.raw.url }, 'request refused')
  if (error.code === 'cancelled') {
    request.raw.destroy()
    reply.hijack()
    return reply
  }
  for (const name of ['content-length', 'content-type', 'etag', 'accept-ranges', 'docker-content-digest'])
    reply.removeHeader(name)
  if (!(await drain(request))) reply.header('connection', 'close')
  if (status === 429 || status === 503) reply.header('retry-after', error.details['retryAfter'] ?? '5')
  return reply
    .code(status)
    .type(JSON_TYPE)
    .send(errorBody(code, error.message, error.details))
}

function asError(thrown: unknown): CaissonError {
  const code = thrown instanceof Error && 'code' in thrown ? String(thrown.code) : ''
  // The framework's own: a path that it cannot read.
  if (code.startsWith('FST_'))
    return new CaissonError('invalid-argument', 'the request cannot be read', { reason: 'NAME_INVALID' })
  if (code === 'ECONNRESET' || code === 'ERR_STREAM_PREMATURE_CLOSE')
    return new CaissonError('cancelled', 'the client went away', { cause: thrown })
  return CaissonError.from(thrown)
}

function insides(error: CaissonError): unknown {
  return {
    reason: error.reason,
    message: error.message,
    cause: error.cause instanceof Error ? error.cause.stack : error.cause,
  }
}
