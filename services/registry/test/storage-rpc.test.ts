import assert from 'node:assert/strict'
import { test } from 'node:test'
import { StorageDefinition } from '@caisson/api/registry'
import { digestOf } from '@caisson/oci'
import { Client } from './client.ts'
import { blobOf, startRegistry } from './registry.ts'
import { serveRpc } from './rpc.ts'

const HOUR_MS = 3_600_000
const config = { policy: { deletes: true }, garbage: { everyHours: 0, graceHours: 1, untaggedDays: 1 } }

/** Storage over a real socket; time goes on by `later`. */
async function serve() {
  await using stack = new AsyncDisposableStack()
  let now = Date.now()
  const registry = stack.use(await startRegistry({ config, clock: () => now }))
  const { channel } = stack.use(await serveRpc(registry))
  const client = channel.client(StorageDefinition)
  const owned = stack.move()
  return {
    client,
    http: new Client(registry.url),
    policies: registry.service.policies,
    later: (hours: number) => {
      now += hours * HOUR_MS
    },
    collect: async (dryRun: boolean) => {
      const messages = await Array.fromAsync(client.collectGarbage({ dryRun }))
      const last = messages.pop()
      assert.equal(last?.removed, '', 'the last message has the sum alone')
      return { removed: messages.map(({ removed }) => removed).sort(), freed: last?.freedBytes, messages }
    },
    retain: async (dryRun: boolean, repository = '') => {
      const removed = await Array.fromAsync(client.applyRetention({ dryRun, repository }))
      return removed.map((one) => `${one.repository}:${one.tag} ${one.rule}`).sort()
    },
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  }
}

test('usage adds up: each blob once altogether, and once a namespace', async () => {
  await using served = await serve()
  const { client, http } = served
  assert.deepEqual({ ...(await client.usage({})) }, { bytes: 0, blobs: 0, namespaces: {} })
  const shared = blobOf(1_000)
  const own = blobOf(500)
  await http.pushBlob('one/app', shared)
  await http.pushBlob('one/web', shared)
  await http.pushBlob('one/web', own)
  await http.pushBlob('two', shared)
  const mount = `/v2/three/blobs/uploads/?mount=${digestOf(shared)}&from=two`
  assert.equal((await http.ask('POST', mount)).status, 201)
  const before = await client.usage({})
  assert.deepEqual([before.bytes, before.blobs], [1_500, 2])
  assert.deepEqual({ ...before.namespaces }, { one: 1_500, two: 1_000, three: 1_000 })
  const layer = blobOf(200)
  const image = await http.pushImage('two', 'v1', layer)
  const after = await client.usage({})
  const configBytes = (JSON.parse(Buffer.from(image.bytes).toString()) as { config: { size: number } }).config.size
  assert.equal(after.bytes, 1_500 + 200 + configBytes)
  assert.equal(after.namespaces['two'], 1_000 + 200 + configBytes + image.bytes.length)
})

test('a rehearsed collection tells what the real one then removes, and removes nothing', async () => {
  await using served = await serve()
  const { client, http, collect, later } = served
  const loose = blobOf(3_000)
  await http.pushBlob('team/app', loose)
  const untagged = await http.pushImage('team/app', 'old', blobOf(400))
  await http.pushImage('team/app', 'v1', blobOf(100))
  assert.equal((await http.ask('DELETE', '/v2/team/app/manifests/old')).status, 202)
  assert.deepEqual((await collect(false)).removed, [], 'all is young')
  later(25)
  const before = await client.usage({})
  const rehearsed = await collect(true)
  assert.deepEqual(await client.usage({}), before)
  assert.ok(rehearsed.removed.includes(untagged.digest) && rehearsed.removed.includes(digestOf(loose)))
  const done = await collect(false)
  assert.deepEqual([done.removed, done.freed], [rehearsed.removed, rehearsed.freed])
  const sums = done.messages.map(({ freedBytes }) => freedBytes)
  assert.deepEqual(
    sums,
    sums.toSorted((one, other) => one - other),
  )
  assert.equal(before.bytes - (await client.usage({})).bytes, done.freed)
  assert.equal(done.freed, 3_000 + 400)
  assert.deepEqual((await collect(false)).removed, [])
  assert.equal((await http.ask('GET', '/v2/team/app/manifests/v1')).status, 200)
})

test('rehearsed rules of retention tell what the real ones then remove, in one repository or all', async () => {
  await using served = await serve()
  const { http, policies, retain, later } = served
  const rule = { tags: 'v*', keepNewest: 1, keepDays: 0, keepPulledDays: 0 }
  const policy = { anonymousPull: false, immutableTags: [], quotaBytes: 0, deletes: true, retention: [rule] }
  for (const repository of ['team/app', 'team/web', 'free/app'])
    for (const tag of ['v1', 'v2', 'latest']) {
      await http.pushImage(repository, tag, blobOf(10))
      later(1)
    }
  assert.deepEqual(await retain(false), [], 'there is no rule')
  await policies.set('team/*', policy)
  const rehearsed = await retain(true)
  assert.deepEqual(rehearsed, ['team/app:v1 v*', 'team/web:v1 v*'])
  assert.deepEqual(await retain(true), rehearsed)
  assert.deepEqual(await retain(false, 'team/web'), ['team/web:v1 v*'])
  assert.deepEqual(await retain(false), ['team/app:v1 v*'])
  assert.deepEqual(await retain(false), [])
  for (const [repository, tags] of [
    ['team/app', ['latest', 'v2']],
    ['free/app', ['latest', 'v1', 'v2']],
  ] as const) {
    const { body } = await http.ask('GET', `/v2/${repository}/tags/list`)
    assert.deepEqual((JSON.parse(body.toString()) as { tags: string[] }).tags, tags)
  }
})

test('retention of a repository that is not there, or whose name is none, is refused', async () => {
  await using served = await serve()
  await assert.rejects(served.retain(false, 'no/such'), { code: 'not-found', reason: 'NAME_UNKNOWN' })
  await assert.rejects(served.retain(true, '../etc'), { code: 'invalid-argument', reason: 'NAME_INVALID' })
})

test('an ordinary end of the caller ends a collection', async () => {
  await using served = await serve()
  const { client, http, later } = served
  for (let n = 0; n < 5; n++) await http.pushBlob('team/app', blobOf(10))
  later(2)
  for await (const { removed } of client.collectGarbage({ dryRun: false })) {
    assert.notEqual(removed, '')
    break
  }
  const rest = await served.collect(false)
  assert.ok(rest.removed.length <= 4)
  assert.deepEqual([(await client.usage({})).blobs, (await served.collect(true)).removed], [0, []])
})
