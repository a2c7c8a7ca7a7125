import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { parseChallenges } from './challenge.ts'
import { parseNextLink } from './link.ts'
import { parseContentRange, parseLength, parseUploaded } from './ranges.ts'
import { parseRetryAfter } from './retry-after.ts'

const plain = (header: string): [string, Record<string, string>][] =>
  parseChallenges(header).map(({ scheme, parameters }) => [scheme, Object.fromEntries(parameters)])

const token = fc.stringMatching(/^[A-Za-z][A-Za-z0-9._~-]{0,20}$/)
const parameters = fc.uniqueArray(fc.tuple(token, fc.string({ maxLength: 40 })), {
  maxLength: 5,
  selector: ([name]) => name.toLowerCase(),
})
const quoted = (text: string): string => `"${text.replaceAll(/[\\"]/g, '\\$&')}"`

test('reads back every challenge that it is given, several of them, quoted', () => {
  fc.assert(
    fc.property(fc.array(fc.tuple(token, parameters), { maxLength: 4 }), (challenges) => {
      const header = challenges
        .map(([scheme, list]) => `${scheme} ${list.map(([name, value]) => `${name}=${quoted(value)}`).join(',')}`)
        .join(', ')
      const expected = challenges.map(([scheme, list]) => [
        scheme.toLowerCase(),
        Object.fromEntries(list.map(([name, value]) => [name.toLowerCase(), value])),
      ])
      assert.deepEqual(plain(header), expected)
    }),
    { numRuns: 500 },
  )
})

test('reads challenges as registries write them', () => {
  assert.deepEqual(
    plain('Bearer realm="https://auth.docker.io/token",service="registry.docker.io",scope="repository:a/b:pull,push"'),
    [
      [
        'bearer',
        { realm: 'https://auth.docker.io/token', service: 'registry.docker.io', scope: 'repository:a/b:pull,push' },
      ],
    ],
  )
  assert.deepEqual(plain('Basic'), [['basic', {}]])
  const several = plain('Negotiate abc==, BASIC realm="a, b=c \\"d\\""')
  assert.deepEqual(
    several.map(([scheme]) => scheme),
    ['negotiate', 'basic'],
  )
  assert.deepEqual(several[1]?.[1], { realm: 'a, b=c "d"' })
  assert.deepEqual(plain('Bearer realm = https://x/y , service=z'), [
    ['bearer', { realm: 'https://x/y', service: 'z' }],
  ])
  assert.deepEqual(plain('Bearer realm="a",realm="b"'), [['bearer', { realm: 'a' }]])
})

test('never throws and never hangs, whatever a header holds', () => {
  fc.assert(
    fc.property(fc.string({ maxLength: 300, unit: 'binary' }), (text) => {
      parseChallenges(text)
      parseNextLink(text)
      parseContentRange(text)
      parseUploaded(text)
      parseLength(text)
      parseRetryAfter(text, 0)
    }),
    { numRuns: 2000 },
  )
  for (const unit of ['"', '\\', '=', ',', 'a=', '<', '<a>', ';rel=', ' ', 'a="\\']) {
    const long = unit.repeat(2_000_000 / unit.length)
    parseChallenges(`Bearer ${long}`)
    parseNextLink(`<x>;${long}`)
    parseRetryAfter(long, 0)
    parseContentRange(`bytes ${long}`)
  }
})

test('finds the next page among links', () => {
  assert.equal(parseNextLink('</v2/a?last=x>; rel="next"'), '/v2/a?last=x')
  assert.equal(parseNextLink('<a>; rel=prev, <b,c>; title="x, <d>; rel=next"; rel="last next"'), 'b,c')
  assert.equal(parseNextLink('<a>; title="rel=next"'), undefined)
  assert.equal(parseNextLink('<a'), undefined)
  assert.equal(parseNextLink(undefined), undefined)
})

test('reads ranges that can be, and no others', () => {
  assert.deepEqual(parseContentRange('bytes 5-9/10'), { first: 5, last: 9, total: 10 })
  assert.deepEqual(parseContentRange('bytes 5-9/*'), { first: 5, last: 9, total: undefined })
  for (const wrong of [
    'bytes 9-5/10',
    'bytes 5-10/10',
    'bytes */10',
    'bytes 5-9',
    'items 5-9/10',
    `bytes 0-${'9'.repeat(17)}/*`,
  ])
    assert.equal(parseContentRange(wrong), undefined, wrong)
  assert.deepEqual(['0-99', 'bytes=0-99', '0-0', '5-9', '', '0--1'].map(parseUploaded), [
    100,
    100,
    0,
    undefined,
    undefined,
    undefined,
  ])
  assert.deepEqual(['12', '-1', '1e3', ' 1', '9'.repeat(17)].map(parseLength), [
    12,
    undefined,
    undefined,
    undefined,
    undefined,
  ])
})

test('reads how long to wait, in seconds or until a date', () => {
  const now = Date.parse('Wed, 21 Oct 2026 07:28:00 GMT')
  assert.equal(parseRetryAfter('120', now), 120_000)
  assert.equal(parseRetryAfter('Wed, 21 Oct 2026 07:28:05 GMT', now), 5_000)
  assert.equal(parseRetryAfter('Wed, 21 Oct 2026 07:00:00 GMT', now), 0)
  for (const wrong of ['', '-1', 'soon', '1.5', '9'.repeat(20)])
    assert.equal(parseRetryAfter(wrong, now), undefined, wrong)
})
