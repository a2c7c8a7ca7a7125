import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { test } from 'node:test'
import { digestOf, MEDIA_TYPE } from '@caisson/oci'
import { needsDockerRegistry } from '@caisson/testkit'
import { type Client, descriptorOf, manifestOf } from '../client.ts'
import { type Mirroring, startMirroring } from './mirror.ts'

const skip = needsDockerRegistry()
const at = (path: string): string => `/v2/hub/library/app/${path}`

/** Status and digest of a tag, and whether it is said to be stale. */
async function tagOf(client: Client, tag: string, method = 'GET') {
  const { status, headers } = await client.ask(method, at(`manifests/${tag}`))
  return [status, headers.get('docker-content-digest'), headers.get('warning')?.slice(0, 3)]
}

const eventsOf = ({ registry }: Mirroring) => registry.events.read(undefined, 1_000).events

test('serves an image of the upstream by path and by ns, and holds it', { skip }, async () => {
  await using mirroring = await startMirroring()
  const { client, source, upstream } = mirroring
  const layer = randomBytes(300_000)
  const pushed = await source.pushImage('library/app', '1', layer)
  const head = await client.ask('HEAD', '/v2/library/app/manifests/1?ns=upstream.test')
  assert.deepEqual([head.status, head.headers.get('oci-namespace')], [200, 'upstream.test'])
  const manifest = await client.ask('GET', at('manifests/1'))
  assert.deepEqual([manifest.status, manifest.body], [200, Buffer.from(pushed.bytes)])
  assert.equal(manifest.headers.get('content-type'), MEDIA_TYPE.ociManifest)
  const blob = await client.ask('HEAD', at(`blobs/${digestOf(layer)}`))
  assert.deepEqual([blob.status, blob.headers.get('content-length')], [200, '300000'])
  for (let round = 0; round < 2; round++) {
    const got = await client.ask('GET', `/v2/library/app/blobs/${digestOf(layer)}?ns=upstream.test`)
    assert.deepEqual([got.status, got.headers.get('content-length')], [200, '300000'])
    assert.ok(got.body.equals(layer))
  }
  await upstream.stop()
  assert.ok((await client.ask('GET', at(`blobs/${digestOf(layer)}`))).body.equals(layer))
  assert.deepEqual(await tagOf(client, '1'), [200, pushed.digest, '110'])
  assert.deepEqual(await tagOf(client, pushed.digest), [200, pushed.digest, undefined])
})

test('sees that a tag moves, moves back and goes', { skip }, async () => {
  await using mirroring = await startMirroring()
  const { client, source } = mirroring
  const one = await source.pushImage('library/app', 'latest', randomBytes(10))
  assert.deepEqual(await tagOf(client, 'latest'), [200, one.digest, undefined])
  const two = await source.pushImage('library/app', 'latest', randomBytes(20))
  assert.deepEqual(await tagOf(client, 'latest', 'HEAD'), [200, two.digest, undefined])
  assert.equal((await source.pushManifest('library/app', 'latest', one)).status, 201)
  assert.deepEqual(await tagOf(client, 'latest'), [200, one.digest, undefined])
  assert.equal((await source.ask('DELETE', `/v2/library/app/manifests/${one.digest}`)).status, 202)
  assert.deepEqual(await tagOf(client, 'latest'), [404, null, undefined])
  assert.equal((await client.ask('GET', at('manifests/latest'))).code, 'MANIFEST_UNKNOWN')
  // What was pulled by digest stays.
  assert.deepEqual(await tagOf(client, one.digest), [200, one.digest, undefined])
})

test('trusts a tag for its time, and an immutable one for ever', { skip }, async () => {
  let now = Date.now()
  await using mirroring = await startMirroring({ clock: () => now, settings: { revalidateSeconds: 60 } })
  const { client, source, registry } = mirroring
  const one = await source.pushImage('library/app', 'latest', randomBytes(10))
  await tagOf(client, 'latest')
  const two = await source.pushImage('library/app', 'latest', randomBytes(20))
  now += 59_000
  assert.deepEqual(await tagOf(client, 'latest'), [200, one.digest, undefined])
  now += 2_000
  assert.deepEqual(await tagOf(client, 'latest'), [200, two.digest, undefined])
  const policy = await registry.service.policies.of('hub/library/app' as never)
  await registry.service.policies.set('hub/*', { ...policy, immutableTags: ['*'] })
  await source.pushManifest('library/app', 'latest', one)
  now += 100_000
  assert.deepEqual(await tagOf(client, 'latest'), [200, two.digest, undefined])
})

