import assert from 'node:assert/strict'
import { before, test } from 'node:test'
import { digestOf, MEDIA_TYPE } from '@caisson/oci'
import { descriptorOf, type Manifest, manifestOf } from '../client.ts'
import { blobOf } from '../registry.ts'
import { sharedRegistry } from '../shared-registry.ts'

/** The workflow "content discovery" of the distribution specification. */

const { client } = await sharedRegistry()
let image: Manifest
const empty = Buffer.from('{}')

before(async () => {
  image = await client.pushImage('team/app', 'b', blobOf(10))
  for (const tag of ['a', 'B', 'c_1', 'c-1', 'z.9']) await client.pushManifest('team/app', tag, image)
  await client.pushBlob('team/app', empty)
})

const json = async (path: string) => {
  const { status, headers, body } = await client.ask('GET', path)
  assert.equal(status, 200)
  return {
    headers,
    body: JSON.parse(body.toString()) as {
      tags: string[]
      repositories: string[]
      manifests: { digest: string; artifactType: string; annotations: object; size: number }[]
    },
  }
}
const next = (headers: Headers): string => /^<([^>]+)>; rel="next"$/.exec(headers.get('link') ?? '')?.[1] ?? ''

test('lists tags in their order', async () => {
  const { headers, body } = await json('/v2/team/app/tags/list')
  assert.deepEqual(body, { name: 'team/app', tags: ['B', 'a', 'b', 'c-1', 'c_1', 'z.9'] })
  assert.equal(headers.get('link'), null)
})

test('lists tags by pages that Link leads through', async () => {
  const seen: string[] = []
  let path = '/v2/team/app/tags/list?n=4'
  for (let pages = 0; path !== ''; pages++) {
    assert.ok(pages < 3)
    const { headers, body } = await json(path)
    seen.push(...body.tags)
    path = next(headers)
  }
  assert.deepEqual(seen, ['B', 'a', 'b', 'c-1', 'c_1', 'z.9'])
})

test('begins a list behind a name that need not exist', async () => {
  assert.deepEqual((await json('/v2/team/app/tags/list?last=bb')).body.tags, ['c-1', 'c_1', 'z.9'])
  assert.deepEqual((await json('/v2/team/app/tags/list?last=zzz')).body.tags, [])
})

test('answers n=0 with nothing and no Link', async () => {
  const { headers, body } = await json('/v2/team/app/tags/list?n=0')
  assert.deepEqual(body.tags, [])
  assert.equal(headers.get('link'), null)
})

test('refuses an n that is no number', async () => {
  for (const n of ['x', '-1', '1.5'])
    assert.equal((await client.ask('GET', `/v2/team/app/tags/list?n=${n}`)).status, 400)
})

test('answers 404 NAME_UNKNOWN for tags of a repository that is not there', async () => {
  const { status, code } = await client.ask('GET', '/v2/no/such/tags/list')
  assert.deepEqual([status, code], [404, 'NAME_UNKNOWN'])
})

test('lists repositories by pages', async () => {
  for (const name of ['x/one', 'x/three', 'x/two']) await client.pushImage(name, 'a', blobOf(10))
  const first = await json('/v2/_catalog?n=2')
  assert.deepEqual(first.body.repositories, ['team/app', 'x/one'])
  const second = await json(next(first.headers))
  assert.deepEqual(second.body.repositories, ['x/three', 'x/two'])
  assert.equal(second.headers.get('link'), null)
})

const artifact = (type: string, subject: string, more: object = {}): Manifest =>
  manifestOf({
    artifactType: type,
    config: descriptorOf(empty, MEDIA_TYPE.ociEmpty),
    layers: [descriptorOf(empty, MEDIA_TYPE.ociEmpty)],
    subject: { mediaType: MEDIA_TYPE.ociManifest, digest: subject, size: 10 },
    ...more,
  })

