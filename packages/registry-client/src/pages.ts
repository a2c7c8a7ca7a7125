import { exhausted } from '@caisson/api'
import { permissionDenied } from './errors.ts'
import { parseNextLink } from './headers/link.ts'
import { namedTarget } from './http/redirect.ts'
import type { HttpResponse } from './http/response.ts'
import type { RegistryRequest, Session } from './session.ts'

const MAX_PAGES = 10_000

/**
 * The answers to a request that comes in pages (Link, rel=next). Each is to be read before the next is asked for. Links
 * stay at the registry; REGISTRY_ANSWER_INVALID when they lead away, REGISTRY_ANSWER_TOO_LARGE when they do not end.
 */
export async function* pages(
  session: Session,
  first: RegistryRequest,
  signal: AbortSignal,
): AsyncGenerator<HttpResponse> {
  const seen = new Set<string>()
  let request: RegistryRequest | undefined = first
  while (request) {
    const response: HttpResponse = await session.send(request, signal)
    const next = parseNextLink(response.header('link'))
    yield response
    if (next === undefined || response.status !== 200) return
    const target = namedTarget(response, next)
    if (target.origin !== session.endpoint.origin || !target.pathname.startsWith(`${session.endpoint.apiPath}/`))
      throw permissionDenied('REGISTRY_ANSWER_INVALID', `${session.endpoint.host} continues a list at another place`)
    if (seen.has(target.href) || seen.size >= MAX_PAGES)
      throw exhausted('REGISTRY_ANSWER_TOO_LARGE', `${session.endpoint.host} gives a list that does not end`)
    seen.add(target.href)
    request = { method: 'GET', target, isRepeatable: true }
  }
}
