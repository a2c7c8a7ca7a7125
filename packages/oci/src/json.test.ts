import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { OciFormatError } from './format-error.ts'
import { parseJson } from './json.ts'

const limits = { subject: 'thing', maxBytes: 1 << 20 }
const refused = (document: string | Uint8Array, reason: string) =>
  assert.throws(
    () => parseJson(document, limits),
    (error) => error instanceof OciFormatError && error.reason === reason && error.subject === 'thing',
  )

test('reads whatever JSON.parse reads, from text and from bytes', () => {
  fc.assert(
    fc.property(fc.json({ maxDepth: 8 }), (text) => {
      let isAmbiguous = false
      let value: unknown
      try {
        value = parseJson(text, limits)
      } catch (error) {
        isAmbiguous = error instanceof OciFormatError && error.reason === 'JSON_DUPLICATE_NAME'
        if (!isAmbiguous) throw error
      }
      if (isAmbiguous) return
      const plain: unknown = JSON.parse(text, (_name, each) => (typeof each === 'number' ? Number(each) : each))
      const same = (each: unknown) => JSON.stringify(each, (_name, v) => (typeof v === 'bigint' ? Number(v) : v))
      assert.equal(same(value), same(plain))
      assert.equal(same(parseJson(Buffer.from(text), limits)), same(plain))
    }),
    { numRuns: 500 },
  )
})

test('refuses a name that stands twice in one object, however it is written', () => {
  for (const text of ['{"a":1,"a":2}', '{"a":1,"\\u0061":2}', '{"x":[{"b":{},"c":1,"b":0}]}', '{"a" :1, "a"\n:2}']) {
    refused(text, 'JSON_DUPLICATE_NAME')
  }
  for (const text of [
    '{"a":"a","b":{"a":"a"}}',
    '[{"a":1},{"a":2}]',
    '{"a":["a","a"]}',
    '["a","a"]',
    '{"a\\"":1,"a":2}',
  ]) {
    assert.doesNotThrow(() => parseJson(text, limits), text)
  }
})

test('refuses what is too deep, too long, or no JSON', () => {
  refused('['.repeat(100_000), 'JSON_TOO_DEEP')
  refused(`${'{"a":'.repeat(65)}1${'}'.repeat(65)}`, 'JSON_TOO_DEEP')
  assert.doesNotThrow(() => parseJson(`${'['.repeat(64)}${']'.repeat(64)}`, limits))
  refused(`"${'x'.repeat(1 << 20)}"`, 'JSON_TOO_LARGE')
  refused(Buffer.from([0x22, 0xff, 0x22]), 'JSON_INVALID')
  refused(Buffer.from([0x22, 0xed, 0xa0, 0x80, 0x22]), 'JSON_INVALID')
  for (const text of [
    '',
    '\ufeff{}',
    '{',
    '{"a":1,}',
    "{'a':1}",
    '{"a":01}',
    '{"\\q":1}',
    'NaN',
    '"\n"',
    '{} {}',
    '"\\',
  ]) {
    refused(text, 'JSON_INVALID')
  }
})

test('does not round whole numbers', () => {
  assert.deepEqual(parseJson('[9007199254740993,9007199254740991,-18446744073709551616,1e3,0.5]', limits), [
    ...[9_007_199_254_740_993n, 9_007_199_254_740_991, -18_446_744_073_709_551_616n, 1000, 0.5],
  ])
})

test('leaves the prototype of objects alone', () => {
  const before = Object.getOwnPropertyNames(Object.prototype).sort()
  const value = parseJson('{"__proto__":{"polluted":1},"constructor":{"prototype":{"polluted":1}}}', limits)
  assert.ok(Object.hasOwn(value as object, '__proto__'))
  assert.equal(Object.getPrototypeOf(value), Object.prototype)
  assert.deepEqual(Object.getOwnPropertyNames(Object.prototype).sort(), before)
  assert.equal(({} as { polluted?: number }).polluted, undefined)
})

test('takes time linear in the document', () => {
  // Seconds at the most; whoever looks back over all of it for every step would be at it for hours.
  const large = { ...limits, maxBytes: 64 << 20 }
  const names = Array.from({ length: 300_000 }, (_unused, n) => `"k${n}":${n}`).join(',')
  assert.equal(Object.keys(parseJson(`{${names}}`, large) as object).length, 300_000)
  const malformed = (document: string) =>
    assert.throws(
      () => parseJson(document, large),
      (error) => error instanceof OciFormatError && error.reason === 'JSON_INVALID',
    )
  malformed(`{"a"${' '.repeat(32 << 20)}}`)
  malformed('"\\'.repeat(16 << 20))
})
