import { exhausted } from '@caisson/api'
import { isRepositoryName, type RepositoryName } from '../distribution/names.ts'
import { ACTIONS, type Action, isAction } from './right.ts'

/** What a client asks a token for. */
export type AskedScopes = {
  /** By repository; what was asked for several times is put together. */
  readonly repositories: ReadonlyMap<RepositoryName, ReadonlySet<Action>>
  /** `registry:catalog:*` */
  readonly catalog: boolean
}

const MAX_SCOPES = 64
const MAX_SCOPE_LENGTH = 1_024

/**
 * Reads the `scope` parameters of a token request: each may be repeated and may hold several scopes divided by spaces.
 * A scope is `type:name:actions`; the name may hold colons (a host with a port), so the first and the last colon divide.
 * What this registry cannot give (other types, classes, names that no repository can have, unknown actions) is passed
 * over, for a client may ask for more than it gets. More than 64 scopes throw LIMIT.
 */
export function parseScopes(parameters: readonly string[]): AskedScopes {
  const scopes = parameters.flatMap((parameter) => parameter.split(' ')).filter((word) => word !== '')
  if (scopes.length > MAX_SCOPES)
    throw exhausted('LIMIT', `a token can be asked for with at most ${MAX_SCOPES} scopes: ask for several tokens`)
  const repositories = new Map<RepositoryName, Set<Action>>()
  let catalog = false
  for (const scope of scopes) {
    const { type, name, actions } = split(scope)
    if (type === 'registry' && name === 'catalog' && actions.includes('*')) catalog = true
    if (type !== 'repository' || !isRepositoryName(name)) continue
    const known = repositories.get(name) ?? new Set()
    for (const action of actions.flatMap(meant)) known.add(action)
    repositories.set(name, known)
  }
  return { repositories, catalog }
}

/** `repository:team/app:pull,push` */
export function repositoryScope(repository: string, actions: Iterable<Action>): string {
  const wanted = new Set(actions)
  return `repository:${repository}:${ACTIONS.filter((action) => wanted.has(action)).join(',')}`
}

export const CATALOG_SCOPE = 'registry:catalog:*'

function split(scope: string): { type: string; name: string; actions: string[] } {
  const [first, last] = [scope.indexOf(':'), scope.lastIndexOf(':')]
  if (first === last || scope.length > MAX_SCOPE_LENGTH) return { type: '', name: '', actions: [] }
  return { type: scope.slice(0, first), name: scope.slice(first + 1, last), actions: scope.slice(last + 1).split(',') }
}

function meant(word: string): readonly Action[] {
  if (word === '*') return ACTIONS
  return isAction(word) ? [word] : []
}
