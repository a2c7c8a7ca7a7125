import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { test } from 'node:test'
import { digestOf } from '@caisson/oci'
import { startPool } from './bucket-pool.ts'
import type { Client } from './client.ts'

test('an image that is pushed to one registry of a pool is pulled from another', async () => {
  await using pool = await startPool()
  const [one, two] = pool.clients
  const layer = randomBytes(12 << 20)
  const pushed = await one.pushImage('team/app', 'v1', layer)
  const manifest = await two.ask('GET', '/v2/team/app/manifests/v1')
  assert.deepEqual([manifest.status, manifest.body], [200, Buffer.from(pushed.bytes)])
  const blob = await two.ask('GET', `/v2/team/app/blobs/${digestOf(layer)}`)
  assert.equal(blob.status, 200)
  assert.ok(blob.body.equals(layer))
  const part = await two.ask('GET', `/v2/team/app/blobs/${digestOf(layer)}`, { headers: { range: 'bytes=5-9' } })
  assert.deepEqual([part.status, part.body], [206, layer.subarray(5, 10)])
  assert.equal((await two.ask('GET', `/v2/other/blobs/${digestOf(layer)}`)).status, 404)
})

test('chunks of one upload may go to different registries', async () => {
  await using pool = await startPool()
  const [one, two] = pool.clients
  const bytes = randomBytes(20 << 20)
  const middle = 9 << 20
  const location = new URL(await one.begin('app'), one.url)
  const path = location.pathname + location.search
  const chunk = async (client: Client, from: number, to: number): Promise<number> => {
    const headers = { 'content-range': `${from}-${to - 1}`, 'content-type': 'application/octet-stream' }
    return (await client.ask('PATCH', path, { headers, body: bytes.subarray(from, to) })).status
  }
  assert.equal(await chunk(one, 0, middle), 202)
  assert.equal(await chunk(two, middle, bytes.length), 202)
  assert.equal((await one.ask('PUT', `${path}?digest=${digestOf(bytes)}`)).status, 201)
  const blob = await two.ask('GET', `/v2/app/blobs/${digestOf(bytes)}`)
  assert.ok(blob.body.equals(bytes))
})

test('a bucket that is away answers 503, and an unlinked blob 404 at once in all registries', async () => {
  await using pool = await startPool()
  const [one, two] = pool.clients
  const layer = randomBytes(1_000)
  await one.pushImage('app', 'v1', layer)
  const path = `/v2/app/blobs/${digestOf(layer)}`
  assert.equal((await two.ask('GET', path)).status, 200)
  assert.equal((await one.ask('DELETE', path)).status, 202)
  assert.equal((await two.ask('GET', path)).status, 404)
  assert.equal((await two.ask('HEAD', path)).status, 404)
  pool.s3.intercept = () => ({ kind: 'error', status: 500, code: 'InternalError' })
  assert.equal((await two.ask('GET', '/v2/app/manifests/v1')).status, 503)
})
