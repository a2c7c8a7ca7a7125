import assert from 'node:assert/strict'
import { test } from 'node:test'
import { IdRanges } from './id-ranges.ts'
import { madeUpName, newId } from './identity.ts'

const START = 0x7000_0000
const SIZE = 65_536

test('gives every range out once, and the ones given back last', () => {
  const ranges = new IdRanges(START, 3)
  ranges.claim(START + SIZE)
  const first = ranges.take()
  const second = ranges.take()
  assert.deepEqual([first.start, second.start].toSorted(), [START, START + 2 * SIZE])
  assert.throws(() => ranges.take(), { reason: 'ID_RANGES_EXHAUSTED', code: 'resource-exhausted' })
  ranges.give({ start: START + SIZE, count: SIZE })
  assert.equal(ranges.take().start, START + SIZE)
  ranges.give(first)
  ranges.give(second)
  const again = ranges.take()
  ranges.give(again)
  assert.notEqual(ranges.take().start, again.start)
})

test('is not confused by ranges of another pool', () => {
  const ranges = new IdRanges(START, 1)
  for (const start of [0, START - SIZE, START + SIZE, START + 1]) ranges.claim(start)
  assert.equal(ranges.take().start, START)
  ranges.give(undefined)
})

test('makes ids that are hexadecimal and not numbers', () => {
  const ids = Array.from({ length: 1_000 }, newId)
  assert.equal(new Set(ids).size, ids.length)
  for (const id of ids) assert.match(id, /^(?!\d{12})[0-9a-f]{64}$/)
})

test('makes up another name when one is taken, with a number when many are', () => {
  let asked = 0
  const name = madeUpName(() => ++asked <= 5)
  assert.match(name, /^[a-z]+_[a-z]+\d+$/)
  assert.equal(asked, 6)
})
