import assert from 'node:assert/strict'
import { test } from 'node:test'
import { digestOf } from '@caisson/oci'
import type { RepositoryName } from '../../distribution/names.ts'
import { app, BucketUnderTest } from './bucket-under-test.ts'

const COUNT = 5_000

/** Puts an object where a backend would, without 5,000 requests. */
function seed(bucket: BucketUnderTest, key: string, value: object): void {
  const body = Buffer.from(JSON.stringify(value))
  const etag = `"${key.length}-${body.length}"`
  const kept = { pieces: [body], size: body.length, etag, contentType: '', metadata: {}, lastModified: new Date() }
  bucket.server.content().put(`a/${key}`, kept)
}

test('tags come by pages in their order, each once, and a page costs what it holds', async () => {
  await using bucket = await BucketUnderTest.start()
  const backend = await bucket.open()
  const names = Array.from({ length: 900 }, (_, n) => `v${n}`)
  const target = { digest: digestOf('x'), mediaType: 'm', size: 1 }
  for (const name of names) seed(bucket, `tags/${app}!/${name}`, { target, pushedAt: 1 })
  const found: string[] = []
  for (;;) {
    const before = bucket.server.calls.length
    const after = found.at(-1)
    const page = await backend.records.tags(app, { limit: 250, ...(after !== undefined && { after }) })
    const lists = bucket.server.calls.slice(before).filter(({ operation }) => operation === 'ListObjectsV2')
    assert.ok(lists.length <= 2, `${lists.length} listings`)
    found.push(...page.map(({ name }) => name))
    if (page.length < 250) break
  }
  assert.deepEqual(found, names.sort())
})

test('5,000 repositories come by pages, below a prefix too, in the order of their names', async () => {
  await using bucket = await BucketUnderTest.start()
  const backend = await bucket.open()
  const names = Array.from({ length: COUNT / 2 }, (_, n) => [`team${n % 7}/app-${n}`, `team${n % 7}/app-${n}/x`]).flat()
  for (const name of names) seed(bucket, `names/${name}!`, { pushedAt: 1 })
  const found: RepositoryName[] = []
  for (;;) {
    const after = found.at(-1)
    const page = await backend.records.repositories({ limit: 1_000, ...(after !== undefined && { after }) })
    found.push(...page)
    if (page.length < 1_000) break
  }
  assert.deepEqual(found, names.sort())
  const some = await backend.records.repositories({ limit: 9_999, prefix: 'team3/', after: 'team3/app-2' })
  assert.deepEqual(
    some,
    names.filter((name) => name.startsWith('team3/') && name > 'team3/app-2'),
  )
})

test('what was read once is not read again to be summed', async () => {
  await using bucket = await BucketUnderTest.start()
  const backend = await bucket.open()
  for (let n = 0; n < 100; n++)
    seed(bucket, `links/${app}!/sha256/${digestOf(`${n}`).slice('sha256:'.length)}`, { size: 2 })
  assert.equal(await backend.records.usage('team/*'), 200)
  const before = bucket.server.calls.length
  assert.equal(await backend.records.usage('*'), 200)
  assert.ok(bucket.server.calls.length - before < 5)
})
