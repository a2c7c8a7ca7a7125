import { isIP } from 'node:net'
import { bareHost, type Endpoint, type Reach, reachOf } from '@caisson/registry-client'
import type { Upstream } from '../upstream/upstream.ts'

/** How an upstream is reached: as it was set, and nowhere else. */
export function upstreamEndpoint(upstream: Upstream): Endpoint {
  const { host, origin } = new URL(upstream.url)
  const tls = { ca: upstream.ca === '' ? undefined : upstream.ca, client: undefined }
  return {
    registry: upstream.name,
    ...{ host, origin, tls, tlsElsewhere: tls },
    isMirror: false,
    resolvesTags: true,
    apiPath: '/v2',
    repositoryPrefix: '',
    headers: {},
    tokenHosts: upstream.tokenHosts,
    confinement: { reaches: reachesOf(bareHost(host), upstream.privateNetwork) },
  }
}

/** The world, and what kind of network the address itself is in. Of a name nothing is known before it is looked up. */
function reachesOf(host: string, isPrivate: boolean): ReadonlySet<Reach> {
  if (host === 'localhost') return new Set(['public', 'loopback'])
  if (isIP(host) !== 0) return new Set(['public', reachOf(host)])
  return new Set(isPrivate ? ['public', 'private', 'loopback'] : ['public'])
}
