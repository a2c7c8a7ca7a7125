import assert from 'node:assert/strict'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { gzipSync, zstdCompressSync } from 'node:zlib'
import { needsRoot } from '@caisson/testkit'
import { dockerArchive, dockerArchiveEntries, forPlatform, LayoutWriter, named } from './archives.ts'
import { ImageStoreFixture } from './image-store-fixture.ts'
import { tar } from './tar-writer.ts'

const skip = needsRoot()
const BASE = tar([
  { path: 'bin/', type: 'dir' },
  { path: 'bin/tool', mode: 0o755, content: 'one' },
  { path: 'etc/conf', content: 'base' },
])
const TOP = tar([
  { path: 'etc/conf', content: 'top' },
  { path: 'bin/.wh.tool', content: '' },
])
const TWO_LAYERS = { layers: [{ blob: BASE }, { blob: TOP }] }

test('loads a docker-archive, and shares layers between its images', { skip }, async () => {
  await using store = await ImageStoreFixture.open()
  const archive = dockerArchive([
    { ...TWO_LAYERS, names: ['two:1', 'two:latest'] },
    { layers: [{ blob: BASE }], names: ['one:1'] },
  ])
  const images = await store.load(archive)
  assert.deepEqual(
    images.map(({ names }) => names),
    [['docker.io/library/two:1', 'docker.io/library/two:latest'], ['docker.io/library/one:1']],
  )
  assert.deepEqual(images[0]?.config?.cmd, ['/bin/sh'])
  assert.equal(readdirSync(store.dir.layers).length, 2)

  const { mount } = await store.snapshots.prepare({ key: 'c', base: { $case: 'image', value: 'two' } })
  const [top = '', base = ''] = mount?.lowerDirs ?? []
  assert.equal(readFileSync(join(top, 'etc/conf'), 'utf8'), 'top')
  assert.equal(readFileSync(join(base, 'etc/conf'), 'utf8'), 'base')
  assert.ok(existsSync(join(base, 'bin/tool')))
})

test('loads archives that are compressed as a whole', { skip }, async () => {
  await using store = await ImageStoreFixture.open()
  const archive = dockerArchive([{ ...TWO_LAYERS, names: ['zipped'] }])
  const [first] = await store.load(gzipSync(archive))
  const [second] = await store.load(zstdCompressSync(archive))
  assert.equal(first?.id, second?.id)
  await assert.rejects(store.load(gzipSync(archive).subarray(0, -20)), { code: 'data-loss', reason: 'TRUNCATED' })
})

test('loads layers that are compressed in a docker-archive and in an OCI layout', { skip }, async () => {
  await using store = await ImageStoreFixture.open()
  const layers = [
    { blob: gzipSync(BASE), tar: BASE, mediaType: 'application/vnd.oci.image.layer.v1.tar+gzip' },
    { blob: zstdCompressSync(TOP), tar: TOP, mediaType: 'application/vnd.oci.image.layer.v1.tar+zstd' },
  ]
  const [docker] = await store.load(dockerArchive([{ layers, names: ['a'] }]))
  const layout = new LayoutWriter()
  const [oci] = await store.load(layout.tar([layout.image({ layers }, named('docker.io/library/b:1'))]))
  assert.equal(docker?.id, oci?.id)
  assert.deepEqual(oci?.names, ['docker.io/library/a:latest', 'docker.io/library/b:1'])
  assert.deepEqual(
    docker?.layers.map(({ mediaType }) => mediaType),
    layers.map(({ mediaType }) => mediaType),
  )
})

test('chooses the platform of an index, and says which there are', { skip }, async () => {
  await using store = await ImageStoreFixture.open()
  const layout = new LayoutWriter()
  const amd = layout.image({ layers: [{ blob: BASE }] }, forPlatform('amd64'))
  const arm = layout.image({ layers: [{ blob: TOP }], architecture: 'arm64' }, forPlatform('arm64'))
  const archive = layout.tar([layout.index([amd, arm], named('multi:1'))])
  const [image] = await store.load(archive, { platform: { os: 'linux', architecture: 'arm64', variant: '' } })
  assert.equal(image?.platform?.architecture, 'arm64')
  assert.notEqual(image?.digest, image?.manifest?.digest)
  await assert.rejects(store.load(archive, { platform: { os: 'linux', architecture: 's390x', variant: '' } }), {
    code: 'not-found',
    message: /linux\/amd64, linux\/arm64/,
  })
  const [other] = await store.load(archive, { platform: { os: 'linux', architecture: 'amd64', variant: '' } })
  assert.notEqual(other?.id, image?.id)
  const arm64 = { os: 'linux', architecture: 'arm64', variant: '' }
  assert.equal((await store.images.get({ image: 'multi:1', platform: arm64 })).id, image?.id)
  assert.equal((await store.images.get({ image: other?.digest ?? '', platform: arm64 })).id, image?.id)
})

test('names an image that the archive gives no name', { skip }, async () => {
  await using store = await ImageStoreFixture.open()
  const layout = new LayoutWriter()
  const archive = layout.tar([layout.image(TWO_LAYERS, named('v1'))])
  const [image] = await store.load(archive, { reference: 'mine:3' })
  assert.deepEqual(image?.names, ['docker.io/library/mine:3'])
  const two = dockerArchive([{ layers: [{ blob: BASE }] }, { layers: [{ blob: TOP }] }])
  await assert.rejects(store.load(two, { reference: 'x' }), { reason: 'REFERENCE_AMBIGUOUS' })
  assert.equal((await store.load(two)).length, 2)
})

test('follows a link between layers within the archive only', { skip }, async () => {
  await using store = await ImageStoreFixture.open()
  const plain = dockerArchiveEntries([{ layers: [{ blob: BASE }], names: ['linked'] }])
  const linkTo = (link: string) =>
    tar(
      plain.flatMap((entry) => {
        const path = String(entry.path)
        if (!path.endsWith('/layer.tar')) return [entry]
        return [
          { ...entry, path: 'other/layer.tar' },
          { path, type: 'symlink' as const, link },
        ]
      }),
    )
  const [image] = await store.load(linkTo('../other/layer.tar'))
  assert.deepEqual(image?.names, ['docker.io/library/linked:latest'])
  for (const link of ['/etc/shadow', '../../other/layer.tar', '../../../etc/shadow'])
    await assert.rejects(store.load(linkTo(link)), { code: 'invalid-argument', reason: 'UNSAFE_CONTENT' })
})

test('loads an image without layers, on an empty lower directory of its own', { skip }, async () => {
  await using store = await ImageStoreFixture.open()
  await store.load(dockerArchive([{ layers: [], names: ['empty'] }]))
  const { mount } = await store.snapshots.prepare({ key: 'c', base: { $case: 'image', value: 'empty' } })
  assert.deepEqual(mount?.lowerDirs, [store.dir.emptyLayer])
  assert.deepEqual(readdirSync(store.dir.emptyLayer), [])
  assert.notEqual(mount?.upperDir, store.dir.emptyLayer)
})
