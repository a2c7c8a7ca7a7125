import { CaissonError } from '@caisson/api'

/** How long a transfer is tried for. */
export interface RetryLimits {
  /** Attempts in a row that bring no byte before a transfer fails. */
  readonly transferAttempts: number
  /** Milliseconds without a byte after which a connection counts as broken. */
  readonly transferIdleMs: number
  /** Milliseconds before the second attempt; each further one waits twice as long, up to a hundred times this. */
  readonly transferBackoffMs: number
}

const RETRIED: ReadonlySet<string> = new Set(['unavailable', 'deadline-exceeded', 'aborted'])

/**
 * The failure of a connection that may be made again. Throws what would fail again, and the reason of the signal when the
 * caller gave up.
 */
export function worthRetrying(thrown: unknown, signal: AbortSignal): CaissonError {
  signal.throwIfAborted()
  if (!(thrown instanceof CaissonError)) throw thrown
  if (!RETRIED.has(thrown.code)) throw thrown
  return thrown
}

/** Milliseconds to wait after this many failures in a row; a part of it is chance, so that not all come back at once. */
export function backoff(failures: number, { transferBackoffMs }: RetryLimits): number {
  const full = Math.min(transferBackoffMs * 2 ** Math.max(0, failures - 1), transferBackoffMs * 100)
  return full / 2 + Math.random() * (full / 2)
}
