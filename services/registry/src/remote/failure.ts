import { CaissonError } from '@caisson/api'

const POLICY = new Set(['REGISTRY_REALM_REFUSED', 'REGISTRY_REDIRECT_REFUSED', 'REGISTRY_ADDRESS_REFUSED'])

/**
 * A failure of an upstream, as the port tells it. What the upstream and the network say goes to the log, as the cause: clients
 * are told which upstream and what to do.
 */
export function remoteFailure(thrown: unknown, upstream: string): CaissonError {
  const error = CaissonError.from(thrown)
  if (error.code === 'cancelled') return error
  const tell = (code: 'unavailable' | 'permission-denied' | 'data-loss', reason: string, what: string): CaissonError =>
    new CaissonError(code, `the upstream ${upstream} ${what}`, {
      reason,
      details: { upstream, why: error.reason },
      cause: new Error(`${error.reason}: ${error.message}`),
    })
  if (POLICY.has(error.reason))
    return tell('permission-denied', 'POLICY', 'points to a place where this registry does not go')
  if (isAway(error)) return tell('unavailable', 'UPSTREAM_UNAVAILABLE', 'does not answer: try again later')
  if (error.code === 'unauthenticated' || error.code === 'permission-denied')
    return tell('permission-denied', 'UPSTREAM_DENIED', 'does not let this registry read that: check its credentials')
  return tell('data-loss', 'UPSTREAM_LIES', 'gives an answer that cannot be used')
}

function isAway({ code, reason }: CaissonError): boolean {
  return (
    code === 'unavailable' || code === 'deadline-exceeded' || ['REGISTRY_RATE_LIMITED', 'REGISTRY_TLS'].includes(reason)
  )
}
