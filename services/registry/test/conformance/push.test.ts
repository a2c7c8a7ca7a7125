import assert from 'node:assert/strict'
import { test } from 'node:test'
import { digestOf, MEDIA_TYPE } from '@caisson/oci'
import { Client, descriptorOf, manifestOf } from '../client.ts'
import { blobOf, startRegistry } from '../registry.ts'
import { sharedRegistry } from '../shared-registry.ts'

/** The workflow "push" of the distribution specification. */

const { client } = await sharedRegistry()

const pull = async (repository: string, blob: Buffer) => {
  const { status, body } = await client.ask('GET', `/v2/${repository}/blobs/${digestOf(blob)}`)
  assert.equal(status, 200)
  assert.deepEqual(body, blob)
}

test('takes a blob by POST and PUT', async () => {
  const blob = blobOf(1_000)
  const location = await client.begin('push/a')
  const { status, headers } = await client.ask('PUT', `${location}?digest=${digestOf(blob)}`, { body: blob })
  assert.equal(status, 201)
  assert.equal(headers.get('docker-content-digest'), digestOf(blob))
  assert.equal(headers.get('location'), `/v2/push/a/blobs/${digestOf(blob)}`)
  await pull('push/a', blob)
})

test('takes a blob by a single POST', async () => {
  const blob = blobOf(2_000)
  const { status } = await client.ask('POST', `/v2/push/a/blobs/uploads/?digest=${digestOf(blob)}`, { body: blob })
  assert.equal(status, 201)
  await pull('push/a', blob)
})

test('takes an empty blob', async () => {
  const empty = Buffer.alloc(0)
  const location = await client.begin('push/a')
  assert.equal((await client.ask('PUT', `${location}?digest=${digestOf(empty)}`)).status, 201)
  await pull('push/a', empty)
})

test('takes a blob in chunks, and tells where the upload stands', async () => {
  const blob = blobOf(3_000_000)
  let location = await client.begin('push/chunks')
  for (const [first, end] of [
    [0, 1_000_000],
    [1_000_000, 2_500_000],
  ] as const) {
    const chunk = await client.ask('PATCH', location, {
      headers: { 'content-range': `${first}-${end - 1}`, 'content-type': 'application/octet-stream' },
      body: blob.subarray(first, end),
    })
    assert.equal(chunk.status, 202)
    assert.equal(chunk.headers.get('range'), `0-${end - 1}`)
    location = chunk.headers.get('location') ?? ''
    const state = await client.ask('GET', location)
    assert.deepEqual([state.status, state.headers.get('range')], [204, `0-${end - 1}`])
    assert.equal(state.headers.get('location'), location)
  }
  const last = await client.ask('PUT', `${location}?digest=${digestOf(blob)}`, {
    headers: { 'content-range': '2500000-2999999' },
    body: blob.subarray(2_500_000),
  })
  assert.equal(last.status, 201)
  await pull('push/chunks', blob)
})

test('takes a streamed chunk without length or range', async () => {
  const blob = blobOf(500_000)
  const location = await client.begin('push/stream')
  const body = new ReadableStream({
    start(controller) {
      for (let at = 0; at < blob.length; at += 100_000) controller.enqueue(blob.subarray(at, at + 100_000))
      controller.close()
    },
  })
  const chunk = await client.send('PATCH', location, { body, duplex: 'half' })
  assert.deepEqual([chunk.status, chunk.headers.get('range')], [202, '0-499999'])
  assert.equal((await client.ask('PUT', `${location}?digest=${digestOf(blob)}`)).status, 201)
  await pull('push/stream', blob)
})

test('answers 416 for chunks out of order, and stays where it was', async () => {
  const blob = blobOf(1_000)
  const location = await client.begin('push/order')
  const send = (range: string, body: Buffer) =>
    client.ask('PATCH', location, { headers: { 'content-range': range }, body })
  assert.equal((await send('500-999', blob.subarray(500))).status, 416)
  assert.equal((await send('0-499', blob.subarray(0, 500))).status, 202)
  const again = await send('0-499', blob.subarray(0, 500))
  assert.deepEqual([again.status, again.headers.get('range')], [416, '0-499'])
  const late = await client.ask('PUT', `${location}?digest=${digestOf(blob)}`, {
    headers: { 'content-range': '600-999' },
    body: blob.subarray(600),
  })
  assert.equal(late.status, 416)
  assert.equal((await send('500-999', blob.subarray(500))).status, 202)
  assert.equal((await client.ask('PUT', `${location}?digest=${digestOf(blob)}`)).status, 201)
  await pull('push/order', blob)
})

