import type { Digest } from '@caisson/oci'
import { isDigest } from '@caisson/oci'
import { isRepositoryName, isTagName, type Reference, type RepositoryName } from '../distribution/names.ts'

/** What page is asked for. `-` is no part of a repository's name, so that it ends one. */
export type PageTarget =
  | { readonly kind: 'home' }
  | { readonly kind: 'login' }
  | { readonly kind: 'asset'; readonly name: string }
  | { readonly kind: 'repository'; readonly repository: RepositoryName }
  | { readonly kind: 'manifest'; readonly repository: RepositoryName; readonly reference: Reference }

export const HOME = '/ui/'
export const LOGIN = '/ui/login'
const ASSETS = '/ui/-/'
const REPOSITORIES = '/ui/r/'
const BETWEEN = '/-/'
const MOST_PATH = 2_048

/** Reads the path of a request. Undefined: no such page, whatever is in the registry. */
export function pageTargetOf(path: string): PageTarget | undefined {
  if (path.length > MOST_PATH) return undefined
  if (path === HOME) return { kind: 'home' }
  if (path === LOGIN) return { kind: 'login' }
  if (path.startsWith(ASSETS)) return { kind: 'asset', name: path.slice(ASSETS.length) }
  if (!path.startsWith(REPOSITORIES)) return undefined
  const [repository = '', text, ...more] = path.slice(REPOSITORIES.length).split(BETWEEN)
  if (!isRepositoryName(repository) || more.length > 0) return undefined
  if (text === undefined) return { kind: 'repository', repository }
  const reference = referenceOf(text.replace(/%3a/i, ':'))
  return reference && { kind: 'manifest', repository, reference }
}

function referenceOf(text: string): Reference | undefined {
  if (isDigest(text)) return { digest: text }
  return isTagName(text) ? { tag: text } : undefined
}

export const repositoryPath = (repository: RepositoryName): string => `${REPOSITORIES}${repository}`

export const manifestPath = (repository: RepositoryName, reference: string | Digest): string =>
  `${REPOSITORIES}${repository}${BETWEEN}${reference}`

export const assetPath = (name: string): string => `${ASSETS}${name}`

/** A path with parameters; those that are undefined are left out. */
export function withQuery(path: string, params: Readonly<Record<string, string | undefined>>): string {
  const query = new URLSearchParams()
  for (const [name, value] of Object.entries(params)) if (value !== undefined && value !== '') query.set(name, value)
  const text = query.toString()
  return text === '' ? path : `${path}?${text}`
}
