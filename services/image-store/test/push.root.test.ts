import assert from 'node:assert/strict'
import { test } from 'node:test'
import { gzipSync } from 'node:zlib'
import type { Digest } from '@caisson/oci'
import { needsRoot } from '@caisson/testkit'
import { digest, dockerArchive, forPlatform, LayoutWriter, named } from './archives.ts'
import { FakeRegistry, noise } from './fake-registry.ts'
import { ImageStoreFixture } from './image-store-fixture.ts'
import { tar } from './tar-writer.ts'

const skip = needsRoot()
const BASE = tar([{ path: 'etc/conf', content: 'base' }])
const TOP = tar([{ path: 'top', content: noise('top', 1 << 20) }])
const NAME = 'r.test/app:1'

async function open(config: object = {}) {
  const registries = new FakeRegistry()
  const store = await ImageStoreFixture.open({ registries, config: { transferBackoffMs: 1, ...config } })
  return { registries, store }
}

const blobRequests = ({ requests }: FakeRegistry, method: string): string[] =>
  requests.filter((request) => request.startsWith(`${method} blob`))

test('pushes an image byte for byte: blobs, then its manifest under its tag', { skip }, async () => {
  const { registries, store: opened } = await open()
  await using store = opened
  const [image] = await store.load(dockerArchive([{ layers: [{ blob: BASE }, { blob: TOP }], names: [NAME] }]))
  const actions = new Map<string, string>()
  const pushed = []
  for await (const { item } of store.images.push({ reference: NAME }))
    if (item?.$case === 'progress') actions.set(item.value.subject, item.value.action)
    else if (item) pushed.push(item.value)
  assert.equal(pushed[0]?.digest, image?.digest)
  assert.deepEqual(pushed[0]?.annotations, { 'org.opencontainers.image.ref.name': NAME })
  assert.deepEqual(new Set(actions.values()), new Set(['done']))
  const there = registries.content('r.test/app')
  assert.deepEqual(there.blobs.get(digest(TOP) as Digest), TOP)
  assert.equal(there.tags.get('1'), image?.digest)
  assert.match(registries.requests.at(-1) ?? '', /^PUT manifest 1$/)
  assert.deepEqual((await store.images.get({ image: NAME })).repoDigests, [`r.test/app@${image?.digest}`])
  const event = store.events.read(undefined, 100).events.at(-1)
  assert.equal(event?.type, 'image.pushed')
  assert.deepEqual(event?.body?.value, { reference: NAME, digest: image?.digest })

  registries.requests.length = 0
  await store.push(NAME)
  assert.deepEqual(blobRequests(registries, 'PUT'), [])
})

test('takes blobs over from repositories of the same registry that have them', { skip }, async () => {
  const { registries, store: opened } = await open()
  await using store = opened
  registries.addImage('r.test/base', '1', { layers: [{ blob: BASE }] })
  await store.pull('r.test/base:1')
  await store.images.tag({ image: 'r.test/base:1', reference: 'r.test/copy:1' })
  await store.images.tag({ image: 'r.test/base:1', reference: 'other.test/copy:1' })
  await store.push('r.test/copy:1')
  assert.deepEqual(blobRequests(registries, 'PUT'), [])
  assert.equal(blobRequests(registries, 'MOUNT').length, 2)
  await store.push('other.test/copy:1')
  assert.equal(blobRequests(registries, 'PUT').length, 2)
})

test('pushes a whole index when all of it is held, and else the manifest of the platform', { skip }, async () => {
  const { registries, store: opened } = await open()
  await using store = opened
  const layout = new LayoutWriter()
  const amd = layout.image({ layers: [{ blob: BASE }] }, forPlatform('amd64'))
  const arm = layout.image({ layers: [{ blob: TOP }], architecture: 'arm64' }, forPlatform('arm64'))
  const index = layout.index([amd, arm], named(NAME))
  const archive = layout.tar([index])
  const platforms = ['amd64', 'arm64'].map((architecture) => ({ os: 'linux', architecture, variant: '' }))
  await store.load(archive, { platform: platforms[0] })
  const [single] = await store.push(NAME, { platform: platforms[0] })
  assert.equal(single?.digest, amd.digest)
  assert.deepEqual([...registries.content('r.test/app').manifests.keys()], [amd.digest])
  await store.load(archive, { platform: platforms[1] })
  const [whole] = await store.push(NAME)
  assert.equal(whole?.digest, index.digest)
  assert.equal(registries.content('r.test/app').manifests.size, 3)
  const [part] = await store.push(NAME, { platform: platforms[1] })
  assert.equal(part?.digest, arm.digest)
})

test('pushes every tag of a repository that it has', { skip }, async () => {
  const { registries, store: opened } = await open()
  await using store = opened
  await store.load(dockerArchive([{ layers: [{ blob: BASE }], names: [NAME, 'r.test/app:2', 'r.test/app2:1'] }]))
  const pushed = await store.push('r.test/app', { allTags: true })
  assert.equal(pushed.length, 2)
  assert.deepEqual([...registries.content('r.test/app').tags.keys()], ['1', '2'])
  await assert.rejects(store.push('r.test/none', { allTags: true }), { reason: 'IMAGE_NOT_FOUND' })
})

test('leaves layers out that may not be distributed', { skip }, async () => {
  const { registries, store: opened } = await open()
  await using store = opened
  const mediaType = 'application/vnd.docker.image.rootfs.foreign.diff.tar.gzip'
  const layout = new LayoutWriter()
  const image = layout.image({ layers: [{ blob: gzipSync(BASE), tar: BASE, mediaType }] }, named(NAME))
  await store.load(layout.tar([image]))
  await store.push(NAME)
  assert.equal(registries.content('r.test/app').blobs.size, 1)
})

test('says why a push fails, and gives no name before all is there', { skip }, async () => {
  const { registries, store: opened } = await open({ transferAttempts: 2 })
  await using store = opened
  await assert.rejects(store.push(NAME), { code: 'not-found', reason: 'IMAGE_NOT_FOUND' })
  const [image] = await store.load(dockerArchive([{ layers: [{ blob: BASE }], names: [NAME] }]))
  await assert.rejects(store.push(`r.test/app@${image?.digest}`), { reason: 'REFERENCE_INVALID' })
  registries.isAway = true
  await assert.rejects(store.push(NAME), { code: 'unavailable', reason: 'REGISTRY_UNREACHABLE' })
  registries.isAway = false
  registries.password = 'secret'
  await assert.rejects(store.push(NAME), { code: 'unauthenticated' })
  await store.push(NAME, { auth: { password: 'secret' } })
  registries.saysAfterPut = digest('other') as Digest
  await assert.rejects(store.push(NAME, { auth: { password: 'secret' } }), { reason: 'DIGEST_MISMATCH' })
})
