import { CaissonError } from '@caisson/api'

/**
 * How the pure modules of the runtime refuse. They name what is wrong by a place (`subject`) in what they were given.
 */

/** What was asked for is malformed or not allowed. */
export function invalid(reason: string, subject: string, message: string): CaissonError {
  return new CaissonError('invalid-argument', message, { reason, details: { subject } })
}

/** The host lacks what was asked for. */
export function missing(reason: string, subject: string, message: string): CaissonError {
  return new CaissonError('failed-precondition', message, { reason, details: { subject } })
}