test('answers with an empty index where nothing refers', async () => {
  const { headers, body } = await json(`/v2/team/app/referrers/${digestOf('nothing')}`)
  assert.equal(headers.get('content-type'), MEDIA_TYPE.ociIndex)
  assert.deepEqual(body, { schemaVersion: 2, mediaType: MEDIA_TYPE.ociIndex, manifests: [] })
  assert.deepEqual((await json(`/v2/no/such/referrers/${digestOf('nothing')}`)).body.manifests, [])
})

test('answers 400 for referrers of what is no digest', async () => {
  assert.equal((await client.ask('GET', '/v2/team/app/referrers/latest')).status, 400)
})

test('lists what refers to a manifest, with types and annotations, filtered by type', async () => {
  const signature = artifact('application/vnd.example.signature', image.digest, { annotations: { by: 'us' } })
  const bill = artifact('application/vnd.example.sbom', image.digest)
  for (const referrer of [signature, bill]) {
    const pushed = await client.pushManifest('team/app', referrer.digest, referrer)
    assert.equal(pushed.status, 201)
    assert.equal(pushed.headers.get('oci-subject'), image.digest)
  }
  const all = await json(`/v2/team/app/referrers/${image.digest}`)
  assert.deepEqual(new Set(all.body.manifests.map(({ digest }) => digest)), new Set([signature.digest, bill.digest]))
  assert.equal(all.headers.get('oci-filters-applied'), null)
  const some = await json(`/v2/team/app/referrers/${image.digest}?artifactType=application/vnd.example.signature`)
  assert.equal(some.headers.get('oci-filters-applied'), 'artifactType')
  assert.deepEqual(some.body.manifests, [
    {
      mediaType: MEDIA_TYPE.ociManifest,
      digest: signature.digest,
      size: signature.bytes.length,
      artifactType: 'application/vnd.example.signature',
      annotations: { by: 'us' },
    },
  ])
})

test('lists what has no artifact type by the type of its config, and indexes too', async () => {
  const subject = digestOf('a subject that is not here')
  const image = artifact('', subject, {
    artifactType: undefined,
    config: { ...descriptorOf(empty, 'application/vnd.example.config') },
  })
  const index = manifestOf(
    {
      artifactType: 'application/vnd.example.list',
      manifests: [],
      subject: { mediaType: 'a/b', digest: subject, size: 1 },
    },
    MEDIA_TYPE.ociIndex,
  )
  assert.equal((await client.pushManifest('team/app', image.digest, image)).status, 201)
  assert.equal((await client.pushManifest('team/app', index.digest, index)).headers.get('oci-subject'), subject)
  const { body } = await json(`/v2/team/app/referrers/${subject}`)
  const types = body.manifests.map(({ artifactType }) => artifactType).sort()
  assert.deepEqual(types, ['application/vnd.example.config', 'application/vnd.example.list'])
})

test('lists many referrers by pages, and forgets those that are removed', async () => {
  const subject = digestOf('popular')
  const all = Array.from({ length: 25 }, (_, n) => artifact('a/b', subject, { annotations: { n: String(n) } }))
  for (const one of all) await client.pushManifest('team/app', one.digest, one)
  const seen: string[] = []
  for (let path = `/v2/team/app/referrers/${subject}?n=10&artifactType=a/b`; path !== ''; ) {
    const { headers, body } = await json(path)
    assert.ok(body.manifests.length <= 10)
    seen.push(...body.manifests.map(({ digest }) => digest))
    path = next(headers)
  }
  assert.deepEqual(seen, all.map(({ digest }) => digest).sort())
  assert.equal((await client.ask('DELETE', `/v2/team/app/manifests/${all[0]?.digest}`)).status, 202)
  assert.equal((await json(`/v2/team/app/referrers/${subject}`)).body.manifests.length, 24)
})

test('says that there are no extensions', async () => {
  for (const path of ['/v2/_oci/ext/discover', '/v2/team/app/_oci/ext/discover'])
    assert.deepEqual((await json(path)).body as unknown, { extensions: [] })
})
