import assert from 'node:assert/strict'
import { test } from 'node:test'
import { decodeExitRecord, EXIT_RECORD_BYTES, type ExitRecord, encodeExitRecord } from './exit-record.ts'

const record: ExitRecord = {
  exitCode: 3,
  signal: 0,
  oomKilled: false,
  coreDumped: true,
  logSegment: 1,
  logBytes: 5,
  startedNs: 1n,
  finishedNs: 2n,
  runNs: 1n,
  cpuNs: 9n,
  memoryPeak: 12,
  oomKills: 0,
  droppedBytes: 7,
}

test('reads back what was written', () => {
  assert.deepEqual(decodeExitRecord(encodeExitRecord(record)), record)
})

test('takes zeros for a container that did not end', () => {
  assert.equal(decodeExitRecord(Buffer.alloc(EXIT_RECORD_BYTES)), undefined)
})

test('finds every flipped bit and every cut', () => {
  const whole = encodeExitRecord(record)
  for (let bit = 0; bit < 92 * 8; bit++) {
    const torn = Buffer.from(whole)
    torn[bit >> 3] = (torn[bit >> 3] ?? 0) ^ (1 << (bit & 7))
    assert.equal(decodeExitRecord(torn), 'damaged', `bit ${bit}`)
  }
  for (const length of [0, 1, 95]) assert.equal(decodeExitRecord(whole.subarray(0, length)), 'damaged')
})
