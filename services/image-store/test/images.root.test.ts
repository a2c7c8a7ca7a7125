import assert from 'node:assert/strict'
import { test } from 'node:test'
import { needsRoot } from '@caisson/testkit'
import { dockerArchive, forPlatform, LayoutWriter, named } from './archives.ts'
import { ImageStoreFixture } from './image-store-fixture.ts'
import { tar } from './tar-writer.ts'

const skip = needsRoot()
const layer = (content: string) => tar([{ path: 'file', content }])

test('gives images further names, and takes names away before images', { skip }, async () => {
  await using store = await ImageStoreFixture.open()
  const { id } = await store.import(layer('a'), { reference: 'a:1' })
  const tagged = await store.images.tag({ image: 'a:1', reference: 'registry.example:5000/team/a:2' })
  assert.deepEqual(tagged.names, ['docker.io/library/a:1', 'registry.example:5000/team/a:2'])
  await assert.rejects(store.images.remove({ image: id }), { reason: 'IMAGE_HAS_NAMES' })
  const removed = await store.images.remove({ image: 'a:1' })
  assert.deepEqual(removed, { untagged: ['docker.io/library/a:1'], deleted: [] })
  assert.equal((await store.images.remove({ image: id, force: true })).deleted.length, 4)
  await assert.rejects(store.images.get({ image: id }), { code: 'not-found', reason: 'IMAGE_NOT_FOUND' })
  for (const reference of ['UPPER', 'a:b:c', `a@${id}`, '../x', ''])
    await assert.rejects(store.images.tag({ image: 'a', reference }), { code: /invalid-argument|not-found/ })
})

test('keeps a name only while a container needs no more than that', { skip }, async () => {
  await using store = await ImageStoreFixture.open()
  await store.import(layer('a'), { reference: 'a:1' })
  await store.images.tag({ image: 'a:1', reference: 'a:2' })
  await store.snapshots.prepare({ key: 'c', base: { $case: 'image', value: 'a:1' } })
  assert.deepEqual((await store.images.remove({ image: 'a:1' })).untagged, ['docker.io/library/a:1'])
  await assert.rejects(store.images.remove({ image: 'a:2', force: true }), {
    reason: 'IMAGE_IN_USE',
    message: /snapshot c/,
  })
  assert.deepEqual((await store.images.prune({ all: true })).deleted, [])
})

test('moves a name that is taken, and says so in an event', { skip }, async () => {
  await using store = await ImageStoreFixture.open()
  const first = await store.import(layer('a'), { reference: 'app:1' })
  const second = await store.load(dockerArchive([{ layers: [{ blob: layer('b') }], names: ['app:1'] }]))
  assert.equal((await store.images.get({ image: 'app:1' })).id, second[0]?.id)
  assert.deepEqual((await store.images.get({ image: first.id })).names, [])
  const moved = store.events
    .read(undefined, 100)
    .events.filter(({ type }) => type === 'image.tagged')
    .at(-1)
  assert.equal(moved?.attributes['previous'], first.digest)
  assert.equal(moved?.subject?.id, second[0]?.id)
})

test('lists by name, label, age and whether there is a name', { skip }, async () => {
  await using store = await ImageStoreFixture.open()
  await store.import(layer('a'), { reference: 'one:1', changes: ['LABEL kind=x'] })
  await new Promise((resolve) => setTimeout(resolve, 5))
  await store.import(layer('b'), { reference: 'example.org/two:2' })
  await new Promise((resolve) => setTimeout(resolve, 5))
  const nameless = await store.import(layer('c'))
  const list = async (request: Parameters<typeof store.images.list>[0]) =>
    (await store.images.list(request)).images.map(({ names, id }) => names[0] ?? id)
  const [one, two] = ['docker.io/library/one:1', 'example.org/two:2']
  assert.deepEqual(await list({}), [nameless.id, two, one])
  assert.deepEqual(await list({ dangling: true }), [nameless.id])
  assert.deepEqual(await list({ dangling: false }), [two, one])
  assert.deepEqual(await list({ filter: { names: ['one'] } }), [one])
  assert.deepEqual(await list({ filter: { names: ['one:2'] } }), [])
  assert.deepEqual(await list({ filter: { names: ['example.org/*'] } }), [two])
  assert.deepEqual(await list({ filter: { labels: ['kind=x'] } }), [one])
  assert.deepEqual(await list({ filter: { labels: ['kind'] } }), [one])
  assert.deepEqual(await list({ filter: { ids: [nameless.id.slice(7, 20)] } }), [nameless.id])
  assert.deepEqual(await list({ before: 'example.org/two:2' }), [one])
  assert.deepEqual(await list({ since: 'one:1' }), [nameless.id, two])
  const { images, nextPageToken } = await store.images.list({ page: { size: 2 } })
  assert.equal(images.length, 2)
  const rest = await store.images.list({ page: { size: 2, token: nextPageToken } })
  assert.deepEqual([rest.images.length, rest.nextPageToken], [1, ''])
})

