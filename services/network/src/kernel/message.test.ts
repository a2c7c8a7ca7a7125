import assert from 'node:assert/strict'
import { test } from 'node:test'
import { u32 } from './attribute.ts'
import { eachAnswer, encodeMessages, NLM_F_ACK, refusalOf } from './message.ts'

const message = { type: 16, flags: NLM_F_ACK, body: Uint8Array.of(1, 2), attributes: [u32(4, 1)] }

test('numbers the messages of a batch and aligns each', () => {
  const batch = encodeMessages([message, message], 7)
  assert.equal(
    batch.toString('hex'),
    ['1c000000', '1000', '0500', '07000000', '00000000', '01020000', '08000400', '01000000'].join('') +
      ['1c000000', '1000', '0500', '08000000', '00000000', '01020000', '08000400', '01000000'].join(''),
  )
})

test('finds each answer and stops at one that is cut short', () => {
  const batch = encodeMessages([message, message], 7)
  assert.deepEqual(
    [...eachAnswer(batch)].map((answer) => answer.sequence),
    [7, 8],
  )
  assert.deepEqual(
    [...eachAnswer(batch.subarray(0, 40))].map((answer) => answer.sequence),
    [7],
  )
})

/** NLMSG_ERROR with the header of the refused message and nothing else of it (NETLINK_CAP_ACK), and a reason. */
function errorAnswer(error: number, reason: string): Buffer {
  const tail = Buffer.from(`${reason}\0`)
  const bytes = Buffer.alloc(16 + 4 + 16 + 4 + ((tail.length + 3) & ~3))
  bytes.writeUInt32LE(bytes.length, 0)
  bytes.writeUInt16LE(2, 4)
  bytes.writeUInt16LE(0x300, 6)
  bytes.writeUInt32LE(3, 8)
  bytes.writeInt32LE(error, 16)
  bytes.writeUInt16LE(4 + tail.length, 36)
  bytes.writeUInt16LE(1, 38)
  tail.copy(bytes, 40)
  return bytes
}

test('takes number and reason out of a refusal', () => {
  const [answer] = [...eachAnswer(errorAnswer(-17, 'name taken'))]
  assert.ok(answer)
  assert.deepEqual(refusalOf(answer), { sequence: 3, errno: 17, reason: 'name taken' })
})

test('sees no refusal in an acknowledgement or in data', () => {
  for (const answer of eachAnswer(Buffer.concat([errorAnswer(0, ''), encodeMessages([message], 1)]))) {
    assert.equal(refusalOf(answer), undefined)
  }
})
