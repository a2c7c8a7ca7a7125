/** What may be done to a repository over HTTP. The words are those of scopes in token requests. */
export const ACTIONS = ['pull', 'push', 'delete'] as const
export type Action = (typeof ACTIONS)[number]

/** What a grant can give. `admin` is every action. */
export type Right = Action | 'admin'

export function isAction(word: string): word is Action {
  return (ACTIONS as readonly string[]).includes(word)
}

/** The actions that rights come to, in the order of ACTIONS. */
export function actionsOf(rights: readonly Right[]): Action[] {
  return ACTIONS.filter((action) => rights.includes(action) || rights.includes('admin'))
}
