import assert from 'node:assert/strict'
import { test } from 'node:test'
import { pageOf } from './page.ts'

const items = ['c', 'a', 'e', 'b', 'd'].map((id) => ({ id }))

test('gives every entry once, page by page', () => {
  const seen: string[] = []
  for (let token = ''; ; ) {
    const page = pageOf(items, { size: 2, token })
    seen.push(...page.items.map(({ id }) => id))
    token = page.nextPageToken
    if (token === '') break
  }
  assert.deepEqual(seen, ['a', 'b', 'c', 'd', 'e'])
})

test('goes on behind an entry that is gone meanwhile', () => {
  assert.deepEqual(
    pageOf(items, { size: 2, token: 'bb' }).items.map(({ id }) => id),
    ['c', 'd'],
  )
  assert.equal(pageOf(items, undefined).nextPageToken, '')
})
