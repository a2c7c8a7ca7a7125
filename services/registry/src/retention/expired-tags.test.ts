import assert from 'node:assert/strict'
import { test } from 'node:test'
import { digestOf } from '@caisson/oci'
import type { TagRecord } from '../backend/ports.ts'
import type { TagName } from '../distribution/names.ts'
import type { RetentionRule } from '../policy/policy.ts'
import { expiredTags } from './expired-tags.ts'

const DAY_MS = 86_400_000
const NOW = 1_000 * DAY_MS
const target = { digest: digestOf('x'), mediaType: 'a/b', size: 1 }

/** A tag that was pushed, and perhaps pulled, so many days ago. */
const tag = (name: string, pushed: number, pulled?: number): TagRecord => ({
  name: name as TagName,
  target,
  pushedAt: NOW - pushed * DAY_MS,
  ...(pulled !== undefined && { pulledAt: NOW - pulled * DAY_MS }),
})

const rule = (tags: string, more: Partial<RetentionRule>): RetentionRule => ({
  ...{ tags, keepNewest: 0, keepDays: 0, keepPulledDays: 0 },
  ...more,
})

const expired = (tags: TagRecord[], retention: RetentionRule[], immutableTags: string[] = []) =>
  expiredTags(tags, { retention, immutableTags }, NOW).map(({ tag: { name }, rule: by }) => `${name} by ${by}`)

test('a rule keeps the newest by push, whatever their names and order', () => {
  const tags = [tag('a', 3), tag('b', 1), tag('c', 5), tag('d', 2)]
  assert.deepEqual(expired(tags, [rule('*', { keepNewest: 2 })]), ['a by *', 'c by *'])
  assert.deepEqual(expired(tags, [rule('*', { keepNewest: 4 })]), [])
})

test('a rule keeps what was pushed within its days, to the moment', () => {
  const tags = [tag('young', 6.99), tag('edge', 7), tag('old', 8)]
  assert.deepEqual(expired(tags, [rule('*', { keepDays: 7 })]), ['edge by *', 'old by *'])
})

test('a rule keeps what was pulled within its days, and pulls do not count where it says none', () => {
  const tags = [tag('used', 90, 2), tag('forgotten', 90, 40), tag('never', 90)]
  assert.deepEqual(expired(tags, [rule('*', { keepPulledDays: 30 })]), ['forgotten by *', 'never by *'])
  assert.deepEqual(expired(tags, [rule('*', { keepDays: 80 })]), ['used by *', 'forgotten by *', 'never by *'])
})

test('the numbers of a rule add up: one of them is enough', () => {
  const tags = [tag('newest', 50), tag('young', 51), tag('pulled', 60, 1), tag('none', 61, 59)]
  const all = rule('*', { keepNewest: 1, keepDays: 52, keepPulledDays: 7 })
  assert.deepEqual(expired(tags, [all]), ['none by *'])
})

test('a rule counts only the tags that it is about, and what no rule is about stays', () => {
  const tags = [tag('v1', 9), tag('v2', 8), tag('nightly-1', 7), tag('nightly-2', 6), tag('latest', 99)]
  const rules = [rule('v*', { keepNewest: 1 }), rule('nightly-*', { keepNewest: 1 })]
  assert.deepEqual(expired(tags, rules), ['v1 by v*', 'nightly-1 by nightly-*'])
})

test('a tag that several rules are about stays when one keeps it, and otherwise the first is named', () => {
  const tags = [tag('v1-rc', 20), tag('v2-rc', 10), tag('v3', 30)]
  const rules = [rule('*-rc', { keepNewest: 1 }), rule('v*', { keepDays: 15 })]
  assert.deepEqual(expired(tags, rules), ['v1-rc by *-rc', 'v3 by v*'])
  assert.deepEqual(expired(tags, [...rules, rule('v1*', { keepDays: 25 })]), ['v3 by v*'])
})

test('a tag that never moves is not removed, and still is one of the newest', () => {
  const tags = [tag('v1', 30), tag('v2', 20), tag('nightly', 25)]
  assert.deepEqual(expired(tags, [rule('*', { keepNewest: 1 })], ['v*']), ['nightly by *'])
})
