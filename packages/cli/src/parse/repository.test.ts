import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parseGrant } from './grant.ts'
import { parseRepositoryTarget } from './repository.ts'
import { parseRetentionRule } from './retention.ts'

test('reads repositories, tags and digests', () => {
  const digest = `sha256:${'a'.repeat(64)}`
  assert.deepEqual(parseRepositoryTarget('team/app'), { repository: 'team/app' })
  assert.deepEqual(parseRepositoryTarget('app:1.0'), { repository: 'app', tag: '1.0' })
  assert.deepEqual(parseRepositoryTarget(`a/b@${digest}`), { repository: 'a/b', digest })
  for (const text of ['', 'A', 'a:', 'a@b', 'a b', '/a', 'localhost:5000/a:1'])
    assert.throws(() => parseRepositoryTarget(text), { reason: 'USAGE' }, text)
})

test('reads rights on repositories', () => {
  assert.deepEqual(parseGrant('team/*=pull,push'), { repositories: 'team/*', rights: [1, 2] })
  assert.deepEqual(parseGrant('**=admin'), { repositories: '**', rights: [4] })
  for (const text of ['', 'a', 'a=', '=pull', 'a=own', 'a=pull,'])
    assert.throws(() => parseGrant(text), { reason: 'USAGE' }, text)
})

test('reads rules of retention', () => {
  const none = { keepNewest: 0, keepDays: 0, keepPulledDays: 0 }
  assert.deepEqual(parseRetentionRule('tags=v*,newest=10'), { ...none, tags: 'v*', keepNewest: 10 })
  assert.deepEqual(parseRetentionRule('days=30,pulled-days=7'), { ...none, tags: '*', keepDays: 30, keepPulledDays: 7 })
  for (const text of ['', 'tags=v*', 'newest=0', 'newest=x', 'old=1', 'newest'])
    assert.throws(() => parseRetentionRule(text), { reason: 'USAGE' }, text)
})
