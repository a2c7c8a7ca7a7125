import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { isRepositoryName } from '../distribution/names.ts'
import { firstExcess, type Grant, grantedActions } from './grant.ts'
import { coversPattern, matchesPattern, parsePattern } from './pattern.ts'

const matches = (pattern: string, name: string): boolean => matchesPattern(parsePattern(pattern), name)
const covers = (outer: string, inner: string): boolean => coversPattern(parsePattern(outer), parsePattern(inner))

/** Few letters, so that patterns and names meet often. */
const part = fc.string({ unit: fc.constantFrom('a', 'b', '-', '.'), minLength: 1, maxLength: 4 })
const name = fc
  .array(part, { minLength: 1, maxLength: 4 })
  .map((parts) => parts.join('/'))
  .filter(isRepositoryName)
const pattern = fc
  .array(fc.string({ unit: fc.constantFrom('a', 'b', '-', '*'), minLength: 1, maxLength: 4 }), {
    minLength: 1,
    maxLength: 4,
  })
  .map((parts) => parts.join('/'))
  .filter((text) => !text.includes('**') && isRepositoryName(text.replaceAll('*', 'x')))

test('means one repository, all below a name, or all', () => {
  assert.ok(matches('team/app', 'team/app'))
  assert.ok(!matches('team/app', 'team/app/sub') && !matches('team/app', 'team/apps') && !matches('team/app', 'team'))
  assert.ok(matches('team/*', 'team/app') && matches('team/*', 'team/a/b/c'))
  assert.ok(!matches('team/*', 'team') && !matches('team/*', 'teams/app') && !matches('team/*', 'my/team/app'))
  assert.ok(matches('*', 'a') && matches('*', 'a/b/c'))
  assert.ok(matches('team/app-*', 'team/app-1') && !matches('team/app-*', 'team/app-1/x'))
  assert.ok(matches('*/cache', 'a/cache') && !matches('*/cache', 'a/b/cache'))
  assert.ok(matches('a*c/*', 'abc/d/e') && matches('a*b*c', 'a-b-bc'))
})

test('means nothing that is no name of a repository', () => {
  for (const text of ['', '*', 'A', 'a:b', 'a//b', '../a', 'a/', 'a b', 'localhost:5000/a', 'a/%2e%2e']) {
    assert.ok(!matches('*', text), text)
    assert.ok(!matches('*/*', text), text)
  }
})

test('refuses what is no pattern, and says why', () => {
  for (const text of ['', 'a/**', '**', 'A/*', '/a', 'a/', 'a//b', 'a:5000/b', 'a,b', 'x'.repeat(256), 'a b', '!a'])
    assert.throws(() => parsePattern(text), { code: 'invalid-argument', reason: 'INVALID' }, text)
  assert.throws(() => parsePattern('a/**'), /however deep/)
})

test('matches as a regular expression does', () => {
  fc.assert(
    fc.property(pattern, name, (text, subject) => {
      const all = text.endsWith('/*') || text === '*'
      const body = all ? text.slice(0, -1) : text
      const expression = new RegExp(`^${body.replaceAll('.', '\\.').replaceAll('*', '[^/]*')}${all ? '.+' : ''}$`)
      assert.equal(matches(text, subject), expression.test(subject))
    }),
    { numRuns: 2_000 },
  )
})

test('a pattern that covers another means every name that the other means', () => {
  assert.ok(
    covers('*', 'team/*') && covers('team/*', 'team/a-*') && covers('a*', 'ab*') && covers('team/*', 'team/x/*'),
  )
  assert.ok(
    !covers('team/*', '*') && !covers('team/a', 'team/*') && !covers('team/a*', 'team/*') && !covers('a/*', 'a'),
  )
  fc.assert(
    fc.property(pattern, pattern, name, (outer, inner, subject) => {
      if (covers(outer, inner) && matches(inner, subject)) assert.ok(matches(outer, subject))
    }),
    { numRuns: 5_000 },
  )
})

test('a star in the middle takes linear time in a long name', () => {
  const long = `a${'*a'.repeat(120)}b`
  const before = performance.now()
  for (let round = 0; round < 100; round++) assert.ok(!matches(long, 'a'.repeat(255)))
  assert.ok(performance.now() - before < 2_000)
})

test('grants that are not refused as excess never give more than those they are cut from', () => {
  const grant = fc.record({
    repositories: pattern.map(parsePattern),
    rights: fc.subarray(['pull', 'push', 'delete', 'admin'] as const),
  })
  const grants: fc.Arbitrary<Grant[]> = fc.array(grant, { maxLength: 4 })
  let kept = 0
  fc.assert(
    fc.property(grants, grants, name, (wanted, owned, subject) => {
      if (firstExcess(wanted, owned) !== undefined) return
      kept++
      const has = grantedActions(owned, subject)
      for (const action of grantedActions(wanted, subject)) assert.ok(has.has(action))
    }),
    { numRuns: 5_000 },
  )
  assert.ok(kept > 100, `only ${kept} pairs were judged`)
})
