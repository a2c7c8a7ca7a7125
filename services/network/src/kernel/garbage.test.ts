import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { test } from 'node:test'
import { type Answer, eachAnswer, refusalOf } from './message.ts'
import { parseChain, parseElementKeys, parseRule, parseTable } from './nftables/dump.ts'
import { messageType } from './nftables/object.ts'
import { parseAddress } from './rtnetlink/address.ts'
import { parseLink, parseLinkCounters } from './rtnetlink/link.ts'
import { parseRoute } from './rtnetlink/route.ts'

const parsers: readonly (readonly [type: number, parse: (answer: Answer) => unknown])[] = [
  [2, refusalOf],
  [3, refusalOf],
  [16, parseLink],
  [16, parseLinkCounters],
  [20, parseAddress],
  [24, parseRoute],
  [messageType('newTable'), parseTable],
  [messageType('newChain'), parseChain],
  [messageType('newRule'), parseRule],
  [messageType('newSetElem'), parseElementKeys],
]

/** Bytes that are mostly small, so that lengths often fit. */
const garbage = (length: number): Buffer =>
  Buffer.from(randomBytes(length).map((byte) => (byte & 0x80 ? byte & 0x1f : 0)))

test('reads whatever bytes come without a throw', () => {
  for (let round = 0; round < 20_000; round++) {
    const payload = garbage(round % 120)
    for (const [type, parse] of parsers) parse({ type, flags: 0x300, sequence: 1, payload })
    for (const answer of eachAnswer(garbage(round % 200))) refusalOf(answer)
  }
  assert.equal(parseLink({ type: 16, flags: 0, sequence: 1, payload: Buffer.alloc(15) }), undefined)
})
