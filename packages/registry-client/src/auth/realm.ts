import { parse } from 'tldts'
import { permissionDenied } from '../errors.ts'
import type { Endpoint } from '../hosts/endpoint.ts'
import { bareHost, isLoopbackName } from '../http/reach.ts'

/**
 * Whether a token server that a registry names may be asked. It speaks https if the registry does. Credentials go only to
 * the registry's own site (its host, or another host below the same domain; of a confined one its host and port alone) and
 * to hosts that are configured as its tokenHosts; without credentials any host may be asked. Throws REGISTRY_REALM_REFUSED.
 */
export function trustedRealm(realm: string, endpoint: Endpoint, hasCredentials: boolean): URL {
  const url = URL.canParse(realm) ? new URL(realm) : undefined
  if (!url || !/^https?:$/.test(url.protocol) || url.username !== '' || url.password !== '')
    throw refused(endpoint, 'names no token server that can be asked')
  if (url.protocol === 'http:' && endpoint.origin.startsWith('https:'))
    throw refused(endpoint, `sends to ${url.host} by http for a token, although it is https itself`)
  if (!hasCredentials || isSameSite(url.host, endpoint)) return url
  throw refused(
    endpoint,
    `wants its credentials to be sent to ${url.host}: if that is right, add it to the tokenHosts of the registry`,
  )
}

function isSameSite(host: string, endpoint: Endpoint): boolean {
  if (endpoint.tokenHosts.some((known) => known.toLowerCase() === host)) return true
  if (endpoint.confinement !== undefined) return host === new URL(endpoint.origin).host
  const [name, own] = [bareHost(host), bareHost(endpoint.host)]
  if (name === own || (isLoopbackName(name) && isLoopbackName(own))) return true
  const site = siteOf(own)
  return site !== undefined && (name === site || name.endsWith(`.${site}`))
}

/**
 * The domain that a host is in, whose other hosts are its owner's too: "docker.io" of registry-1.docker.io. The host itself
 * where that domain is a public suffix (publicsuffix.org), below which anybody has hosts: registry.co.uk, me.github.io.
 * Addresses and single words have none.
 */
function siteOf(host: string): string | undefined {
  const { publicSuffix, isIp } = parse(host, { allowPrivateDomains: true })
  const parent = host.slice(host.indexOf('.') + 1)
  if (isIp || parent === host) return undefined
  return parent === publicSuffix ? host : parent
}

function refused(endpoint: Endpoint, why: string): Error {
  return permissionDenied('REGISTRY_REALM_REFUSED', `the registry ${endpoint.host} ${why}`)
}
