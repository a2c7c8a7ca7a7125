import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parseSnapshotKey } from './snapshot-key.ts'

test('takes keys that are safe as names of folders, and no others', () => {
  for (const key of ['a', 'A-1_b.c', '_x', '-', 'x'.repeat(128)]) assert.equal(parseSnapshotKey(key), key)
  for (const key of ['', '.', '..', '.a', 'a/b', '../a', 'a b', 'a\n', 'a\0', 'é', 'x'.repeat(129)])
    assert.throws(() => parseSnapshotKey(key), { code: 'invalid-argument', reason: 'INVALID_KEY' }, key)
})