test('cancels an upload', async () => {
  const location = await client.begin('push/cancel')
  assert.equal((await client.ask('DELETE', location)).status, 204)
  for (const method of ['GET', 'PATCH', 'DELETE']) {
    const { status, code } = await client.ask(method, location, method === 'PATCH' ? { body: 'x' } : {})
    assert.deepEqual([status, code], [404, 'BLOB_UPLOAD_UNKNOWN'], method)
  }
})

test('knows an upload only in its own repository', async () => {
  const location = await client.begin('push/mine')
  const { status } = await client.ask('PATCH', location.replace('push/mine', 'push/yours'), { body: 'x' })
  assert.equal(status, 404)
})

test('takes sha512, by the session or by the digest at its end', async () => {
  const blob = blobOf(10_000)
  const digest = digestOf(blob, 'sha512')
  const asked = await client.begin('push/sha512', '?digest-algorithm=sha512')
  assert.equal((await client.ask('PATCH', asked, { body: blob })).status, 202)
  assert.equal((await client.ask('PUT', `${asked}?digest=${digest}`)).status, 201)
  const unasked = await client.begin('push/other512')
  assert.equal((await client.ask('PATCH', unasked, { body: blob })).status, 202)
  assert.equal((await client.ask('PUT', `${unasked}?digest=${digest}`)).status, 201)
  const found = await client.ask('GET', `/v2/push/sha512/blobs/${digest}`)
  assert.deepEqual(found.body, blob)
  assert.equal(found.headers.get('docker-content-digest'), digest)
  const wrong = await client.ask('POST', '/v2/push/sha512/blobs/uploads/?digest-algorithm=md5')
  assert.equal(wrong.status, 400)
})

test('mounts a blob from another repository, named or not', async () => {
  const blob = blobOf(5_000)
  await client.pushBlob('mount/from', blob)
  const mount = (to: string, query: string) => client.ask('POST', `/v2/${to}/blobs/uploads/?${query}`)
  const named = await mount('mount/named', `mount=${digestOf(blob)}&from=mount/from`)
  assert.equal(named.status, 201)
  assert.equal(named.headers.get('location'), `/v2/mount/named/blobs/${digestOf(blob)}`)
  await pull('mount/named', blob)
  assert.equal((await mount('mount/any', `mount=${digestOf(blob)}`)).status, 201)
  await pull('mount/any', blob)
})

