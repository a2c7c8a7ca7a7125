import { invalid } from '@caisson/api/error'

/** One side of a copy: a path of a container, one of this host, or a tar on standard input or output. */
export type Endpoint =
  | { readonly kind: 'container'; readonly container: string; readonly path: string }
  | { readonly kind: 'host'; readonly path: string }
  | { readonly kind: 'stream' }

/** Reads CONTAINER:PATH, PATH or -. A path of the host that has a colon is written with ./ or / in front. */
export function parseEndpoint(text: string): Endpoint {
  if (text === '-') return { kind: 'stream' }
  const colon = text.indexOf(':')
  if (text.startsWith('/') || text.startsWith('.') || colon < 0) {
    if (text === '') throw invalid('a path is missing: name CONTAINER:PATH, PATH or -', { reason: 'USAGE' })
    return { kind: 'host', path: text }
  }
  const [container, path] = [text.slice(0, colon), text.slice(colon + 1)]
  if (container === '' || path === '')
    throw invalid(`${text}: name a container and a path of it, as in web:/etc/hosts`, { reason: 'USAGE' })
  return { kind: 'container', container, path: path.startsWith('/') ? path : `/${path}` }
}
