import assert from 'node:assert/strict'
import { test } from 'node:test'
import {
  attribute,
  attributesBytes,
  be32,
  eachAttribute,
  nested,
  parseAttributes,
  readBe32,
  readString,
  readU32,
  string,
  u8,
  u32,
  writeAttributes,
} from './attribute.ts'

function encode(attributes: Parameters<typeof attributesBytes>[0]): string {
  const bytes = Buffer.alloc(attributesBytes(attributes))
  assert.equal(writeAttributes(bytes, 0, attributes), bytes.length)
  return bytes.toString('hex')
}

test('pads a value to four bytes but counts only its own in the length', () => {
  assert.equal(encode([u8(10, 7)]), '05000a0007000000')
  assert.equal(encode([string(3, 'lo')]), '070003006c6f0000')
})

test('writes numbers in the order each family wants', () => {
  assert.equal(encode([u32(4, 1500)]), '08000400dc050000')
  assert.equal(encode([be32(2, 7)]), '0800020000000007')
})

test('marks a nested attribute and puts a header before its attributes', () => {
  assert.equal(encode([nested(1, [u32(2, 5)])]), '0c0001800800020005000000')
  assert.equal(encode([nested(1, [u32(2, 5)], Buffer.from('aabbccdd', 'hex'))]), '10000180aabbccdd0800020005000000')
})

test('refuses a value that its length cannot tell', () => {
  assert.throws(() => encode([attribute(1, new Uint8Array(65532))]), RangeError)
})

test('reads back what it wrote', () => {
  const bytes = Buffer.from(encode([u32(1, 70000), be32(2, 9), nested(3, [string(1, 'eth0')])]), 'hex')
  const parsed = parseAttributes(bytes)
  assert.equal(readU32(parsed.get(1)), 70000)
  assert.equal(readBe32(parsed.get(2)), 9)
  assert.equal(readString(parseAttributes(parsed.get(3) ?? Buffer.alloc(0)).get(1)), 'eth0')
})

test('stops at an attribute that is cut short, is shorter than its header, or runs over the end', () => {
  for (const hex of ['0800', '0300010000000000', '0900010000000000']) {
    assert.deepEqual([...eachAttribute(Buffer.from(hex, 'hex'))], [])
  }
  assert.equal(readU32(Buffer.alloc(2)), undefined)
})
