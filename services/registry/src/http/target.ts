/** What a path means. Texts are not checked yet. */
export type Target =
  | { readonly kind: 'base' | 'catalog' | 'discover' }
  | { readonly kind: 'repository-discover' | 'tags' | 'uploads'; readonly name: string }
  | { readonly kind: 'upload'; readonly name: string; readonly id: string }
  | { readonly kind: 'blob' | 'manifest' | 'referrers'; readonly name: string; readonly reference: string }

const PREFIX = '/v2/'
const MOST_PATH = 2_048

/**
 * Reads a path as it stands in the request. Nothing in it needs an escape but the colon of a digest, which some clients
 * escape; any other escape is kept and fails where names are checked. Undefined: no such endpoint.
 */
export function targetOf(path: string): Target | undefined {
  if (path === '/v2' || path === PREFIX) return { kind: 'base' }
  if (!path.startsWith(PREFIX) || path.length > MOST_PATH) return undefined
  const rest = path.slice(PREFIX.length)
  if (rest === '_catalog') return { kind: 'catalog' }
  if (rest === '_oci/ext/discover') return { kind: 'discover' }
  return inRepository(rest)
}

function inRepository(path: string): Target | undefined {
  if (path.endsWith('/blobs/uploads/') || path.endsWith('/blobs/uploads'))
    return { kind: 'uploads', name: path.slice(0, path.lastIndexOf('/blobs/uploads')) }
  if (path.endsWith('/tags/list')) return { kind: 'tags', name: path.slice(0, -'/tags/list'.length) }
  if (path.endsWith('/_oci/ext/discover'))
    return { kind: 'repository-discover', name: path.slice(0, -'/_oci/ext/discover'.length) }
  const slash = path.lastIndexOf('/')
  if (slash === -1) return undefined
  const head = path.slice(0, slash)
  const reference = path.slice(slash + 1).replace(/%3a/i, ':')
  if (head.endsWith('/blobs/uploads'))
    return { kind: 'upload', name: head.slice(0, -'/blobs/uploads'.length), id: reference }
  for (const [kind, ending] of ENDINGS)
    if (head.endsWith(ending)) return { kind, name: head.slice(0, -ending.length), reference }
  return undefined
}

const ENDINGS = [
  ['blob', '/blobs'],
  ['manifest', '/manifests'],
  ['referrers', '/referrers'],
] as const
