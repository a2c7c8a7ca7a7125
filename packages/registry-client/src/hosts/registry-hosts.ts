import { readFileSync } from 'node:fs'
import { invalid } from '@caisson/api'
import { isLoopbackName } from '../http/reach.ts'
import {
  type MirrorConfig,
  PLAIN_REGISTRY,
  type RegistriesConfig,
  type RegistryConfig,
  type ServerConfig,
} from './config.ts'
import type { Endpoint } from './endpoint.ts'

/** Which servers answer for a registry. */
export interface RegistryHosts {
  /** Mirrors in their order, the registry itself last. The registry is given as in references. */
  endpoints(registry: string): readonly Endpoint[]
}

const DOCKER_HUB = 'docker.io'
const DOCKER_HUB_HOST = 'registry-1.docker.io'

/**
 * Hosts by configuration. Certificates are read now; a file that cannot be read is an error that names it
 * (REGISTRY_CONFIG_INVALID).
 */
export function registryHosts(config: RegistriesConfig = {}): RegistryHosts {
  const entries = new Map(Object.entries(config).map(([name, entry]) => [name.toLowerCase(), prepare(entry)]))
  const rest = entries.get('*') ?? prepare(PLAIN_REGISTRY)
  return {
    endpoints(registry) {
      const { entry, tls, mirrors } = entries.get(registry.toLowerCase()) ?? rest
      return [...mirrors.map((mirror) => mirrorEndpoint(registry, mirror)), ownEndpoint(registry, entry, tls)]
    },
  }
}

type ServerTls = Pick<Endpoint, 'tls' | 'tlsElsewhere'>

interface Prepared {
  readonly entry: RegistryConfig
  readonly tls: ServerTls
  readonly mirrors: readonly { readonly entry: MirrorConfig; readonly tls: ServerTls }[]
}

function prepare(entry: RegistryConfig): Prepared {
  return { entry, tls: tlsOf(entry), mirrors: entry.mirrors.map((mirror) => ({ entry: mirror, tls: tlsOf(mirror) })) }
}

function ownEndpoint(registry: string, entry: RegistryConfig, { tls, tlsElsewhere }: ServerTls): Endpoint {
  const host = registry === DOCKER_HUB ? DOCKER_HUB_HOST : registry
  const isPlain = entry.plainHttp ?? (isLoopbackName(host) && tls.ca === undefined && tls.client === undefined)
  return {
    registry,
    host,
    origin: new URL(`${isPlain ? 'http' : 'https'}://${host}`).origin,
    isMirror: false,
    resolvesTags: true,
    apiPath: '/v2',
    repositoryPrefix: '',
    headers: entry.headers,
    tokenHosts: entry.tokenHosts,
    tls,
    tlsElsewhere,
  }
}

function mirrorEndpoint(
  registry: string,
  { entry, tls: { tls, tlsElsewhere } }: Prepared['mirrors'][number],
): Endpoint {
  const url = new URL(entry.url)
  return {
    registry,
    host: url.host,
    origin: url.origin,
    isMirror: true,
    resolvesTags: entry.resolvesTags,
    apiPath: entry.apiPath,
    repositoryPrefix: entry.repositoryPrefix,
    headers: entry.headers,
    tokenHosts: entry.tokenHosts,
    tls,
    tlsElsewhere,
  }
}

function tlsOf({ caFile, clientCertificate }: ServerConfig): ServerTls {
  const ca = caFile === undefined ? undefined : read(caFile)
  const client = clientCertificate && { cert: read(clientCertificate.certFile), key: read(clientCertificate.keyFile) }
  return { tls: { ca, client }, tlsElsewhere: { ca, client: undefined } }
}

function read(file: string): string {
  try {
    return readFileSync(file, 'utf8')
  } catch (cause) {
    const message = `${file}, which the registries are configured with, cannot be read: ${String(cause)}`
    throw invalid(message, { reason: 'REGISTRY_CONFIG_INVALID', details: { file }, cause })
  }
}
