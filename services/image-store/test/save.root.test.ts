import assert from 'node:assert/strict'
import { rmSync, truncateSync } from 'node:fs'
import { test } from 'node:test'
import { gzipSync, zstdCompressSync } from 'node:zlib'
import { needsRoot } from '@caisson/testkit'
import { Archive } from '../src/image/load/archive.ts'
import { configOf, digest, dockerArchive, forPlatform, LayoutWriter, named } from './archives.ts'
import { ImageStoreFixture } from './image-store-fixture.ts'
import { tar } from './tar-writer.ts'

const skip = needsRoot()
const BASE = tar([{ path: 'base', content: 'base' }])
const TOP = tar([{ path: 'top', content: 'top' }])
const GZIP = { blob: gzipSync(BASE), tar: BASE, mediaType: 'application/vnd.oci.image.layer.v1.tar+gzip' }
const ZSTD = { blob: zstdCompressSync(TOP), tar: TOP, mediaType: 'application/vnd.oci.image.layer.v1.tar+zstd' }
const platform = (architecture: string) => ({ os: 'linux', architecture, variant: '' })

/** The files of an archive, read as our own loader reads them. */
async function filesOf(store: ImageStoreFixture, bytes: Buffer): Promise<Map<string, Buffer>> {
  using staging = store.store.staging.open()
  const limits = { maxArchiveBytes: 1 << 30, maxArchiveEntries: 10_000 }
  const archive = await Archive.read(chunked(bytes), staging, limits, () => {})
  const files = new Map<string, Buffer>()
  for (const name of archive.names()) files.set(name, await archive.document(archive.file(name), name, 1 << 28))
  return files
}

async function* chunked(bytes: Buffer): AsyncGenerator<Buffer> {
  for (let at = 0; at < bytes.length; at += 10_000) yield bytes.subarray(at, at + 10_000)
}

const json = (files: Map<string, Buffer>, name: string) => JSON.parse(files.get(name)?.toString() ?? 'null')

test('saves an image as an OCI layout and a docker-archive that load as they were', { skip }, async () => {
  await using store = await ImageStoreFixture.open()
  const layout = new LayoutWriter()
  const manifest = layout.image({ layers: [GZIP, ZSTD] }, named('a.example/app:1'))
  const [image] = await store.load(layout.tar([manifest]))
  const files = await filesOf(store, await store.save(['a.example/app:1']))
  const hex = (text = '') => `blobs/sha256/${text.slice(7)}`
  const blobs = [manifest.digest, image?.id, digest(GZIP.blob), digest(ZSTD.blob)].map(hex)
  assert.deepEqual(
    [...files.keys()].sort(),
    [...blobs, 'index.json', 'manifest.json', 'oci-layout', 'repositories'].sort(),
  )
  assert.deepEqual(json(files, 'oci-layout'), { imageLayoutVersion: '1.0.0' })
  assert.deepEqual(json(files, 'index.json').manifests, [
    {
      mediaType: manifest.mediaType,
      digest: manifest.digest,
      size: manifest.size,
      annotations: { 'io.containerd.image.name': 'a.example/app:1', 'org.opencontainers.image.ref.name': '1' },
    },
  ])
  const layers = [digest(GZIP.blob), digest(ZSTD.blob)]
  assert.deepEqual(json(files, 'manifest.json'), [
    { Config: hex(image?.id), RepoTags: ['a.example/app:1'], Layers: layers.map(hex) },
  ])
  assert.deepEqual(json(files, 'repositories'), { 'a.example/app': { 1: layers[1]?.slice(7) } })
  for (const name of blobs) assert.equal(hex(digest(files.get(name) ?? '')), name)

  await using other = await ImageStoreFixture.open()
  const [again] = await other.load(await store.save(['a.example/app:1']))
  assert.deepEqual([again?.id, again?.digest, again?.names], [image?.id, image?.digest, image?.names])
  assert.deepEqual(again?.layers, image?.layers)
})

