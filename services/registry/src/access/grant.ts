import { coversPattern, matchesPattern, type RepositoryPattern } from './pattern.ts'
import { ACTIONS, type Action, actionsOf, type Right } from './right.ts'

/** Rights on the repositories of a pattern. */
export type Grant = {
  readonly repositories: RepositoryPattern
  readonly rights: readonly Right[]
}

/** What grants together allow to do to a repository. Grants only add: none takes away what another gives. */
export function grantedActions(grants: readonly Grant[], repository: string): ReadonlySet<Action> {
  return new Set(grants.filter((grant) => matchesPattern(grant.repositories, repository)).flatMap(rightsToActions))
}

/** Whether grants give every right on every repository. */
export function isAdministrator(grants: readonly Grant[]): boolean {
  return grants.some(
    ({ repositories, rights }) =>
      repositories.isNamespace && repositories.parts.length === 0 && rights.includes('admin'),
  )
}

/**
 * The first of `wanted` that `owned` does not give whole. Each right of it must come from one grant whose pattern reaches
 * at least as far, so what is answered with undefined is never more than `owned`.
 */
export function firstExcess(wanted: readonly Grant[], owned: readonly Grant[]): Grant | undefined {
  return wanted.find(({ repositories, rights }) => {
    const reaching = owned.filter((grant) => coversPattern(grant.repositories, repositories))
    const given = new Set(reaching.flatMap(rightsToActions))
    const isAdmin = reaching.some((grant) => grant.rights.includes('admin'))
    return rights.includes('admin') ? !isAdmin : actionsOf(rights).some((action) => !given.has(action))
  })
}

/** The actions that both allow. */
export function commonActions(one: ReadonlySet<Action>, other: ReadonlySet<Action>): ReadonlySet<Action> {
  return new Set(ACTIONS.filter((action) => one.has(action) && other.has(action)))
}

const rightsToActions = ({ rights }: Grant): Action[] => actionsOf(rights)
