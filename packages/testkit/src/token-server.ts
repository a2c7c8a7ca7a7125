import { sign, X509Certificate } from 'node:crypto'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { createServer, type IncomingMessage, type RequestListener, type ServerResponse } from 'node:http'
import { createServer as createTlsServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import type { Certificate } from './certificates.ts'

export interface TokenServerOptions {
  /** Of an EC P-256 key: what the registry verifies tokens with. */
  readonly certificate: Certificate
  /** Default: plain http. */
  readonly tls?: Certificate
  readonly users: Readonly<Record<string, string>>
  /** Which actions nobody in particular gets; all others are for users. Default: none. */
  readonly anonymousActions?: readonly string[]
  /** Answers POST (OAuth2) with 404, as old servers do. */
  readonly withoutOauth2?: boolean
  /** Seconds. Default 300. */
  readonly expiresIn?: number
}

export interface TokenRequest {
  readonly method: string
  readonly user: string | undefined
  readonly scopes: readonly string[]
  readonly grantType: string | undefined
}

export interface TokenServer extends AsyncDisposable {
  readonly realm: string
  readonly service: string
  readonly issuer: string
  /** What was asked for, oldest first. */
  readonly requests: readonly TokenRequest[]
  /** A refresh token that a user gets tokens with. */
  refreshToken(user: string): string
}

const SERVICE = 'test registry'
const ISSUER = 'test issuer'

/** A token server as registries have one (the token specification of distribution): GET with basic, POST with OAuth2. */
export async function tokenServer(options: TokenServerOptions): Promise<TokenServer> {
  const requests: TokenRequest[] = []
  const listener: RequestListener = (request, response) => {
    void answer(options, requests, request, response).catch(() => response.destroy())
  }
  const server = options.tls ? createTlsServer(pemOf(options.tls), listener) : createServer(listener)
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  return {
    realm: `${options.tls ? 'https' : 'http'}://127.0.0.1:${port}/token`,
    service: SERVICE,
    issuer: ISSUER,
    requests,
    refreshToken,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections()
      server.close()
      await once(server, 'close')
    },
  }
}

const pemOf = (tls: Certificate): { cert: Buffer; key: Buffer } => ({
  cert: readFileSync(tls.certFile),
  key: readFileSync(tls.keyFile),
})

const refreshToken = (user: string): string => `refresh-of-${user}`

async function answer(
  options: TokenServerOptions,
  requests: TokenRequest[],
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const form = await parametersOf(request)
  const scopes = form.getAll('scope').flatMap((scope) => scope.split(' '))
  const user = userOf(options, request, form)
  const grantType = form.get('grant_type') ?? undefined
  requests.push({ method: request.method ?? '', user: user === false ? undefined : user, scopes, grantType })
  if (request.method === 'POST' && options.withoutOauth2) return reply(response, 404, {})
  if (user === false) return reply(response, 401, { errors: [{ code: 'UNAUTHORIZED', message: 'wrong password' }] })
  const expiresIn = options.expiresIn ?? 300
  const token = signedToken(options, user, scopes, expiresIn)
  const more = form.get('offline_token') === 'true' && user !== undefined ? { refresh_token: refreshToken(user) } : {}
  reply(response, 200, {
    [request.method === 'POST' ? 'access_token' : 'token']: token,
    expires_in: expiresIn,
    ...more,
  })
}

async function parametersOf(request: IncomingMessage): Promise<URLSearchParams> {
  let body = ''
  for await (const chunk of request.setEncoding('utf8')) body += chunk
  return request.method === 'POST' ? new URLSearchParams(body) : new URL(request.url ?? '/', 'http://x').searchParams
}

/** Undefined: nobody in particular. False: credentials that are wrong. */
function userOf(
  options: TokenServerOptions,
  request: IncomingMessage,
  form: URLSearchParams,
): string | undefined | false {
  if (form.get('grant_type') === 'refresh_token')
    return Object.keys(options.users).find((user) => refreshToken(user) === form.get('refresh_token')) ?? false
  const [name, password] =
    form.get('grant_type') === 'password' ? [form.get('username'), form.get('password')] : basic(request)
  if (name === undefined || name === null) return undefined
  return options.users[name] === password ? name : false
}

function basic(request: IncomingMessage): (string | undefined)[] {
  const [scheme, value] = (request.headers.authorization ?? '').split(' ')
  if (scheme !== 'Basic' || value === undefined) return []
  const text = Buffer.from(value, 'base64').toString()
  const colon = text.indexOf(':')
  return [text.slice(0, colon), text.slice(colon + 1)]
}

function signedToken(
  options: TokenServerOptions,
  user: string | undefined,
  scopes: readonly string[],
  expiresIn: number,
): string {
  const now = Math.floor(Date.now() / 1000)
  const access = scopes.filter(Boolean).map((scope) => {
    const [type, name, actions = ''] = scope.split(':')
    const granted = actions
      .split(',')
      .filter((action) => user !== undefined || options.anonymousActions?.includes(action))
    return { type, name, actions: granted }
  })
  const x5c = [new X509Certificate(readFileSync(options.certificate.certFile)).raw.toString('base64')]
  const header = { typ: 'JWT', alg: 'ES256', x5c }
  const times = { exp: now + expiresIn, nbf: now - 10, iat: now }
  const payload = { iss: ISSUER, sub: user ?? '', aud: SERVICE, ...times, jti: String(Math.random()), access }
  const signed = [header, payload].map((part) => Buffer.from(JSON.stringify(part)).toString('base64url')).join('.')
  const key = { key: readFileSync(options.certificate.keyFile), dsaEncoding: 'ieee-p1363' } as const
  return `${signed}.${sign('sha256', Buffer.from(signed), key).toString('base64url')}`
}

function reply(response: ServerResponse, status: number, body: object): void {
  response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body))
}
