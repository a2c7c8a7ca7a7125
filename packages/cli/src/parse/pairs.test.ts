import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parseFilters, parsePairs } from './pairs.ts'

test('reads pairs, of which the last of a name counts', () => {
  assert.deepEqual(parsePairs('--label', ['a=1', 'b', 'a=2=3'], 'bare names allowed'), { a: '2=3', b: '' })
  assert.throws(
    () => parsePairs('--sysctl', ['net.core.somaxconn'], 'value needed'),
    /--sysctl: 'net.core.somaxconn' is not/,
  )
  assert.throws(() => parsePairs('--label', ['=x'], 'bare names allowed'), /--label/)
})

test('collects filters by key', () => {
  const filters = parseFilters(['status=running', 'label=a=b', 'status=exited'], ['status', 'label'])
  assert.deepEqual(filters.get('status'), ['running', 'exited'])
  assert.deepEqual(filters.get('label'), ['a=b'])
})

test('refuses filters that the command does not know, and says which there are', () => {
  for (const text of ['color=red', 'status', '=x', ''])
    assert.throws(() => parseFilters([text], ['status', 'name']), /is not a filter: there are status=, name=/, text)
})
