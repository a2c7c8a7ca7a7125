import { exhausted, unavailable } from '@caisson/api'
import { parseJson } from '@caisson/oci'
import { z } from 'zod'
import type { RegistryAuth } from '../credentials/source.ts'
import { unauthenticated } from '../errors.ts'
import type { HttpRequest, RequestBody } from '../http/exchange.ts'
import type { HttpResponse } from '../http/response.ts'

export interface TokenQuestion {
  readonly realm: URL
  readonly service: string | undefined
  /** "repository:library/debian:pull". */
  readonly scopes: readonly string[]
  readonly auth: RegistryAuth | undefined
}

export interface Token {
  readonly value: string
  /** On the clock of performance.now(). */
  readonly expiresAt: number
}

/** Sends to the token server; never more than once for each call. */
export type AskTokenServer = (request: HttpRequest) => Promise<HttpResponse>

const CLIENT_ID = 'caisson'
const MAX_ANSWER = 256 << 10
const DEFAULT_SECONDS = 60
/** Servers of old are known to say less and mean more. */
const LEAST_SECONDS = 30
const MOST_SECONDS = 86_400
const TOKEN = /^[\x21-\x7e]{1,65536}$/

const answerSchema = z.object({
  token: z.string().optional(),
  access_token: z.string().optional(),
  expires_in: z.number().optional(),
})

/**
 * Gets an access token: by OAuth2 (POST) for an identity token, otherwise by GET with or without basic authentication; a
 * server that knows no POST is asked by GET. Throws REGISTRY_LOGIN_REQUIRED when it refuses, REGISTRY_RATE_LIMITED or
 * REGISTRY_UNREACHABLE when it cannot.
 */
export async function requestToken(question: TokenQuestion, ask: AskTokenServer): Promise<Token> {
  const asked = performance.now()
  if (question.auth?.identityToken !== undefined) {
    const response = await ask(oauthRequest(question, question.auth.identityToken))
    if (response.status !== 404 && response.status !== 405) return await readToken(response, question, asked)
    response.discard()
  }
  return await readToken(await ask(plainRequest(question)), question, asked)
}

function plainRequest({ realm, service, scopes, auth }: TokenQuestion): HttpRequest {
  const url = new URL(realm)
  if (service !== undefined) url.searchParams.append('service', service)
  for (const scope of scopes) url.searchParams.append('scope', scope)
  url.searchParams.append('client_id', CLIENT_ID)
  const authorization = auth && basicAuthorization(auth)
  return {
    method: 'GET',
    url,
    headers: { accept: 'application/json', ...(authorization !== undefined && { authorization }) },
  }
}

function oauthRequest({ realm, service, scopes }: TokenQuestion, refreshToken: string): HttpRequest {
  const form = new URLSearchParams({ grant_type: 'refresh_token', client_id: CLIENT_ID, refresh_token: refreshToken })
  if (service !== undefined) form.append('service', service)
  if (scopes.length > 0) form.append('scope', scopes.join(' '))
  const headers = { accept: 'application/json', 'content-type': 'application/x-www-form-urlencoded' }
  return { method: 'POST', url: realm, headers, body: bufferBody(Buffer.from(form.toString())) }
}

export function bufferBody(bytes: Uint8Array): RequestBody {
  return {
    length: bytes.length,
    async *chunks() {
      yield bytes
    },
  }
}

/** Undefined without a user name; an identity token stands in for a password where nothing else is understood. */
export function basicAuthorization({ username, password, identityToken }: RegistryAuth): string | undefined {
  const secret = password ?? identityToken
  if (secret === undefined || (username === undefined && password !== undefined)) return undefined
  return `Basic ${Buffer.from(`${username ?? '<token>'}:${secret}`).toString('base64')}`
}

async function readToken(response: HttpResponse, { realm, auth }: TokenQuestion, asked: number): Promise<Token> {
  if (response.status !== 200) {
    response.discard()
    throw refused(response.status, realm.host, auth !== undefined)
  }
  const answer = answerSchema.safeParse(parse(await response.bytes(MAX_ANSWER)))
  const value = answer.data?.token || answer.data?.access_token
  if (value === undefined || !TOKEN.test(value))
    throw unauthenticated('REGISTRY_LOGIN_REQUIRED', `the token server ${realm.host} gives no token that can be used`)
  const seconds = Math.min(Math.max(answer.data?.expires_in ?? DEFAULT_SECONDS, LEAST_SECONDS), MOST_SECONDS)
  return { value, expiresAt: asked + seconds * 900 }
}

function refused(status: number, host: string, hasCredentials: boolean): Error {
  const details = { status: String(status) }
  const message = `the token server ${host} gives no token (HTTP ${status})`
  if (status === 429) return exhausted('REGISTRY_RATE_LIMITED', `${message}: wait, then try again`, { details })
  if (status >= 500) return unavailable('REGISTRY_UNREACHABLE', `${message}: try again later`, { details })
  const advice = hasCredentials ? 'log in again: it does not take the credentials' : 'log in first'
  return unauthenticated('REGISTRY_LOGIN_REQUIRED', `${message}: ${advice}`, { details })
}

/** What JSON.parse says could hold a piece of a token. */
function parse(bytes: Buffer): unknown {
  try {
    return parseJson(bytes, { subject: 'token', maxBytes: MAX_ANSWER })
  } catch {
    return undefined
  }
}