test('answers for an upstream that is away: what is held with a warning, 502 for the rest', { skip }, async () => {
  await using mirroring = await startMirroring()
  const { client, source, upstream } = mirroring
  const held = await source.pushImage('library/app', '1', randomBytes(10))
  await tagOf(client, '1')
  await upstream.stop()
  const { status, headers } = await client.ask('GET', at('manifests/1'))
  assert.deepEqual([status, headers.get('docker-content-digest')], [200, held.digest])
  assert.equal(headers.get('warning'), '110 - "Response is Stale", 111 - "Revalidation Failed"')
  for (const path of ['manifests/2', `manifests/${digestOf(Buffer.of(1))}`, `blobs/${digestOf(Buffer.of(1))}`]) {
    const missing = await client.ask('GET', at(path))
    assert.deepEqual([missing.status, missing.code], [502, 'UNAVAILABLE'], path)
    assert.match(missing.body.toString(), /upstream\.test does not answer/)
  }
})

test('an index is held without its children, which come when they are asked for', { skip }, async () => {
  await using mirroring = await startMirroring()
  const { client, source, registry } = mirroring
  const child = await source.pushImage('library/app', 'child', randomBytes(10))
  const index = manifestOf({ manifests: [descriptorOf(child.bytes, child.mediaType)] }, MEDIA_TYPE.ociIndex)
  assert.equal((await source.pushManifest('library/app', 'multi', index)).status, 201)
  assert.deepEqual(await tagOf(client, 'multi'), [200, index.digest, undefined])
  const repository = 'hub/library/app' as never
  assert.equal((await registry.backend.records.repository(repository))?.manifests, 1)
  assert.deepEqual(await tagOf(client, child.digest), [200, child.digest, undefined])
  assert.equal((await registry.backend.records.repository(repository))?.manifests, 2)
})

test('is not pushed to, and its copies are removed where deletes are on', { skip }, async () => {
  await using mirroring = await startMirroring()
  const { client, source } = mirroring
  const image = await source.pushImage('library/app', '1', randomBytes(10))
  await tagOf(client, '1')
  for (const [method, path] of [
    ['PUT', 'manifests/2'],
    ['POST', 'blobs/uploads/'],
    ['POST', `blobs/uploads/?mount=${image.digest}&from=other`],
  ] as const) {
    const { status, code, body } = await client.ask(method, at(path), { body: Buffer.from(image.bytes) })
    assert.deepEqual([status, code], [405, 'UNSUPPORTED'], path)
    assert.match(body.toString(), /a copy of what upstream\.test has/)
  }
  assert.equal((await client.ask('PUT', '/v2/library/app/manifests/2?ns=upstream.test')).status, 405)
  assert.equal((await client.ask('DELETE', at(`manifests/${image.digest}`))).status, 202)
  assert.deepEqual(await tagOf(client, '1'), [200, image.digest, undefined])
})

test('tells in events what was fetched', { skip }, async () => {
  await using mirroring = await startMirroring()
  await mirroring.source.pushImage('library/app', '1', randomBytes(10))
  await tagOf(mirroring.client, '1')
  const pushed = eventsOf(mirroring).filter(({ type }) => type === 'manifest.pushed')
  assert.deepEqual(
    pushed.map(({ attributes }) => [attributes['upstream'], attributes['tags']]),
    [['upstream.test', '1']],
  )
})

test('holds to the quota of the namespace', { skip }, async () => {
  await using mirroring = await startMirroring()
  const { client, source, registry } = mirroring
  const layer = randomBytes(50_000)
  await source.pushImage('library/app', '1', layer)
  const policy = await registry.service.policies.of('hub/library/app' as never)
  await registry.service.policies.set('hub/*', { ...policy, quotaBytes: 20_000 })
  assert.equal((await tagOf(client, '1'))[0], 200)
  const { status, code } = await client.ask('GET', at(`blobs/${digestOf(layer)}`))
  assert.deepEqual([status, code], [403, 'DENIED'])
  assert.equal((await client.ask('GET', at(`blobs/${digestOf(layer)}`))).status, 403)
})

