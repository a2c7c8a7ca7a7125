import { setTimeout as sleep } from 'node:timers/promises'
import { CaissonError } from '@caisson/api'
import { parseRetryAfter } from '../headers/retry-after.ts'
import type { HttpResponse } from './response.ts'

export interface RetryPolicy {
  /** How often something is tried in all. */
  readonly attempts: number
  /** Milliseconds before the second attempt; twice as many before each further one, of which half is random. */
  readonly firstDelayMs: number
  readonly maxDelayMs: number
  /** A server that asks for more patience than this is given up. */
  readonly maxRetryAfterMs: number
}

export const DEFAULT_RETRY: RetryPolicy = {
  attempts: 5,
  firstDelayMs: 250,
  maxDelayMs: 10_000,
  maxRetryAfterMs: 60_000,
}

const PASSING: ReadonlySet<number> = new Set([408, 429, 500, 502, 503, 504])

/**
 * Tries again what may pass by: connections that fail, and answers 408, 429 and 5xx. Returns the last answer, whatever
 * it is; throws the last error.
 */
export async function withRetry(
  policy: RetryPolicy,
  attempt: () => Promise<HttpResponse>,
  signal: AbortSignal,
): Promise<HttpResponse> {
  for (let tried = 1; ; tried++) {
    const outcome = await attempt().catch((error: unknown) => error)
    const isLast = tried >= policy.attempts || !isPassing(outcome)
    const delay = isLast ? undefined : delayBefore(policy, tried, outcome)
    if (delay === undefined) {
      if (isResponse(outcome)) return outcome
      throw outcome
    }
    if (isResponse(outcome)) outcome.discard()
    await pause(delay, signal)
  }
}

/** Waits, or throws the reason of the signal. */
export async function pause(ms: number, signal: AbortSignal): Promise<void> {
  await sleep(ms, undefined, { signal, ref: true }).catch((error: unknown) => {
    signal.throwIfAborted()
    throw error
  })
}

/** Milliseconds to wait after so many attempts. */
export function backoff(policy: RetryPolicy, tried: number): number {
  const full = Math.min(policy.firstDelayMs * 2 ** (tried - 1), policy.maxDelayMs)
  return full * (0.5 + Math.random() / 2)
}

/** A connection that failed, not one that our own rules refuse; a name that does not exist will not exist soon. */
export function isPassingError(error: unknown): boolean {
  const isUnreachable = error instanceof CaissonError && error.reason === 'REGISTRY_UNREACHABLE'
  return isUnreachable && error.details['code'] !== 'ENOTFOUND'
}

function isPassing(outcome: unknown): boolean {
  return isResponse(outcome) ? PASSING.has(outcome.status) : isPassingError(outcome)
}

const isResponse = (outcome: unknown): outcome is HttpResponse =>
  typeof outcome === 'object' && outcome !== null && 'discard' in outcome

/** Undefined: the server wants us to wait for too long. */
function delayBefore(policy: RetryPolicy, tried: number, outcome: unknown): number | undefined {
  const asked = isResponse(outcome) ? parseRetryAfter(outcome.header('retry-after'), Date.now()) : undefined
  if (asked === undefined) return backoff(policy, tried)
  return asked > policy.maxRetryAfterMs ? undefined : Math.max(asked, backoff(policy, tried))
}
