import assert from 'node:assert/strict'
import { test } from 'node:test'
import { release } from './release.ts'

const MIB = 1 << 20

test('gives memory back at once', () => {
  const before = process.memoryUsage().arrayBuffers
  const all = Array.from({ length: 32 }, () => Buffer.allocUnsafeSlow(MIB).fill(1))
  assert.ok(process.memoryUsage().arrayBuffers - before >= 32 * MIB)
  for (const bytes of all) release(bytes)
  assert.ok(process.memoryUsage().arrayBuffers - before < MIB)
  assert.equal(all[0]?.length, 0)
})

test('leaves bytes that share their memory', () => {
  const whole = Buffer.allocUnsafeSlow(100).fill(7)
  const part = whole.subarray(50)
  release(part)
  assert.deepEqual([whole.length, part.length, part[0]], [100, 50, 7])
})
