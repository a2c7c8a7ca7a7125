import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Holds } from './holds.ts'

test('holds a thing as long as anyone holds it', () => {
  const holds = new Holds()
  const one = holds.open()
  {
    using two = holds.open()
    one.add('a')
    two.add('a')
    two.add('a')
    two.add('b')
    assert.ok(holds.has('a') && holds.has('b'))
  }
  assert.equal(holds.has('b'), false)
  assert.equal(holds.has('a'), true)
  one[Symbol.dispose]()
  one[Symbol.dispose]()
  assert.equal(holds.has('a'), false)
})
