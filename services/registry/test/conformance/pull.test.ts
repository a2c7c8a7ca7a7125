import assert from 'node:assert/strict'
import { before, test } from 'node:test'
import { digestOf, MEDIA_TYPE } from '@caisson/oci'
import { Client, descriptorOf, type Manifest, manifestOf } from '../client.ts'
import { blobOf, startRegistry } from '../registry.ts'
import { sharedRegistry } from '../shared-registry.ts'

/** The workflow "pull" of the distribution specification. */

const { client } = await sharedRegistry()
let image: Manifest
const layer = blobOf(300_000)
const small = blobOf(100)
const absent = digestOf('nobody ever pushed this')

before(async () => {
  image = await client.pushImage('team/app', 'v1', layer)
  await client.pushBlob('team/app', small)
})

test('answers the base of the API', async () => {
  const { status, headers } = await client.ask('GET', '/v2/')
  assert.equal(status, 200)
  assert.equal(headers.get('docker-distribution-api-version'), 'registry/2.0')
})

test('tells of a blob by HEAD, with its length and digest', async () => {
  const { status, headers, body } = await client.ask('HEAD', `/v2/team/app/blobs/${digestOf(layer)}`)
  assert.equal(status, 200)
  assert.equal(headers.get('content-length'), String(layer.length))
  assert.equal(headers.get('docker-content-digest'), digestOf(layer))
  assert.equal(body.length, 0)
})

for (const [name, blob] of Object.entries({ large: layer, small })) {
  test(`sends a ${name} blob as it was pushed`, async () => {
    const { status, headers, body } = await client.ask('GET', `/v2/team/app/blobs/${digestOf(blob)}`)
    assert.equal(status, 200)
    assert.equal(headers.get('content-length'), String(blob.length))
    assert.equal(headers.get('docker-content-digest'), digestOf(blob))
    assert.equal(headers.get('accept-ranges'), 'bytes')
    assert.deepEqual(body, blob)
  })
}

test('answers 404 BLOB_UNKNOWN for a blob that it does not have', async () => {
  const { status, code } = await client.ask('GET', `/v2/team/app/blobs/${absent}`)
  assert.deepEqual([status, code], [404, 'BLOB_UNKNOWN'])
  assert.equal((await client.ask('HEAD', `/v2/team/app/blobs/${absent}`)).status, 404)
})

test('answers 400 DIGEST_INVALID for what is no digest', async () => {
  for (const wrong of ['sha256:abc', 'md5:d41d8cd98f00b204e9800998ecf8427e', `sha256:${'A'.repeat(64)}`]) {
    const { status, code } = await client.ask('GET', `/v2/team/app/blobs/${wrong}`)
    assert.deepEqual([status, code], [400, 'DIGEST_INVALID'], wrong)
  }
})

const ranges: readonly (readonly [header: string, first: number, end: number])[] = [
  ['bytes=0-9', 0, 10],
  ['bytes=100-200099', 100, 200_100],
  ['bytes=299990-', 299_990, 300_000],
  ['bytes=-7', 299_993, 300_000],
  ['bytes=-999999', 0, 300_000],
  ['bytes=10-999999', 10, 300_000],
]
for (const [range, first, end] of ranges) {
  test(`sends the part of a blob that ${range} asks for`, async () => {
    const answer = await client.ask('GET', `/v2/team/app/blobs/${digestOf(layer)}`, { headers: { range } })
    assert.equal(answer.status, 206)
    assert.equal(answer.headers.get('content-range'), `bytes ${first}-${end - 1}/300000`)
    assert.equal(answer.headers.get('content-length'), String(end - first))
    assert.deepEqual(answer.body, layer.subarray(first, end))
  })
}

test('answers 416 with the size for a part that is not there', async () => {
  for (const range of ['bytes=300000-', 'bytes=400000-400001', 'bytes=-0']) {
    const { status, headers } = await client.ask('GET', `/v2/team/app/blobs/${digestOf(layer)}`, { headers: { range } })
    assert.equal(status, 416, range)
    assert.equal(headers.get('content-range'), 'bytes */300000')
  }
})

test('sends the whole blob for a range that it does not understand', async () => {
  for (const range of ['bytes=5-2', 'lines=1-2', 'bytes=0-1,5-6', 'bytes=-']) {
    const { status, body } = await client.ask('GET', `/v2/team/app/blobs/${digestOf(layer)}`, { headers: { range } })
    assert.deepEqual([status, body.length], [200, layer.length], range)
  }
})

