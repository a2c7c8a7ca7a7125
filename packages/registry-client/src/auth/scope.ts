const SCOPE = /^([a-z0-9()-]{1,64}):([^\s,"]{1,512}):([a-zA-Z0-9,*_-]{0,128})$/
const MAX_SCOPES = 64

export type RepositoryActions = 'pull' | 'pull,push' | 'delete'

export function repositoryScope(repository: string, actions: RepositoryActions): string {
  return `repository:${repository}:${actions}`
}

/** Scopes of a challenge: divided by spaces. What is none is passed over, and so is everything after the 64th. */
export function parseScopes(text: string | undefined): string[] {
  return (text ?? '').split(' ', MAX_SCOPES).filter((scope) => SCOPE.test(scope))
}

/** One scope for each resource, with all actions that any list asks for, sorted. */
export function mergeScopes(...lists: readonly (readonly string[])[]): string[] {
  const actions = new Map<string, Set<string>>()
  for (const scope of lists.flat()) {
    const colon = scope.lastIndexOf(':')
    const known = actions.get(scope.slice(0, colon)) ?? new Set()
    for (const action of scope.slice(colon + 1).split(',')) known.add(action)
    actions.set(scope.slice(0, colon), known)
  }
  return [...actions].map(([resource, wanted]) => `${resource}:${[...wanted].sort().join(',')}`).sort()
}
