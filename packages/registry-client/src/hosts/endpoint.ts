import type { Reach } from '../http/reach.ts'

/** What a TLS connection is trusted and shown by. */
export interface TlsMaterial {
  /** PEM, besides the system's. */
  readonly ca: string | undefined
  /** PEM. */
  readonly client: { readonly cert: string; readonly key: string } | undefined
}

/** One server of a registry's API: a mirror of it, or the registry itself. */
export interface Endpoint {
  /** The registry that it answers for, as it stands in references. */
  readonly registry: string
  /** Host and port, for messages and to find its own credentials by. */
  readonly host: string
  /** "https://registry-1.docker.io". */
  readonly origin: string
  readonly isMirror: boolean
  readonly resolvesTags: boolean
  readonly apiPath: string
  readonly repositoryPrefix: string
  readonly headers: Readonly<Record<string, string>>
  readonly tokenHosts: readonly string[]
  readonly tls: TlsMaterial
  /** For servers that this one sends us to: the same authorities, and not who we are. */
  readonly tlsElsewhere: TlsMaterial
  /** Absent: the server may be anywhere, since the machine's own configuration names it. */
  readonly confinement?: Confinement
}

/**
 * Keeps a server that was named over an API to its place. Its credentials go to its own host and port and to its tokenHosts
 * only, not to other hosts of its domain.
 */
export interface Confinement {
  /** Where its name, and those of its tokenHosts, may lead. Looked at as each connection is made. */
  readonly reaches: ReadonlySet<Reach>
}

/** A URL below the endpoint's API: path "/NAME/tags/list". Mirrors are told whose content is wanted by `ns`. */
export function endpointUrl(endpoint: Endpoint, path: string, query: Readonly<Record<string, string>> = {}): URL {
  const url = new URL(endpoint.origin + endpoint.apiPath + path)
  for (const [name, value] of Object.entries(query)) url.searchParams.append(name, value)
  if (endpoint.isMirror) url.searchParams.append('ns', endpoint.registry)
  return url
}
