import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parseDuration, parseTime } from './time.ts'

const NOW = 1_800_000_000_123_456_789n
const SECOND = 1_000_000_000n

test('reads lengths of time', () => {
  assert.equal(parseDuration('90s'), 90n * SECOND)
  assert.equal(parseDuration('1h30m'), 5_400n * SECOND)
  assert.equal(parseDuration('1.5h'), 5_400n * SECOND)
  assert.equal(parseDuration('250ms'), SECOND / 4n)
  assert.equal(parseDuration('2d'), 172_800n * SECOND)
  for (const text of ['', '10', 's', '1h ', '1x', '-5m']) assert.equal(parseDuration(text), undefined, text)
})

test('reads points in time to the nanosecond', () => {
  assert.equal(parseTime('--since', '1700000000', NOW), 1_700_000_000n * SECOND)
  assert.equal(parseTime('--since', '1700000000.000000001', NOW), 1_700_000_000n * SECOND + 1n)
  assert.equal(parseTime('--since', '2026-01-31T12:00:00Z', NOW), 1_769_860_800n * SECOND)
  assert.equal(parseTime('--since', '2026-01-31T12:00:00.123456789Z', NOW), 1_769_860_800n * SECOND + 123_456_789n)
  assert.equal(parseTime('--since', '2026-01-31T14:00:00+02:00', NOW), 1_769_860_800n * SECOND)
  assert.equal(parseTime('--since', '2026-01-31T12:00Z', NOW), 1_769_860_800n * SECOND)
  assert.equal(parseTime('--since', '10m', NOW), NOW - 600n * SECOND)
})

test('takes a time without a zone as local', () => {
  const local = BigInt(new Date(2026, 0, 31, 12, 0, 0).getTime()) * 1_000_000n
  assert.equal(parseTime('--since', '2026-01-31T12:00:00', NOW), local)
  assert.equal(parseTime('--since', '2026-01-31', NOW), local - 43_200n * SECOND)
})

test('refuses what is not a time and names it', () => {
  for (const text of ['', 'yesterday', '2026-13-01', '2026-01-31T25:00:00Z', '12:00', '-5m'])
    assert.throws(() => parseTime('--since', text, NOW), /^CaissonError: --since: '.*' is not a time/, text)
})
