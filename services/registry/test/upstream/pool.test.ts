import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { digestOf } from '@caisson/oci'
import { needsDockerRegistry, startDockerRegistry } from '@caisson/testkit'
import { startPool } from '../bucket-pool.ts'
import { Client } from '../client.ts'
import { setUpstream } from './mirror.ts'
import { mockUpstream, sendFrom } from './mock-upstream.ts'

const skip = needsDockerRegistry()

test('two registries on one bucket fetch from one upstream, and have the same', { skip }, async () => {
  await using upstream = await startDockerRegistry()
  await using pool = await startPool()
  const [one, two] = pool.clients
  const [registry] = pool.registries
  await setUpstream(registry, upstream.url, { revalidateSeconds: 60 })
  const source = new Client(upstream.url)
  const layer = randomBytes(12 << 20)
  const image = await source.pushImage('library/app', '1', layer)
  const small = await source.pushImage('library/app', '2', randomBytes(100))
  const path = (name: string): string => `/v2/hub/library/app/${name}`
  // The other process hears of the upstream within its time.
  for (let status = 0; status !== 200; ) status = (await two.ask('HEAD', path('manifests/2'))).status
  assert.equal((await one.ask('GET', path(`manifests/${small.digest}`))).status, 200)
  const asked = [one, two, one, two].map(async (client) => {
    const manifest = await client.ask('GET', path('manifests/1'))
    assert.deepEqual([manifest.status, manifest.body], [200, Buffer.from(image.bytes)])
    const blob = await client.ask('GET', path(`blobs/${digestOf(layer)}`))
    assert.equal(blob.status, 200)
    assert.ok(blob.body.equals(layer))
  })
  await Promise.all(asked)
  await upstream.stop()
  for (const client of [one, two]) {
    assert.equal((await client.ask('GET', path('manifests/1'))).status, 200)
    assert.ok((await client.ask('GET', path(`blobs/${digestOf(layer)}`))).body.equals(layer))
    const part = await client.ask('GET', path(`blobs/${digestOf(layer)}`), { headers: { range: 'bytes=5-9' } })
    assert.deepEqual([part.status, part.body], [206, layer.subarray(5, 10)])
  }
  const { backend } = registry
  assert.equal(await backend.uploads.pending('*'), 0)
  const signal = new AbortController().signal
  const removed = await Array.fromAsync(backend.garbage.collect({ graceMs: 0, dryRun: false }, signal))
  assert.deepEqual(removed, [])
})

test('a blob that is not what its digest says leaves nothing in the bucket, and the right one comes', async () => {
  const blob = randomBytes(12 << 20)
  let bytes = Buffer.concat([blob.subarray(1), Buffer.of(0)])
  await using upstream = await mockUpstream((request, response) => response.end(sendFrom(request, response, bytes)))
  await using pool = await startPool()
  const [one, two] = pool.clients
  const [registry] = pool.registries
  await setUpstream(registry, upstream.url)
  const path = `/v2/hub/app/blobs/${digestOf(blob)}`
  await assert.rejects(one.ask('GET', path))
  const { records, blobs, uploads } = registry.backend
  assert.equal(await records.linkedBlob('hub/app' as never, digestOf(blob)), undefined)
  assert.equal(await blobs.stat(digestOf(blob)), undefined)
  for (let tried = 0; tried < 100 && (await uploads.pending('*')) > 0; tried++) await sleep(50)
  assert.equal(await uploads.pending('*'), 0)
  bytes = blob
  assert.ok((await one.ask('GET', path)).body.equals(blob))
  assert.ok((await two.ask('GET', path)).body.equals(blob))
})