test('what retention and garbage collection dropped is fetched again', { skip }, async () => {
  let now = Date.now()
  const config = { garbage: { graceHours: 1, untaggedDays: 1 } }
  await using mirroring = await startMirroring({ clock: () => now, config })
  const { client, source, registry } = mirroring
  const layer = randomBytes(5_000)
  const image = await source.pushImage('library/app', '1', layer)
  await tagOf(client, '1')
  await client.ask('GET', at(`blobs/${digestOf(layer)}`))
  const policy = await registry.service.policies.of('hub/library/app' as never)
  const rule = { tags: '*', keepNewest: 0, keepDays: 0, keepPulledDays: 7 }
  await registry.service.policies.set('hub/*', { ...policy, retention: [rule] })
  const { signal } = new AbortController()
  const clean = async () => {
    const tags = await Array.fromAsync(registry.service.retention.apply({ dryRun: false }, signal))
    const removed = await Array.fromAsync(
      registry.backend.garbage.collect({ ...registry.service.garbagePolicy, dryRun: false }, signal),
    )
    return [tags.length, removed.map(({ digest }) => digest).sort()]
  }
  assert.deepEqual(await clean(), [0, []])
  now += 8 * 86_400_000
  assert.deepEqual(await clean(), [1, [image.digest, digestOf(layer)].sort()])
  assert.equal(await registry.backend.blobs.stat(digestOf(layer)), undefined)
  assert.deepEqual(await tagOf(client, '1'), [200, image.digest, undefined])
  assert.ok((await client.ask('GET', at(`blobs/${digestOf(layer)}`))).body.equals(layer))
})

test('what another repository of the upstream has here is linked, when the upstream has it there too', {
  skip,
}, async () => {
  await using mirroring = await startMirroring()
  const { client, source, registry } = mirroring
  const layer = randomBytes(5_000)
  await source.pushImage('library/app', '1', layer)
  await source.pushImage('library/other', '1', layer)
  await client.ask('GET', at(`blobs/${digestOf(layer)}`))
  const other = await client.ask('GET', `/v2/hub/library/other/blobs/${digestOf(layer)}`)
  assert.ok(other.body.equals(layer))
  const linked = eventsOf(mirroring).filter(({ type }) => type === 'blob.pushed')
  assert.deepEqual(
    linked.map(({ attributes }) => attributes['mounted']),
    ['false', 'true'],
  )
  assert.equal((await client.ask('GET', `/v2/hub/nobody/blobs/${digestOf(layer)}`)).status, 404)
  assert.equal(await registry.backend.records.hasRepository('hub/nobody' as never), false)
})

test('referrers of the upstream are fetched when they are asked for, and listed when it is away', {
  skip,
}, async () => {
  await using mirroring = await startMirroring()
  const { client, source, upstream } = mirroring
  const image = await source.pushImage('library/app', '1', randomBytes(10))
  const subject = descriptorOf(image.bytes, image.mediaType)
  const signature = await source.imageOf('library/app', randomBytes(10), { subject, artifactType: 'text/signature' })
  assert.equal((await source.pushManifest('library/app', signature.digest, signature)).status, 201)
  // What has no referrers API lists them under a tag.
  const list = manifestOf({ manifests: [descriptorOf(signature.bytes, signature.mediaType)] }, MEDIA_TYPE.ociIndex)
  assert.equal((await source.pushManifest('library/app', image.digest.replace(':', '-'), list)).status, 201)
  const listed = async () => {
    const { body, headers } = await client.ask('GET', at(`referrers/${image.digest}`))
    const { manifests } = JSON.parse(body.toString()) as { manifests: { digest: string; artifactType: string }[] }
    return [manifests.map(({ digest, artifactType }) => [digest, artifactType]), headers.get('warning')?.slice(0, 3)]
  }
  const expected = [[signature.digest, 'text/signature']]
  assert.deepEqual(await listed(), [expected, undefined])
  await upstream.stop()
  assert.deepEqual(await listed(), [expected, '110'])
})
