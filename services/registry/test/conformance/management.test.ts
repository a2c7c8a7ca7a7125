import assert from 'node:assert/strict'
import { test } from 'node:test'
import { digestOf } from '@caisson/oci'
import { blobOf } from '../registry.ts'
import { sharedRegistry } from '../shared-registry.ts'

/** The workflow "content management" of the distribution specification. */

const { client } = await sharedRegistry()

test('removes a tag and leaves the manifest and its other tags', async () => {
  const image = await client.pushImage('m/tags', 'one', blobOf(10))
  await client.pushManifest('m/tags', 'two', image)
  assert.equal((await client.ask('DELETE', '/v2/m/tags/manifests/one')).status, 202)
  assert.equal((await client.ask('GET', '/v2/m/tags/manifests/one')).status, 404)
  assert.equal((await client.ask('GET', '/v2/m/tags/manifests/two')).status, 200)
  assert.equal((await client.ask('GET', `/v2/m/tags/manifests/${image.digest}`)).status, 200)
  const again = await client.ask('DELETE', '/v2/m/tags/manifests/one')
  assert.deepEqual([again.status, again.code], [404, 'MANIFEST_UNKNOWN'])
})

test('removes a manifest with all its tags', async () => {
  const image = await client.pushImage('m/manifest', 'one', blobOf(10))
  await client.pushManifest('m/manifest', 'two', image)
  assert.equal((await client.ask('DELETE', `/v2/m/manifest/manifests/${image.digest}`)).status, 202)
  for (const reference of ['one', 'two', image.digest])
    assert.equal((await client.ask('GET', `/v2/m/manifest/manifests/${reference}`)).status, 404)
  const list = await client.ask('GET', '/v2/m/manifest/tags/list')
  assert.deepEqual(JSON.parse(list.body.toString()), { name: 'm/manifest', tags: [] })
})

test('removes a blob from one repository and leaves it in another', async () => {
  const blob = blobOf(100)
  const digest = await client.pushBlob('m/blob', blob)
  await client.pushBlob('m/other', blob)
  assert.equal((await client.ask('DELETE', `/v2/m/blob/blobs/${digest}`)).status, 202)
  assert.equal((await client.ask('GET', `/v2/m/blob/blobs/${digest}`)).status, 404)
  assert.deepEqual((await client.ask('GET', `/v2/m/other/blobs/${digest}`)).body, blob)
  assert.equal((await client.ask('DELETE', `/v2/m/blob/blobs/${digest}`)).status, 404)
})

test('answers 404 for what is not there, and 400 for what is no digest', async () => {
  await client.pushImage('m/none', 'x', blobOf(10))
  assert.equal((await client.ask('DELETE', `/v2/m/none/manifests/${digestOf('no')}`)).status, 404)
  assert.equal((await client.ask('DELETE', `/v2/m/none/blobs/${digestOf('no')}`)).status, 404)
  assert.equal((await client.ask('DELETE', '/v2/m/none/manifests/sha256:no')).status, 400)
})

test('answers 405 with what is allowed for methods that an endpoint does not have', async () => {
  for (const [method, path, allow] of [
    ['POST', '/v2/m/none/tags/list', 'HEAD, GET'],
    ['PATCH', '/v2/m/none/manifests/x', 'HEAD, GET, PUT, DELETE'],
    ['PUT', '/v2/', 'GET, HEAD'],
  ] as const) {
    const answer = await client.ask(method, path, { body: 'x' })
    assert.deepEqual([answer.status, answer.code, answer.headers.get('allow')], [405, 'UNSUPPORTED', allow])
  }
})

test('answers 404 for paths that are no endpoints', async () => {
  for (const path of ['/v1/', '/v2/a', '/v2/a/unknown/b', '/', '/v2/a/manifests/'])
    assert.equal((await client.ask('GET', path)).status, 404, path)
})
