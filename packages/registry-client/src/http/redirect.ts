import { type CaissonError, unavailable } from '@caisson/api'
import { permissionDenied } from '../errors.ts'
import type { Route } from './agents.ts'
import { type ExchangeOptions, exchange, type HttpRequest } from './exchange.ts'
import type { HttpResponse } from './response.ts'

const REDIRECTS: ReadonlySet<number> = new Set([301, 302, 303, 307, 308])
const MAX_REDIRECTS = 5
/** All that another server is told. */
const HARMLESS: ReadonlySet<string> = new Set(['accept', 'accept-encoding', 'range', 'user-agent'])

/** The way to a server that another one names. */
export interface Detour {
  readonly home: Route
  /** For every other origin. */
  readonly elsewhere: Route['tls']
}

/**
 * As exchange, and goes after redirects of GET and HEAD: at most 5, never from https to http, never to an address that
 * the redirecting server may not send us to; another origin gets no credentials. Throws REGISTRY_REDIRECT_REFUSED,
 * REGISTRY_ADDRESS_REFUSED, and what exchange throws.
 */
export async function exchangeFollowing(
  request: HttpRequest,
  detour: Detour,
  options: ExchangeOptions,
  signal: AbortSignal,
): Promise<HttpResponse> {
  let current = request
  let route = detour.home
  for (let hops = 0; ; hops++) {
    const response = await exchange(current, route, options, signal)
    const isFollowed = current.method === 'GET' || current.method === 'HEAD'
    if (!isFollowed || !REDIRECTS.has(response.status)) return response
    response.discard()
    if (hops === MAX_REDIRECTS)
      throw unavailable('REGISTRY_REDIRECT_REFUSED', `${request.url.host} redirects more than ${MAX_REDIRECTS} times`)
    const target = namedTarget(response, response.header('location') ?? '')
    const isSameOrigin = target.origin === current.url.origin
    const headers = isSameOrigin ? current.headers : harmless(current.headers)
    route = isSameOrigin ? route : { tls: detour.elsewhere, sentFrom: response.reach }
    current = { ...current, url: target, headers }
  }
}

/** A URL that a server names in Location or Link, checked for everything but its address. */
export function namedTarget(response: HttpResponse, location: string): URL {
  const refuse = (why: string): CaissonError =>
    permissionDenied(
      'REGISTRY_REDIRECT_REFUSED',
      `${response.url.host} points to a place that ${why}: that is not followed`,
    )
  if (location === '' || location.length > 16_384 || !URL.canParse(location, response.url)) throw refuse('is no URL')
  const target = new URL(location, response.url)
  if (target.protocol !== 'https:' && target.protocol !== 'http:') throw refuse('is neither http nor https')
  if (target.protocol === 'http:' && response.url.protocol === 'https:')
    throw refuse('is http, although it is https itself')
  if (target.username !== '' || target.password !== '') throw refuse('holds a user name')
  return target
}

export function harmless(headers: Readonly<Record<string, string>>): Record<string, string> {
  return Object.fromEntries(Object.entries(headers).filter(([name]) => HARMLESS.has(name)))
}
