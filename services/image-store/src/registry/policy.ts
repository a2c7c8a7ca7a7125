import { failedPrecondition } from '@caisson/api'

/** Layers that may only be had from elsewhere: where their documents say is not asked. */
export function notInRegistry(digest: string): Error {
  return failedPrecondition(
    'POLICY',
    `layer ${digest} may not be distributed and the registry does not hold it: it is fetched from nowhere else`,
    { details: { digest } },
  )
}
