import type { Action } from './right.ts'
import { repositoryScope } from './scope.ts'

/** What a client needs to know to come in. */
export type Challenge = {
  /** URL of the token service. */
  readonly realm: string
  readonly service: string
  readonly wanted: readonly { readonly repository: string; readonly actions: readonly Action[] }[]
  readonly error: 'invalid_token' | 'insufficient_scope' | undefined
}

/**
 * Value of WWW-Authenticate, by RFC 6750. Only Bearer is named, although Basic is taken too: clients of the distribution
 * project that find both named send both, one over the other.
 */
export function bearerChallenge({ realm, service, wanted, error }: Challenge): string {
  const scope = wanted.map(({ repository, actions }) => repositoryScope(repository, actions)).join(' ')
  const parameters = [
    ['realm', realm],
    ['service', service],
    ['scope', scope],
    ['error', error ?? ''],
  ]
  const written = parameters
    .filter(([, value]) => value !== '')
    .map(([name, value]) => `${name}=${quoted(value ?? '')}`)
  return `Bearer ${written.join(',')}`
}

/** A client's idea of our name gets in here: nothing in it may end the quotes or the header. */
function quoted(text: string): string {
  return `"${text.replaceAll(/[^\x20-\x7e]/g, '').replaceAll(/["\\]/g, '\\$&')}"`
}