for (const by of ['tag', 'digest'] as const) {
  test(`sends a manifest by ${by}, byte for byte`, async () => {
    const path = `/v2/team/app/manifests/${by === 'tag' ? 'v1' : image.digest}`
    const { status, headers, body } = await client.ask('GET', path)
    assert.equal(status, 200)
    assert.equal(headers.get('content-type'), MEDIA_TYPE.ociManifest)
    assert.equal(headers.get('docker-content-digest'), image.digest)
    assert.deepEqual(body, image.bytes)
    const head = await client.ask('HEAD', path)
    assert.equal(head.status, 200)
    assert.equal(head.headers.get('content-length'), String(image.bytes.length))
    assert.equal(head.headers.get('content-type'), MEDIA_TYPE.ociManifest)
    assert.equal(head.headers.get('docker-content-digest'), image.digest)
  })
}

test('answers 404 MANIFEST_UNKNOWN for tags and digests that are not there, and for what is no tag', async () => {
  for (const reference of ['other', absent, '.INVALID_MANIFEST_NAME', 'a'.repeat(129)]) {
    const { status, code } = await client.ask('GET', `/v2/team/app/manifests/${reference}`)
    assert.deepEqual([status, code], [404, 'MANIFEST_UNKNOWN'], reference)
    assert.equal((await client.ask('HEAD', `/v2/team/app/manifests/${reference}`)).status, 404)
  }
})

test('takes a digest whose colon is escaped', async () => {
  const { status } = await client.ask('GET', `/v2/team/app/manifests/${image.digest.replace(':', '%3A')}`)
  assert.equal(status, 200)
})

test('sends a manifest only to clients that accept its type, and converts nothing', async () => {
  const ask = async (accept: string) =>
    (await client.ask('GET', '/v2/team/app/manifests/v1', { headers: { accept } })).status
  assert.equal(await ask('*/*'), 200)
  assert.equal(await ask(`${MEDIA_TYPE.dockerManifest}, ${MEDIA_TYPE.ociManifest};q=0.5`), 200)
  assert.equal(await ask('application/json'), 200)
  assert.equal(await ask(MEDIA_TYPE.ociIndex), 404)
  assert.equal(await ask(`${MEDIA_TYPE.ociManifest};q=0, ${MEDIA_TYPE.ociIndex}`), 404)
})

test('answers 304 when the client has it already', async () => {
  const tag = { headers: { 'if-none-match': `"${image.digest}"` } }
  assert.equal((await client.ask('GET', '/v2/team/app/manifests/v1', tag)).status, 304)
  const blob = { headers: { 'if-none-match': `"${digestOf(layer)}"` } }
  assert.equal((await client.ask('GET', `/v2/team/app/blobs/${digestOf(layer)}`, blob)).status, 304)
})

test('keeps manifests and lists of docker beside those of OCI', async () => {
  const config = Buffer.from('{}')
  await client.pushBlob('team/docker', config)
  await client.pushBlob('team/docker', layer)
  const manifest = manifestOf(
    {
      config: descriptorOf(config, MEDIA_TYPE.dockerConfig),
      layers: [descriptorOf(layer, MEDIA_TYPE.dockerLayerGzip)],
    },
    MEDIA_TYPE.dockerManifest,
  )
  assert.equal((await client.pushManifest('team/docker', manifest.digest, manifest)).status, 201)
  const child = { mediaType: manifest.mediaType, digest: manifest.digest, size: manifest.bytes.length }
  const list = manifestOf({ manifests: [child] }, MEDIA_TYPE.dockerIndex)
  assert.equal((await client.pushManifest('team/docker', 'multi', list)).status, 201)
  const found = await client.ask('GET', '/v2/team/docker/manifests/multi')
  assert.equal(found.headers.get('content-type'), MEDIA_TYPE.dockerIndex)
  assert.deepEqual(found.body, list.bytes)
})

test('sends blobs through streams as well', async () => {
  await using plain = await startRegistry({ streams: true })
  const other = new Client(plain.url)
  await other.pushBlob('a', layer)
  assert.deepEqual((await other.ask('GET', `/v2/a/blobs/${digestOf(layer)}`)).body, layer)
})

test('serves many requests on one connection, large blobs and small answers by turns', async () => {
  for (let round = 0; round < 20; round++) {
    assert.deepEqual((await client.ask('GET', `/v2/team/app/blobs/${digestOf(layer)}`)).body, layer)
    assert.equal((await client.ask('GET', '/v2/team/app/manifests/v1')).status, 200)
  }
})
