import { CaissonError, invalid } from '@caisson/api'
import type { Logger } from '@caisson/service-kit'
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import type { Access } from '../access/access-tokens.ts'
import { parseAuthorization } from '../access/authorization.ts'
import { unauthorized } from '../access/logins.ts'
import { CATALOG_SCOPE, repositoryScope } from '../access/scope.ts'
import type { GivenToken, TokenRequest, TokenService } from '../access/token-service.ts'

export const TOKEN_PATH = '/token'
/** 64 scopes of 255 characters, a password and a refresh token, each escaped. */
const MAX_FORM = 64 << 10
const FORM = 'application/x-www-form-urlencoded'

/**
 * The token service over HTTP: GET with Basic, as the distribution project describes it, and POST with an OAuth2 form.
 * Nothing that it answers is kept by caches, looked into by browsers, or shared with other origins.
 */
export function tokenEndpoint(app: FastifyInstance, service: TokenService, log: Logger): void {
  app.register(async (scope) => {
    scope.addContentTypeParser(FORM, { parseAs: 'string', bodyLimit: MAX_FORM }, (_, body, done) => done(null, body))
    scope.addHook('onRequest', async (_, reply) => {
      reply.headers({ 'cache-control': 'no-store', pragma: 'no-cache', 'x-content-type-options': 'nosniff' })
    })
    scope.setErrorHandler((error, _, reply) => refuse(CaissonError.from(formError(error)), reply, log))
    scope.get(TOKEN_PATH, async (request) => bodyOf(await service.give(queryRequest(request), request.ip)))
    scope.post(TOKEN_PATH, async (request) => {
      const given = await service.give(formRequest(request), request.ip)
      return { ...bodyOf(given), scope: scopeOf(given.access) }
    })
  })
}

function queryRequest(request: FastifyRequest): TokenRequest {
  const question = request.url.indexOf('?')
  const query = new URLSearchParams(question === -1 ? '' : request.url.slice(question))
  return {
    login: loginOf(request.headers.authorization),
    service: query.get('service') ?? '',
    scopes: query.getAll('scope'),
    offline: query.get('offline_token') === 'true' || query.get('access_type') === 'offline',
    client: query.get('client_id') ?? '',
  }
}

function formRequest({ body }: FastifyRequest): TokenRequest {
  const form = new URLSearchParams(formText(body))
  return {
    login: grantOf(form),
    service: form.get('service') ?? '',
    scopes: form.getAll('scope'),
    offline: form.get('access_type') === 'offline',
    client: form.get('client_id') ?? '',
  }
}

/** Other types may be known to the server around us, and are no forms. */
function formText(body: unknown): string {
  if (typeof body === 'string') return body
  throw invalid(`a token is asked for with ${FORM}`, { reason: 'FORM_EXPECTED' })
}

function loginOf(header: string | undefined): TokenRequest['login'] {
  const authorization = parseAuthorization(header)
  if (authorization.scheme === 'bearer') throw unauthorized('a token is got by a name and a password, not by a token')
  return authorization.scheme === 'none'
    ? { kind: 'none' }
    : { kind: 'password', credentials: authorization.credentials }
}

function grantOf(form: URLSearchParams): TokenRequest['login'] {
  switch (form.get('grant_type')) {
    case 'password':
      return {
        kind: 'password',
        credentials: { username: form.get('username') ?? '', password: form.get('password') ?? '' },
      }
    case 'refresh_token':
      return { kind: 'identity-token', token: form.get('refresh_token') ?? '' }
    default:
      throw invalid('grant_type must be password or refresh_token', { reason: 'GRANT_TYPE_UNKNOWN' })
  }
}

function bodyOf({ token, expiresIn, issuedAt, identityToken }: GivenToken) {
  return {
    token,
    access_token: token,
    token_type: 'Bearer',
    expires_in: expiresIn,
    issued_at: new Date(issuedAt).toISOString(),
    ...(identityToken !== undefined && { refresh_token: identityToken }),
  }
}

function scopeOf({ repositories, catalog }: Access): string {
  const scopes = [...repositories].map(([name, actions]) => repositoryScope(name, actions))
  return [...scopes, ...(catalog ? [CATALOG_SCOPE] : [])].join(' ')
}

/** How a refusal is told: to clients of the distribution project, and in the words of OAuth2. */
type Refusal = { readonly status: number; readonly code: string; readonly error: string }

const REFUSALS: Readonly<Record<string, Refusal>> = {
  UNAUTHORIZED: { status: 401, code: 'UNAUTHORIZED', error: 'invalid_grant' },
  TOOMANYREQUESTS: { status: 429, code: 'TOOMANYREQUESTS', error: 'slow_down' },
  LIMIT: { status: 400, code: 'DENIED', error: 'invalid_scope' },
  SERVICE_UNKNOWN: { status: 400, code: 'DENIED', error: 'invalid_request' },
  GRANT_TYPE_UNKNOWN: { status: 400, code: 'UNSUPPORTED', error: 'unsupported_grant_type' },
  FORM_TOO_LARGE: { status: 413, code: 'DENIED', error: 'invalid_request' },
  FORM_EXPECTED: { status: 415, code: 'UNSUPPORTED', error: 'invalid_request' },
  INVALID: { status: 400, code: 'DENIED', error: 'invalid_request' },
}

const OURS: Refusal = { status: 500, code: 'UNKNOWN', error: 'server_error' }
const AWAY: Refusal = { status: 503, code: 'UNKNOWN', error: 'temporarily_unavailable' }

function refuse(error: CaissonError, reply: FastifyReply, log: Logger): FastifyReply {
  const { status, code, error: word } = REFUSALS[error.reason] ?? (error.code === 'unavailable' ? AWAY : OURS)
  if (status >= 500) log.error({ error: error.message, cause: String(error.cause) }, 'a token could not be given out')
  if (status === 401) reply.header('www-authenticate', 'Basic realm="registry"')
  if (status === 429) reply.header('retry-after', error.details['retryAfter'] ?? '60')
  const { message } = error
  return reply
    .status(status)
    .type('application/json; charset=utf-8')
    .send(JSON.stringify({ errors: [{ code, message, detail: {} }], error: word, error_description: message }))
}

/** What fastify itself refuses. */
function formError(error: unknown): unknown {
  if (!(error instanceof Error) || !('code' in error)) return error
  if (error.code === 'FST_ERR_CTP_BODY_TOO_LARGE')
    return invalid(`a form has at most ${MAX_FORM} bytes`, { reason: 'FORM_TOO_LARGE' })
  if (error.code === 'FST_ERR_CTP_INVALID_MEDIA_TYPE')
    return invalid(`a token is asked for with ${FORM}`, { reason: 'FORM_EXPECTED' })
  return 'statusCode' in error && error.statusCode === 400 ? invalid('the request cannot be read') : error
}
