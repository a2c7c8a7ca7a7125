import assert from 'node:assert/strict'
import { test } from 'node:test'
import { RepositoriesDefinition } from '@caisson/api/registry'
import { digestOf, MEDIA_TYPE } from '@caisson/oci'
import { Client, descriptorOf, manifestOf } from './client.ts'
import { blobOf, startRegistry } from './registry.ts'
import { serveRpc } from './rpc.ts'

/** Administration over a real socket, beside a client of the protocol. */
async function serve(options: Parameters<typeof startRegistry>[0] = {}) {
  await using stack = new AsyncDisposableStack()
  const registry = stack.use(await startRegistry(options))
  const { channel } = stack.use(await serveRpc(registry))
  const client = channel.client(RepositoriesDefinition)
  const owned = stack.move()
  return { registry, client, http: new Client(registry.url), [Symbol.asyncDispose]: () => owned.disposeAsync() }
}

const policy = { anonymousPull: false, immutableTags: [], quotaBytes: 0, retention: [], deletes: true }

test('lists repositories by pages, in their order, those below a prefix alone', async () => {
  await using served = await serve()
  const { client, http } = served
  const names = ['a', 'team/app', 'team/base', 'team/web', 'z']
  for (const name of names) await http.pushImage(name, 'v1', blobOf(10))
  const seen: string[] = []
  let pages = 0
  for (let token = ''; pages === 0 || token !== ''; pages++) {
    const page = await client.list({ prefix: '', page: { size: 2, token } })
    assert.ok(page.repositories.length <= 2)
    seen.push(...page.repositories.map(({ name }) => name))
    token = page.nextPageToken
  }
  assert.deepEqual([seen, pages], [names, 3])
  const below = await client.list({ prefix: 'team/', page: { size: 2, token: 'team/app' } })
  assert.deepEqual(
    below.repositories.map(({ name }) => name),
    ['team/base', 'team/web'],
  )
  const all = await client.list({ prefix: '' })
  assert.deepEqual([all.repositories.length, all.nextPageToken], [names.length, ''])
  assert.deepEqual((await client.list({ prefix: 'none' })).repositories, [])
  await assert.rejects(client.list({ page: { size: 1, token: 'x'.repeat(513) } }), { code: 'invalid-argument' })
})

test('tells what a repository holds and when it was pushed to and pulled from', async () => {
  let now = 1_700_000_000_000
  await using served = await serve({ clock: () => now })
  const { client, http, registry } = served
  const layer = blobOf(1_000)
  const image = await http.pushImage('team/app', 'v1', layer)
  await http.pushManifest('team/app', 'v2', image)
  const before = await client.get({ name: 'team/app' })
  assert.deepEqual([before.tags, before.manifests, before.pulledAt], [2, 1, undefined])
  assert.equal(before.pushedAt?.seconds, now / 1_000)
  const config = JSON.parse(Buffer.from(image.bytes).toString()).config.size as number
  assert.equal(before.size, image.bytes.length + layer.length + config)
  now += 60_000
  await http.ask('GET', '/v2/team/app/manifests/v1')
  await registry.service.pulls.flush()
  assert.equal((await client.get({ name: 'team/app' })).pulledAt?.seconds, now / 1_000)
  assert.deepEqual((await client.list({ prefix: 'team/' })).repositories, [await client.get({ name: 'team/app' })])
})

test('lists tags by pages with their targets, and says which never move', async () => {
  await using served = await serve()
  const { client, http } = served
  const image = await http.pushImage('team/app', 'v1', blobOf(10))
  for (const tag of ['latest', 'v2', 'v3']) await http.pushManifest('team/app', tag, image)
  await client.setPolicy({ name: 'team/*', policy: { ...policy, immutableTags: ['v*'] } })
  const first = await client.listTags({ repository: 'team/app', page: { size: 3, token: '' } })
  const rest = await client.listTags({ repository: 'team/app', page: { size: 3, token: first.nextPageToken } })
  assert.deepEqual([first.nextPageToken, rest.nextPageToken], ['v2', ''])
  const tags = [...first.tags, ...rest.tags]
  assert.deepEqual(
    tags.map(({ name, immutable }) => [name, immutable]),
    [
      ['latest', false],
      ['v1', true],
      ['v2', true],
      ['v3', true],
    ],
  )
  for (const { target } of tags)
    assert.deepEqual(
      [target?.digest, target?.mediaType, target?.size],
      [image.digest, image.mediaType, image.bytes.length],
    )
})