test('makes the same bytes of the same images, in any order and from any store', { skip }, async () => {
  await using store = await ImageStoreFixture.open()
  const archive = dockerArchive([
    { layers: [GZIP], names: ['b:1'] },
    { layers: [GZIP, ZSTD], names: ['a:1', 'a:2'] },
  ])
  await store.load(archive)
  const saved = await store.save(['a:1', 'b:1', 'a:2'])
  assert.ok(saved.equals(await store.save(['a:2', 'a:1', 'b:1', 'a:1'])))
  assert.equal(saved.length % 10_240, 0)
  await using other = await ImageStoreFixture.open()
  const images = await other.load(saved)
  assert.deepEqual(images.map(({ names }) => names.length).sort(), [1, 2])
  assert.ok(saved.equals(await other.save(['b:1', 'a:1', 'a:2'])))
  const files = await filesOf(store, saved)
  assert.equal([...files.keys()].filter((name) => name.startsWith('blobs/')).length, 6, 'what is shared is there once')
})

test('gives an image that is saved by its id no name, and keeps several such apart', { skip }, async () => {
  await using store = await ImageStoreFixture.open()
  const [one, two] = await store.load(
    dockerArchive([{ layers: [GZIP], names: ['one:1'] }, { layers: [ZSTD] }, { layers: [], names: ['none:1'] }]),
  )
  const saved = await store.save([one?.id ?? '', two?.id ?? ''])
  const files = await filesOf(store, saved)
  assert.deepEqual(
    json(files, 'manifest.json').map(({ RepoTags }: { RepoTags: unknown }) => RepoTags),
    [null, null],
  )
  assert.ok(!files.has('repositories'))
  await using other = await ImageStoreFixture.open()
  const loaded = await other.load(saved)
  assert.deepEqual(loaded.map(({ id }) => id).sort(), [one?.id, two?.id].sort())
  assert.deepEqual(
    loaded.flatMap(({ names }) => names),
    [],
  )
})

test('saves an image without layers', { skip }, async () => {
  await using store = await ImageStoreFixture.open()
  const [image] = await store.load(dockerArchive([{ layers: [], names: ['none:1'] }]))
  await using other = await ImageStoreFixture.open()
  const [again] = await other.load(await store.save(['none:1']))
  assert.equal(again?.digest, image?.digest)
})

test('keeps an index when all of it is held, and otherwise what is held or asked for', { skip }, async () => {
  await using store = await ImageStoreFixture.open()
  const layout = new LayoutWriter()
  const amd = layout.image({ layers: [GZIP] }, forPlatform('amd64'))
  const arm = layout.image({ layers: [ZSTD], architecture: 'arm64' }, forPlatform('arm64'))
  const s390 = layout.image({ layers: [GZIP, ZSTD], architecture: 's390x' }, forPlatform('s390x'))
  const index = layout.index([amd, arm, s390], named('multi:1'))
  const archive = layout.tar([index])
  const top = async (from: ImageStoreFixture, platforms: ReturnType<typeof platform>[] = []) =>
    json(await filesOf(from, await from.save(['multi:1'], platforms)), 'index.json').manifests[0]

  await store.load(archive, { platform: platform('arm64') })
  assert.equal((await top(store)).digest, arm.digest, 'one of three')
  await store.load(archive, { morePlatforms: [platform('amd64'), platform('arm64')] })
  const made = await top(store)
  assert.notEqual(made.digest, index.digest, 'two of three')
  await store.load(archive, { allPlatforms: true })
  assert.equal((await top(store)).digest, index.digest, 'three of three')
  assert.equal((await top(store, [platform('s390x')])).digest, s390.digest)
  assert.equal(
    (await top(store, [platform('arm64'), platform('amd64')])).digest,
    (await top(store, [platform('amd64'), platform('arm64')])).digest,
  )
  await assert.rejects(store.save(['multi:1'], [platform('riscv64')]), { code: 'not-found', message: /linux\/s390x/ })

  await using other = await ImageStoreFixture.open()
  const images = await other.load(await store.save(['multi:1']), { allPlatforms: true })
  assert.equal(images.length, 3)
  assert.deepEqual(new Set(images.map((image) => image.digest)), new Set([index.digest]))
  assert.deepEqual(new Set(images.flatMap(({ names }) => names)), new Set(['docker.io/library/multi:1']))
  assert.equal(
    (await other.images.get({ image: 'multi:1', platform: platform('s390x') })).manifest?.digest,
    s390.digest,
  )
  await using third = await ImageStoreFixture.open()
  const two = await third.load(await store.save(['multi:1'], [platform('amd64'), platform('s390x')]), {
    allPlatforms: true,
  })
  assert.deepEqual(two.map((image) => image.platform?.architecture).sort(), ['amd64', 's390x'])
})

