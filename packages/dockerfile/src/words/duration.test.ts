import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parseByteSize } from './byte-size.ts'
import { parseDuration } from './duration.ts'

test('reads durations as Go does', () => {
  const good: Record<string, number> = {
    '0': 0,
    '30s': 30e9,
    '1h1m1.5s': 3661.5e9,
    '1ms': 1e6,
    '1µs': 1000,
    '.5s': 5e8,
    '1.s': 1e9,
    '+2s': 2e9,
    '-1s': -1e9,
    '0.3s': 3e8,
  }
  for (const [text, expected] of Object.entries(good)) assert.equal(parseDuration(text), expected, text)
  for (const text of ['', '1', 's', '.s', '1d', '1s2', ' 1s', '1 s', '--1s', '99999999999h']) {
    assert.equal(parseDuration(text), undefined, text)
  }
})

test('reads sizes in powers of 1024', () => {
  assert.equal(parseByteSize('64m'), 64 * 1024 ** 2)
  assert.equal(parseByteSize('1.5KiB'), 1536)
  assert.equal(parseByteSize('10'), 10)
  for (const text of ['', 'm', '-1', '1x', '1mm']) assert.equal(parseByteSize(text), undefined, text)
})