test('gives a manifest by tag and by digest: its bytes, what it names, its subject and its tags', async () => {
  await using served = await serve()
  const { client, http } = served
  const layer = blobOf(10)
  const image = await http.pushImage('team/app', 'v1', layer)
  const byTag = await client.getManifest({ repository: 'team/app', reference: 'v1' })
  assert.deepEqual(byTag, await client.getManifest({ repository: 'team/app', reference: image.digest }))
  assert.deepEqual(Buffer.from(byTag.content), Buffer.from(image.bytes))
  assert.deepEqual([byTag.descriptor?.digest, byTag.tags, byTag.subject], [image.digest, ['v1'], undefined])
  assert.deepEqual(
    byTag.references.map(({ mediaType }) => mediaType),
    [MEDIA_TYPE.ociConfig, MEDIA_TYPE.ociLayer],
  )
  assert.equal(byTag.references[1]?.digest, digestOf(layer))
  const signature = manifestOf({
    ...JSON.parse(Buffer.from(image.bytes).toString()),
    artifactType: 'a/signature',
    subject: { mediaType: image.mediaType, digest: image.digest, size: image.bytes.length },
    annotations: { by: 'me' },
  })
  await http.pushManifest('team/app', signature.digest, signature)
  const referrer = await client.getManifest({ repository: 'team/app', reference: signature.digest })
  assert.deepEqual([referrer.subject?.digest, referrer.tags], [image.digest, []])
  const ask = (artifactType: string) =>
    client.listReferrers({ repository: 'team/app', digest: image.digest, artifactType })
  const [found] = (await ask('')).referrers
  assert.deepEqual(
    [found?.digest, found?.artifactType, found?.annotations],
    [signature.digest, 'a/signature', { by: 'me' }],
  )
  assert.equal((await ask('a/signature')).referrers.length, 1)
  assert.deepEqual((await ask('a/sbom')).referrers, [])
})

test('an index names its manifests, and a blob that is no manifest is not found', async () => {
  await using served = await serve()
  const { client, http } = served
  const layer = blobOf(10)
  const child = await http.pushImage('team/app', 'child', layer)
  const entry = descriptorOf(child.bytes, child.mediaType)
  const index = manifestOf({ manifests: [entry] }, MEDIA_TYPE.ociIndex)
  await http.pushManifest('team/app', 'all', index)
  const { references } = await client.getManifest({ repository: 'team/app', reference: 'all' })
  assert.deepEqual(
    references.map(({ digest }) => digest),
    [child.digest],
  )
  await assert.rejects(client.getManifest({ repository: 'team/app', reference: digestOf(layer) }), {
    reason: 'MANIFEST_UNKNOWN',
  })
})

test('removes tags, manifests and repositories, whatever the policy says to clients of the protocol', async () => {
  await using served = await serve({ config: { policy: { immutableTags: ['*'] } } })
  const { client, http } = served
  const image = await http.pushImage('team/app', 'v1', blobOf(10))
  for (const tag of ['v2', 'v3']) await http.pushManifest('team/app', tag, image)
  assert.equal((await http.ask('DELETE', '/v2/team/app/manifests/v1')).code, 'UNSUPPORTED')
  await client.deleteTag({ repository: 'team/app', tag: 'v1' })
  const { tags } = await client.listTags({ repository: 'team/app' })
  assert.deepEqual(
    tags.map(({ name }) => name),
    ['v2', 'v3'],
  )
  await client.deleteManifest({ repository: 'team/app', digest: image.digest })
  assert.deepEqual((await client.listTags({ repository: 'team/app' })).tags, [])
  assert.equal((await http.ask('GET', '/v2/team/app/manifests/v2')).status, 404)
  await client.delete({ name: 'team/app' })
  assert.equal((await http.ask('GET', '/v2/team/app/tags/list')).code, 'NAME_UNKNOWN')
})

