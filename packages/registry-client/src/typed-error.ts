import { CaissonError } from '@caisson/api'

type Details = Readonly<Record<string, string>>

/** Whatever a cancelled call fails by, it was cancelled. */
export function typedError(error: unknown, signal: AbortSignal, details: Details): CaissonError {
  return withDetails(signal.aborted ? signal.reason : error, details)
}

/** The same error, and what it is about. */
export function withDetails(error: unknown, more: Details): CaissonError {
  const { code, message, reason, details, cause } = CaissonError.from(error)
  return new CaissonError(code, message, { reason, details: { ...details, ...more }, cause })
}