test('prunes images without a name, or all that nothing needs', { skip }, async () => {
  await using store = await ImageStoreFixture.open()
  await store.import(layer('a'), { reference: 'kept' })
  await store.import(layer('b'))
  const dry = await store.images.prune({ dryRun: true })
  assert.equal((await store.images.list({})).images.length, 2)
  const real = await store.images.prune({})
  assert.ok(dry.freedBytes > 0 && real.freedBytes >= dry.freedBytes)
  assert.deepEqual(real.untagged, [])
  assert.equal((await store.images.list({})).images.length, 1)
  assert.deepEqual((await store.images.prune({ all: true })).untagged, ['docker.io/library/kept:latest'])
})

test('tells in a dry run what pruning then does, to the byte, with shared layers counted once', { skip }, async () => {
  await using store = await ImageStoreFixture.open()
  const shared = { blob: layer('shared') }
  await store.load(
    dockerArchive([
      { layers: [shared, { blob: layer('a') }], names: ['a:1'], config: { config: { Labels: { keep: 'yes' } } } },
      { layers: [shared, { blob: layer('b') }], names: ['b:1', 'b:2'] },
      { layers: [shared, { blob: layer('c') }], names: ['c:1'] },
    ]),
  )
  const before = await store.maintenance.diskUsage({})
  for (const request of [{ all: true, withoutLabels: ['keep=yes'] }, { all: true }]) {
    const dry = await store.images.prune({ ...request, dryRun: true })
    assert.deepEqual(await store.images.prune(request), dry)
    assert.ok(dry.freedBytes > 0)
  }
  const after = await store.maintenance.diskUsage({})
  assert.ok(before.contentBytes > 0)
  assert.deepEqual([after.contentBytes, after.layerBytes], [0, 0])
})

test('prunes by label and by age', { skip }, async () => {
  await using store = await ImageStoreFixture.open()
  await store.import(layer('a'), { reference: 'a', changes: ['LABEL kind=x'] })
  await store.import(layer('b'), { reference: 'b' })
  const prune = async (request: Parameters<typeof store.images.prune>[0]) =>
    (await store.images.prune({ all: true, dryRun: true, ...request })).untagged
  const [a, b] = ['docker.io/library/a:latest', 'docker.io/library/b:latest']
  assert.deepEqual(await prune({ filter: { labels: ['kind'] } }), [a])
  assert.deepEqual(await prune({ withoutLabels: ['kind=x'] }), [b])
  assert.deepEqual(await prune({ until: { seconds: 1, nanos: 0 } }), [])
  assert.deepEqual((await prune({ until: { seconds: 9_999_999_999, nanos: 0 } })).sort(), [a, b])
})

/** An index for two platforms, loaded whole under two names. */
async function loadMulti(store: ImageStoreFixture) {
  const layout = new LayoutWriter()
  const amd = layout.image({ layers: [{ blob: layer('amd') }] }, forPlatform('amd64'))
  const arm = layout.image({ layers: [{ blob: layer('arm') }], architecture: 'arm64' }, forPlatform('arm64'))
  const index = layout.index([amd, arm])
  const names = ['docker.io/library/multi:1', 'docker.io/library/multi:2']
  const entries = names.map((name) => ({ ...index, ...named(name) }))
  return { images: await store.load(layout.tar(entries), { allPlatforms: true }), index, names }
}

test('removes the platforms behind one name together', { skip }, async () => {
  await using store = await ImageStoreFixture.open()
  const { images, names } = await loadMulti(store)
  assert.equal(images.length, 2)
  assert.deepEqual(await store.images.remove({ image: 'multi:1' }), { untagged: names.slice(0, 1), deleted: [] })
  const { untagged, deleted } = await store.images.remove({ image: 'multi:2' })
  assert.deepEqual(untagged, names.slice(1))
  assert.equal(deleted.length, 9, 'an index, and of each platform manifest, config, blob and layer')
  assert.deepEqual((await store.images.list({})).images, [])
  assert.deepEqual((await store.content.list({})).blobs, [])
})

test('removes no platform while a container needs another of the same name', { skip }, async () => {
  await using store = await ImageStoreFixture.open()
  const { images, names } = await loadMulti(store)
  const arm = images.find(({ platform }) => platform?.architecture === 'arm64')
  await store.snapshots.prepare({ key: 'web', base: { $case: 'image', value: arm?.id ?? '' } })
  await assert.rejects(store.images.remove({ image: arm?.id ?? '', force: true }), { reason: 'IMAGE_IN_USE' })
  await store.images.remove({ image: 'multi:1' })
  await assert.rejects(store.images.remove({ image: 'multi:2' }), { reason: 'IMAGE_IN_USE', message: /snapshot web/ })
  assert.deepEqual(await store.images.prune({ all: true }), { untagged: [], deleted: [], freedBytes: 0 })
  assert.deepEqual((await store.images.get({ image: 'multi:2' })).names, names.slice(1))
})