test('says of what is not there that it is not there, and of what is no name that it is none', async () => {
  await using served = await serve()
  const { client, http } = served
  await http.pushImage('team/app', 'v1', blobOf(10))
  const digest = digestOf('nothing')
  const absent: readonly (readonly [() => Promise<unknown>, string])[] = [
    [() => client.get({ name: 'none' }), 'NAME_UNKNOWN'],
    [() => client.delete({ name: 'none' }), 'NAME_UNKNOWN'],
    [() => client.listTags({ repository: 'none' }), 'NAME_UNKNOWN'],
    [() => client.getManifest({ repository: 'none', reference: 'v1' }), 'MANIFEST_UNKNOWN'],
    [() => client.getManifest({ repository: 'team/app', reference: 'v2' }), 'MANIFEST_UNKNOWN'],
    [() => client.getManifest({ repository: 'team/app', reference: digest }), 'MANIFEST_UNKNOWN'],
    [() => client.deleteTag({ repository: 'team/app', tag: 'v2' }), 'MANIFEST_UNKNOWN'],
    [() => client.deleteTag({ repository: 'none', tag: 'v1' }), 'MANIFEST_UNKNOWN'],
    [() => client.deleteManifest({ repository: 'team/app', digest }), 'MANIFEST_UNKNOWN'],
  ]
  for (const [asked, reason] of absent) await assert.rejects(asked(), { code: 'not-found', reason })
  const wrong: readonly (readonly [() => Promise<unknown>, string])[] = [
    [() => client.get({ name: '../etc' }), 'NAME_INVALID'],
    [() => client.delete({ name: 'Team' }), 'NAME_INVALID'],
    [() => client.listTags({ repository: '' }), 'NAME_INVALID'],
    [() => client.getManifest({ repository: 'team/app', reference: '../v1' }), 'TAG_INVALID'],
    [() => client.getManifest({ repository: 'team/app', reference: 'sha256:x' }), 'DIGEST_INVALID'],
    [() => client.deleteTag({ repository: 'team/app', tag: '' }), 'TAG_INVALID'],
    [() => client.deleteManifest({ repository: 'team/app', digest: 'v1' }), 'DIGEST_INVALID'],
    [() => client.listReferrers({ repository: 'team/app', digest: 'v1' }), 'DIGEST_INVALID'],
    [() => client.setPolicy({ name: '*', policy }), 'NAME_INVALID'],
  ]
  for (const [asked, reason] of wrong) await assert.rejects(asked(), { code: 'invalid-argument', reason })
  assert.equal((await client.get({ name: 'team/app' })).tags, 1)
})

test('the nearest policy holds as a whole, and without one the next above', async () => {
  await using served = await serve()
  const { client, http } = served
  await http.pushImage('team/sub/app', 'v1', blobOf(10))
  const shown = async () => (await client.get({ name: 'team/sub/app' })).policy
  const rule = { tags: '*', keepNewest: 3, keepDays: 0, keepPulledDays: 0 }
  const wide = { ...policy, anonymousPull: true, quotaBytes: 5_000 }
  const near = { ...policy, immutableTags: ['v*'], retention: [rule] }
  assert.deepEqual(await shown(), policy)
  await client.setPolicy({ name: 'team/*', policy: wide })
  assert.deepEqual(await shown(), wide)
  await client.setPolicy({ name: 'team/sub/app', policy: near })
  assert.deepEqual(await shown(), near)
  await client.setPolicy({ name: 'team/sub/app' })
  assert.deepEqual(await shown(), wide)
  await client.setPolicy({ name: 'team/*' })
  assert.deepEqual(await shown(), policy)
})

test('refuses policies that would remove everything, or have no bounds', async () => {
  await using served = await serve()
  const set = (more: object) => served.client.setPolicy({ name: 'team/*', policy: { ...policy, ...more } })
  const rule = { tags: '*', keepNewest: 0, keepDays: 0, keepPulledDays: 0 }
  const wrong = [
    { retention: [rule] },
    { retention: [{ ...rule, tags: '', keepNewest: 1 }] },
    { immutableTags: [''] },
    { immutableTags: ['x'.repeat(257)] },
    { immutableTags: Array.from({ length: 65 }, (_, n) => `v${n}`) },
    { quotaBytes: -1 },
  ]
  for (const more of wrong) await assert.rejects(set(more), { code: 'invalid-argument' }, JSON.stringify(more))
})
