/**
 * Kinds of failure: the gRPC codes, and two that gRPC has no word for. `conflict` is a request that the present state
 * refuses (HTTP 409), `not-modified` one that changes nothing (HTTP 304).
 */
export type ErrorCode =
  | 'cancelled'
  | 'invalid-argument'
  | 'deadline-exceeded'
  | 'not-found'
  | 'already-exists'
  | 'permission-denied'
  | 'resource-exhausted'
  | 'failed-precondition'
  | 'aborted'
  | 'out-of-range'
  | 'unimplemented'
  | 'internal'
  | 'unavailable'
  | 'data-loss'
  | 'unauthenticated'
  | 'conflict'
  | 'not-modified'

export interface ErrorOptions {
  /** A stable word in capitals that programs may test. */
  readonly reason?: string
  /** Facts about the subject: container, path, digest. Sent to the client. */
  readonly details?: Readonly<Record<string, string>>
  /** What led here. Logged, never sent. */
  readonly cause?: unknown
}

/** The one error class. The message names the object and says what to do next. */
export class CaissonError extends Error {
  readonly code: ErrorCode
  readonly reason: string
  readonly details: Readonly<Record<string, string>>

  constructor(code: ErrorCode, message: string, options: ErrorOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause })
    this.name = 'CaissonError'
    this.code = code
    this.reason = options.reason ?? code.toUpperCase().replaceAll('-', '_')
    this.details = options.details ?? {}
  }

  /**
   * Makes a typed error of anything thrown. What is already typed stays; an abort becomes `cancelled`; a full disk becomes
   * `resource-exhausted`; an error of a pure package that carries `reason` and `subject` is bad input; the rest is
   * `internal`, and its insides are kept as the cause only.
   */
  static from(thrown: unknown): CaissonError {
    if (thrown instanceof CaissonError) return thrown
    if (!(thrown instanceof Error)) return new CaissonError('internal', 'internal error', { cause: thrown })
    if (thrown.name === 'AbortError') return new CaissonError('cancelled', 'the call was cancelled', { cause: thrown })
    if (thrown.name === 'TimeoutError')
      return new CaissonError('deadline-exceeded', 'the call took longer than its deadline', { cause: thrown })
    const fromSystem = systemError(thrown)
    if (fromSystem) return fromSystem
    if ('reason' in thrown && typeof thrown.reason === 'string' && 'subject' in thrown)
      return new CaissonError('invalid-argument', thrown.message, { reason: thrown.reason, cause: thrown })
    return new CaissonError('internal', 'internal error: see the log of the service', { cause: thrown })
  }
}

function systemError(thrown: Error): CaissonError | undefined {
  const code = 'code' in thrown ? thrown.code : undefined
  if (code === 'ENOSPC' || code === 'EDQUOT' || code === 'SQLITE_FULL')
    return new CaissonError('resource-exhausted', 'no space left on the disk of the service: free some and try again', {
      reason: 'NO_SPACE',
      cause: thrown,
    })
  if (code === 'EMFILE' || code === 'ENFILE')
    return new CaissonError('unavailable', 'the service has no file descriptor left: try again later', {
      reason: 'NO_DESCRIPTORS',
      cause: thrown,
    })
  return undefined
}

/** Bad input. `reason` defaults to INVALID. */
export function invalid(message: string, options: ErrorOptions = {}): CaissonError {
  return new CaissonError('invalid-argument', message, { reason: 'INVALID', ...options })
}

/** There is no such object. */
export function notFound(kind: string, id: string, hint = ''): CaissonError {
  const message = `no such ${kind}: ${id}${hint === '' ? '' : `: ${hint}`}`
  return new CaissonError('not-found', message, {
    reason: `${kind.toUpperCase().replaceAll(/[^A-Z]/g, '_')}_NOT_FOUND`,
    details: { kind, id },
  })
}

/** A name or id is taken. */
export function alreadyExists(kind: string, id: string, hint: string): CaissonError {
  return new CaissonError('already-exists', `${kind} ${id} already exists: ${hint}`, {
    reason: `${kind.toUpperCase().replaceAll(/[^A-Z]/g, '_')}_EXISTS`,
    details: { kind, id },
  })
}

/** The present state refuses the request. */
export function conflict(reason: string, message: string, options: Omit<ErrorOptions, 'reason'> = {}): CaissonError {
  return new CaissonError('conflict', message, { ...options, reason })
}

/** A condition of the host or of another object is not met. */
export function failedPrecondition(
  reason: string,
  message: string,
  options: Omit<ErrorOptions, 'reason'> = {},
): CaissonError {
  return new CaissonError('failed-precondition', message, { ...options, reason })
}

/** A limit is reached. */
export function exhausted(reason: string, message: string, options: Omit<ErrorOptions, 'reason'> = {}): CaissonError {
  return new CaissonError('resource-exhausted', message, { ...options, reason })
}

/** Something that is needed does not answer now. */
export function unavailable(reason: string, message: string, options: Omit<ErrorOptions, 'reason'> = {}): CaissonError {
  return new CaissonError('unavailable', message, { ...options, reason })
}

/** A part of the contract that this version does not do. */
export function unimplemented(message: string, options: ErrorOptions = {}): CaissonError {
  return new CaissonError('unimplemented', message, options)
}