test('removes by repository and digest what that repository names, and no name of another', { skip }, async () => {
  await using store = await ImageStoreFixture.open()
  const { digest } = await store.import(layer('a'), { reference: 'a:1' })
  await store.images.tag({ image: 'a:1', reference: 'a:2' })
  await store.images.tag({ image: 'a:1', reference: 'other.example/b:1' })
  const removed = await store.images.remove({ image: `a@${digest}` })
  assert.deepEqual(removed.untagged, ['docker.io/library/a:1', 'docker.io/library/a:2'])
  await assert.rejects(store.images.remove({ image: `a@${digest}` }), { reason: 'IMAGE_HAS_NAMES' })
  assert.deepEqual((await store.images.remove({ image: `other.example/b@${digest}` })).untagged, ['other.example/b:1'])
  assert.deepEqual((await store.images.list({})).images, [])
})

test('removes with force by a name that name only', { skip }, async () => {
  await using store = await ImageStoreFixture.open()
  await store.import(layer('a'), { reference: 'a:1' })
  await store.images.tag({ image: 'a:1', reference: 'a:2' })
  assert.deepEqual((await store.images.remove({ image: 'a:1', force: true })).untagged, ['docker.io/library/a:1'])
  assert.deepEqual((await store.images.get({ image: 'a:2' })).names, ['docker.io/library/a:2'])
})

test('keeps lower layers on request until garbage is collected', { skip }, async () => {
  await using store = await ImageStoreFixture.open()
  await store.load(dockerArchive([{ layers: [{ blob: layer('low') }, { blob: layer('top') }], names: ['a:1'] }]))
  const removed = await store.images.remove({ image: 'a:1', keepParents: true })
  assert.equal(removed.deleted.length, 4, 'manifest, config, blob and layer of the top')
  assert.equal((await store.maintenance.collectGarbage({})).removed.length, 2)
})

test('goes on with a list behind an image that is gone', { skip }, async () => {
  await using store = await ImageStoreFixture.open()
  const contents = Array.from({ length: 5 }, (_, at) => `content ${at}`)
  await store.load(
    dockerArchive(contents.map((content, at) => ({ layers: [{ blob: layer(content) }], names: [`n:${at}`] }))),
  )
  const whole = (await store.images.list({})).images.map(({ id }) => id)
  const first = await store.images.list({ page: { size: 2 } })
  assert.deepEqual(
    first.images.map(({ id }) => id),
    whole.slice(0, 2),
  )
  await store.images.remove({ image: whole[1] ?? '' })
  const second = await store.images.list({ page: { size: 2, token: first.nextPageToken } })
  const third = await store.images.list({ page: { size: 2, token: second.nextPageToken } })
  assert.deepEqual(
    [...second.images, ...third.images].map(({ id }) => id),
    whole.slice(2),
  )
  assert.equal(third.nextPageToken, '')
  await assert.rejects(store.images.list({ page: { token: 'nonsense' } }), { reason: 'INVALID_PAGE' })
})

test('says what is wrong with what it is asked', { skip }, async () => {
  await using store = await ImageStoreFixture.open()
  await assert.rejects(store.images.get({ image: 'nothing' }), {
    code: 'not-found',
    message: /nothing.*load, import or pull/,
  })
  await assert.rejects(store.images.get({ image: '' }), { code: 'invalid-argument' })
  await assert.rejects(store.images.get({ image: 'Not A Name' }), {
    code: 'invalid-argument',
    reason: 'REFERENCE_INVALID',
  })
  await assert.rejects(store.snapshots.prepare({ key: '../x', base: { $case: 'image', value: 'a' } }), {
    reason: 'INVALID_KEY',
  })
  await assert.rejects(store.snapshots.prepare({ key: 'x' }), { reason: 'BASE_MISSING' })
  await assert.rejects(store.snapshots.prepare({ key: 'x', base: { $case: 'parent', value: 'y' } }), {
    code: 'not-found',
  })
  await assert.rejects(store.import(layer('a'), { reference: 'A' }), { reason: 'REFERENCE_INVALID' })
  await assert.rejects(store.import(layer('a'), { changes: ['RUN x'] }), { reason: 'INVALID_CHANGE' })
})

test('refuses a key that is taken by something else, and makes views without an upper directory', {
  skip,
}, async () => {
  await using store = await ImageStoreFixture.open()
  await store.import(layer('a'), { reference: 'a' })
  await store.import(layer('b'), { reference: 'b' })
  const on = (key: string, value: string) => ({ key, base: { $case: 'image' as const, value } })
  await store.snapshots.prepare(on('c', 'a'))
  await assert.rejects(store.snapshots.prepare(on('c', 'b')), { code: 'already-exists', reason: 'SNAPSHOT_EXISTS' })
  const { mount } = await store.snapshots.view(on('v', 'a'))
  assert.deepEqual([mount?.upperDir, mount?.workDir, mount?.lowerDirs.length], ['', '', 1])
  assert.deepEqual(
    (await store.snapshots.list({})).snapshots.map(({ key }) => key),
    ['c', 'v'],
  )
  await assert.rejects(store.snapshots.prepare({ key: 'd', base: { $case: 'parent', value: 'c' } }), {
    reason: 'SNAPSHOT_NOT_COMMITTED',
  })
  await store.snapshots.remove({ key: 'v' })
})
