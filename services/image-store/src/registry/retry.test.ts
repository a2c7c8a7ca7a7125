import assert from 'node:assert/strict'
import { test } from 'node:test'
import { CaissonError } from '@caisson/api'
import { backoff, worthRetrying } from './retry.ts'

const limits = { transferAttempts: 5, transferIdleMs: 1, transferBackoffMs: 100 }

test('waits longer with each failure, up to a bound, and never as long as others', () => {
  for (const [failures, most] of [
    [0, 100],
    [1, 100],
    [2, 200],
    [4, 800],
    [50, 10_000],
  ] as const) {
    const waits = Array.from({ length: 50 }, () => backoff(failures, limits))
    assert.ok(waits.every((ms) => ms >= most / 2 && ms <= most))
    assert.ok(new Set(waits).size > 1)
  }
})

test('tries again what may pass by, and nothing for a caller who gave up', () => {
  const { signal } = new AbortController()
  const passing = new CaissonError('unavailable', 'away')
  assert.equal(worthRetrying(passing, signal), passing)
  for (const code of ['not-found', 'data-loss', 'unauthenticated', 'resource-exhausted'] as const)
    assert.throws(() => worthRetrying(new CaissonError(code, 'no'), signal), { code })
  assert.throws(() => worthRetrying(new TypeError('a bug'), signal), TypeError)
  assert.throws(() => worthRetrying(passing, AbortSignal.abort()), { name: 'AbortError' })
})
