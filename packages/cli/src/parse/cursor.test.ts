import assert from 'node:assert/strict'
import { test } from 'node:test'
import { cursorFor, parseCursors } from './cursor.ts'

test('reads ids of events and places in the log of a service', () => {
  assert.deepEqual(parseCursors(['1b4e-28ba:17', 'runtime:0']), [
    { log: '1b4e-28ba', sequence: 17 },
    { log: 'runtime', sequence: 0 },
  ])
  for (const text of ['', '17', ':17', 'runtime:', 'runtime:-1', 'runtime:x'])
    assert.throws(() => parseCursors([text]), /--after/, text)
})

test('finds the cursor of a service by its name or by the name of its log', () => {
  const cursors = parseCursors(['abc:5', 'network:7'])
  assert.deepEqual(cursorFor(cursors, 'runtime', 'abc'), { log: 'abc', sequence: 5 })
  assert.deepEqual(cursorFor(cursors, 'network', 'def'), { log: '', sequence: 7 })
  assert.equal(cursorFor(cursors, 'image-store', 'ghi'), undefined)
})
