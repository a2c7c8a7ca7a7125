import assert from 'node:assert/strict'
import { test } from 'node:test'
import { blkioWeightToIoWeight, sharesToWeight, swapToV2 } from './conversions.ts'

test('turns shares into a weight that keeps the least, the ordinary and the greatest', () => {
  const known: [number, number][] = [
    [0, 1],
    [2, 1],
    [3, 2],
    [512, 59],
    [1024, 100],
    [2048, 174],
    [262_143, 10_000],
    [262_144, 10_000],
    [1e9, 10_000],
  ]
  for (const [shares, weight] of known) assert.equal(sharesToWeight(shares), weight, `${shares} shares`)
  for (let shares = 3; shares < 262_144; shares += 97) assert.ok(sharesToWeight(shares) >= sharesToWeight(shares - 1))
})

test('turns blkio weights into io weights', () => {
  assert.equal(blkioWeightToIoWeight(10), 1)
  assert.equal(blkioWeightToIoWeight(1000), 10_000)
  assert.equal(blkioWeightToIoWeight(500), 4950)
})

test('subtracts memory from the limit of both', () => {
  assert.equal(swapToV2(300, 100), 200)
  assert.equal(swapToV2(100, 100), 0)
  assert.equal(swapToV2(-1, 100), 'max')
  assert.equal(swapToV2(undefined, 100), undefined)
  assert.equal(swapToV2(0, 100), undefined)
  assert.equal(swapToV2(undefined, -1), 'max')
  assert.throws(() => swapToV2(100, 200), { reason: 'MEMORY_SWAP_INVALID' })
  assert.throws(() => swapToV2(100, undefined), { reason: 'MEMORY_SWAP_INVALID' })
  assert.throws(() => swapToV2(100, -1), { reason: 'MEMORY_SWAP_INVALID' })
})