test('begins an upload where there is nothing to mount', async () => {
  const absent = digestOf('not here')
  for (const query of [`mount=${absent}&from=mount/from`, `mount=${absent}`, `mount=${absent}&from=no/such`]) {
    const { status, headers } = await client.ask('POST', `/v2/mount/to/blobs/uploads/?${query}`)
    assert.equal(status, 202)
    assert.match(headers.get('location') ?? '', /^\/v2\/mount\/to\/blobs\/uploads\//)
  }
})

test('takes a manifest by tag, by digest, and with tags beside its digest', async () => {
  const manifest = await client.imageOf('push/manifest', blobOf(10))
  const tagged = await client.pushManifest('push/manifest', 'one', manifest)
  assert.equal(tagged.status, 201)
  assert.equal(tagged.headers.get('docker-content-digest'), manifest.digest)
  assert.equal(tagged.headers.get('location'), `/v2/push/manifest/manifests/${manifest.digest}`)
  assert.equal(tagged.headers.get('oci-subject'), null)
  const tags = Array.from({ length: 12 }, (_, n) => `t${n}`)
  const query = tags.map((tag) => `tag=${tag}`).join('&')
  const many = await client.pushManifest('push/manifest', `${manifest.digest}?${query}`, manifest)
  assert.equal(many.status, 201)
  assert.deepEqual(many.headers.get('oci-tag')?.split(/,\s*/), tags)
  for (const tag of ['one', ...tags])
    assert.equal(
      (await client.ask('HEAD', `/v2/push/manifest/manifests/${tag}`)).headers.get('docker-content-digest'),
      manifest.digest,
    )
})

test('answers 414 for more tags than are set at once', async () => {
  const manifest = await client.imageOf('push/manifest', blobOf(10))
  const query = Array.from({ length: 101 }, (_, n) => `tag=t${n}`).join('&')
  assert.equal((await client.pushManifest('push/manifest', `${manifest.digest}?${query}`, manifest)).status, 414)
})

test('takes a manifest under a sha512 digest', async () => {
  const manifest = await client.imageOf('push/manifest', blobOf(10))
  const digest = digestOf(manifest.bytes, 'sha512')
  assert.equal((await client.pushManifest('push/manifest', digest, manifest)).status, 201)
  assert.deepEqual((await client.ask('GET', `/v2/push/manifest/manifests/${digest}`)).body, manifest.bytes)
})

test('takes a manifest that says its type only in the header, and one that says it only inside', async () => {
  const config = Buffer.from('{"a":1}')
  await client.pushBlob('push/types', config)
  const members = { schemaVersion: 2, config: descriptorOf(config, 'application/vnd.example+json'), layers: [] }
  const push = (tag: string, type: string, document: object) =>
    client.ask('PUT', `/v2/push/types/manifests/${tag}`, {
      headers: { 'content-type': type },
      body: JSON.stringify(document),
    })
  assert.equal((await push('header', MEDIA_TYPE.ociManifest, members)).status, 201)
  const inside = { ...members, mediaType: MEDIA_TYPE.ociManifest }
  assert.equal((await push('inside', 'application/json', inside)).status, 201)
  for (const tag of ['header', 'inside'])
    assert.equal(
      (await client.ask('GET', `/v2/push/types/manifests/${tag}`)).headers.get('content-type'),
      MEDIA_TYPE.ociManifest,
    )
})

const wrong: Readonly<Record<string, readonly [type: string, body: string]>> = {
  'no JSON': [MEDIA_TYPE.ociManifest, '{"schemaVersion":2'],
  'no object': [MEDIA_TYPE.ociManifest, '[]'],
  'no config': [MEDIA_TYPE.ociManifest, '{"schemaVersion":2,"layers":[]}'],
  'a member twice': [MEDIA_TYPE.ociManifest, '{"schemaVersion":2,"schemaVersion":2,"config":{},"layers":[]}'],
  'schema 1': ['application/vnd.docker.distribution.manifest.v1+prettyjws', '{"schemaVersion":1,"fsLayers":[]}'],
  'another type inside': [
    MEDIA_TYPE.ociManifest,
    `{"schemaVersion":2,"mediaType":"${MEDIA_TYPE.ociIndex}","manifests":[]}`,
  ],
  'a type that nobody knows': ['application/x-other', '{"schemaVersion":2,"layers":[]}'],
  'an index with layers': [MEDIA_TYPE.ociIndex, '{"schemaVersion":2,"manifests":[],"layers":[]}'],
  'a digest that is none': [
    MEDIA_TYPE.ociManifest,
    '{"schemaVersion":2,"config":{"mediaType":"a/b","digest":"sha256:x","size":1},"layers":[]}',
  ],
}
for (const [what, [type, body]] of Object.entries(wrong)) {
  test(`refuses a manifest with ${what}`, async () => {
    const headers = { 'content-type': type }
    const { status, code } = await client.ask('PUT', '/v2/push/wrong/manifests/x', { headers, body })
    assert.deepEqual([status, code], [400, 'MANIFEST_INVALID'])
    assert.equal((await client.ask('GET', '/v2/push/wrong/manifests/x')).status, 404)
  })
}

test('refuses a manifest under a digest that is not its own', async () => {
  const manifest = await client.imageOf('push/manifest', blobOf(10))
  const { status, code } = await client.pushManifest('push/manifest', digestOf('other'), manifest)
  assert.deepEqual([status, code], [400, 'DIGEST_INVALID'])
})

test('takes an index of manifests that are here, and one of layers that are fetched elsewhere', async () => {
  const child = await client.pushImage('push/index', 'child', blobOf(10))
  const entry = { mediaType: child.mediaType, digest: child.digest, size: child.bytes.length }
  const index = manifestOf({ manifests: [entry] }, MEDIA_TYPE.ociIndex)
  assert.equal((await client.pushManifest('push/index', 'all', index)).status, 201)
  const foreign = {
    ...descriptorOf(Buffer.from('elsewhere'), MEDIA_TYPE.dockerForeignLayerGzip),
    urls: ['https://elsewhere.example/layer'],
  }
  const config = Buffer.from('{"b":1}')
  await client.pushBlob('push/index', config)
  const image = manifestOf({ config: descriptorOf(config, MEDIA_TYPE.dockerConfig), layers: [foreign] })
  assert.equal((await client.pushManifest('push/index', 'foreign', image)).status, 201)
})

test('takes an index whose children are not here only where that is configured', async () => {
  await using sparse = await startRegistry({ config: { sparseIndexes: true } })
  const entry = { mediaType: MEDIA_TYPE.ociManifest, digest: digestOf('child'), size: 5 }
  const index = manifestOf({ manifests: [entry] }, MEDIA_TYPE.ociIndex)
  assert.equal((await new Client(sparse.url).pushManifest('a', 'sparse', index)).status, 201)
  const { status, code } = await client.pushManifest('push/index', 'sparse', index)
  assert.deepEqual([status, code], [404, 'MANIFEST_BLOB_UNKNOWN'])
})