test('keeps what it saves until it is done, and then no longer', { skip }, async () => {
  await using store = await ImageStoreFixture.open()
  const big = tar([{ path: 'big', content: Buffer.alloc(8 << 20, 'x') }])
  const [image] = await store.load(dockerArchive([{ layers: [{ blob: big }], names: ['big:1'] }]))
  const stream = store.store.saver.save({ images: ['big:1'], platforms: [] }, AbortSignal.timeout(60_000))
  const parts: Buffer[] = []
  const first = await stream.next()
  if (!first.done) parts.push(first.value)
  await store.images.remove({ image: 'big:1' })
  await store.maintenance.collectGarbage({})
  for await (const part of stream) parts.push(part)
  assert.ok(parts.every(({ length }) => length <= 256 << 10))
  assert.deepEqual((await store.content.list({})).blobs, [])
  const [again] = await store.load(Buffer.concat(parts))
  assert.equal(again?.id, image?.id)
})

test('stops when it is cancelled, and keeps nothing', { skip }, async () => {
  await using store = await ImageStoreFixture.open()
  const big = tar([{ path: 'big', content: Buffer.alloc(8 << 20, 'x') }])
  await store.load(dockerArchive([{ layers: [{ blob: big }], names: ['big:1'] }]))
  const abort = new AbortController()
  const read = async () => {
    for await (const _ of store.images.save({ images: ['big:1'] }, { signal: abort.signal })) abort.abort()
  }
  await assert.rejects(read(), { code: 'cancelled' })
  await store.images.remove({ image: 'big:1' })
  assert.deepEqual((await store.content.list({})).blobs, [])
})

test('refuses what it cannot save, and tells a damaged blob', { skip }, async () => {
  await using store = await ImageStoreFixture.open()
  const [image] = await store.load(dockerArchive([{ layers: [GZIP], names: ['a:1'] }]))
  await assert.rejects(store.save([]), { code: 'invalid-argument' })
  await assert.rejects(store.save(['a:1', 'b:1']), { code: 'not-found', message: /b:1/ })
  const layer = store.dir.blob((image?.layers[0]?.digest ?? '') as Parameters<typeof store.dir.blob>[0])
  truncateSync(layer, 10)
  await assert.rejects(store.save(['a:1']), { code: 'data-loss', reason: 'BLOB_DAMAGED' })
  rmSync(layer)
  await assert.rejects(store.save(['a:1']), { code: 'data-loss', reason: 'BLOB_DAMAGED' })
})

test('tells names that an archive moves', { skip }, async () => {
  await using store = await ImageStoreFixture.open()
  const first = await store.import(BASE, { reference: 'a:1' })
  const archive = dockerArchive([{ layers: [{ blob: TOP }], names: ['a:1', 'a:2'] }])
  const moved = []
  for await (const { item } of store.images.load(uploadOf(archive))) if (item?.$case === 'moved') moved.push(item.value)
  const now = await store.images.get({ image: 'a:1' })
  assert.deepEqual(moved, [{ name: 'docker.io/library/a:1', previous: first.digest, current: now.digest }])
})

test('takes names from index.json and manifest.json, each once', { skip }, async () => {
  await using store = await ImageStoreFixture.open()
  const layout = new LayoutWriter()
  const part = { layers: [{ blob: BASE }] }
  const listed = [
    {
      Config: `blobs/sha256/${digest(configOf(part)).slice(7)}`,
      RepoTags: ['a:1', 'a:2'],
      Layers: [`blobs/sha256/${digest(BASE).slice(7)}`],
    },
    { Config: 'other.json', RepoTags: ['other:1'], Layers: ['top.tar'] },
  ]
  const archive = tar([
    ...layout.entries([layout.image(part, named('docker.io/library/a:1'))]),
    { path: 'other.json', content: configOf({ layers: [{ blob: TOP }] }) },
    { path: 'top.tar', content: TOP },
    { path: 'manifest.json', content: JSON.stringify(listed) },
  ])
  const images = await store.load(archive)
  assert.deepEqual(
    images.map(({ names }) => names),
    [['docker.io/library/a:1', 'docker.io/library/a:2'], ['docker.io/library/other:1']],
  )
})

async function* uploadOf(archive: Buffer) {
  yield { item: { $case: 'options' as const, value: {} } }
  yield { item: { $case: 'chunk' as const, value: archive } }
}
