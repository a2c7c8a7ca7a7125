import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import type { Digest } from '@caisson/oci'
import { Store } from '@caisson/service-kit'
import { EMPTY_CONFIG } from '../image/changes.ts'
import type { ImageRecord } from '../image/ports.ts'
import { blobOriginTable } from './blob-origin-table.ts'
import { blobTable } from './blob-table.ts'
import { garbageQueries } from './garbage-queries.ts'
import { imageSourceTable } from './image-source-table.ts'
import { imageTable } from './image-table.ts'
import { layerTable } from './layer-table.ts'
import { leaseTable } from './lease-table.ts'
import { migrations } from './migrations.ts'
import { nameTable } from './name-table.ts'
import { snapshotTable } from './snapshot-table.ts'

const id = (digit: string): Digest => `sha256:${digit.repeat(64)}` as Digest

function open(t: TestContext): Store {
  const dir = mkdtempSync(join(tmpdir(), 'csn-db-'))
  const store = new Store(join(dir, 'test.db'), migrations)
  t.after(() => {
    store[Symbol.dispose]()
    rmSync(dir, { recursive: true })
  })
  return store
}

function image(own: string, ...layers: string[]): ImageRecord {
  const parts = layers.map((digit) => ({
    digest: id(digit),
    size: 1,
    mediaType: 'x',
    diffId: id(digit),
    chainId: id(digit),
  }))
  const digest = id(own)
  const manifest = { mediaType: 'x', digest, size: 1 }
  const times = { created: '', createdMs: 1, storedMs: 2 }
  const platform = { os: 'linux', architecture: 'amd64' }
  return {
    id: digest,
    digest,
    manifest,
    platform,
    config: EMPTY_CONFIG,
    layers: parts,
    history: [],
    author: '',
    ...times,
  }
}

const layer = (own: string, parent?: string) => ({
  chainId: id(own),
  diffId: id(own),
  parent: parent === undefined ? undefined : id(parent),
  bytes: 10,
  entries: 1,
  opaque: false,
  root: { mode: 0o755, uid: 0, gid: 0 },
  createdMs: 1,
})

test('makes its tables from nothing, and opens them again', (t) => {
  const dir = mkdtempSync(join(tmpdir(), 'csn-db-'))
  t.after(() => rmSync(dir, { recursive: true }))
  for (let round = 0; round < 2; round++) {
    using store = new Store(join(dir, 'test.db'), migrations)
    blobTable(store).insert({ digest: id('a'), size: 1, createdMs: 2 })
    assert.deepEqual(blobTable(store).get(id('a')), { digest: id('a'), size: 1, createdMs: 2 })
  }
})

test('keeps images with their targets, names and references', (t) => {
  const store = open(t)
  const images = imageTable(store)
  const names = nameTable(store)
  const record = image('a', 'b')
  images.put({ record, targets: [id('a')], blobs: [id('a'), id('b')] })
  images.put({ record, targets: [id('c')], blobs: [id('c')] })
  assert.deepEqual(images.get(id('a')), record)
  assert.deepEqual(images.targets(id('a')), [id('a'), id('c')])
  assert.deepEqual(images.blobs(id('a')), [id('a'), id('b'), id('c')])
  assert.deepEqual(images.byTarget(id('c')), [record])
  assert.deepEqual(images.byIdPrefix('aa', 2), [record])
  assert.deepEqual(images.byIdPrefix('ab', 2), [])
  names.set('n', id('a'))
  names.set('n', id('c'))
  assert.deepEqual(names.of(id('c')), ['n'])
  assert.equal(names.get('n'), id('c'))
  images.delete(id('a'))
  assert.deepEqual(images.byTarget(id('c')), [])
  assert.deepEqual(images.blobs(id('a')), [])
})

test('keeps where registries have an image as long as the image, and where blobs were seen last', (t) => {
  const store = open(t)
  const [images, sources, origins] = [imageTable(store), imageSourceTable(store), blobOriginTable(store)]
  images.put({ record: image('a'), targets: [id('a')], blobs: [id('a')] })
  for (const repository of ['r/two', 'r/one', 'r/one']) sources.add(id('a'), { repository, digest: id('b') })
  assert.deepEqual(sources.of(id('a')), [`r/one@${id('b')}`, `r/two@${id('b')}`])
  images.delete(id('a'))
  assert.deepEqual(sources.of(id('a')), [])
  for (const [at, repository] of ['one', 'two', 'three', 'one'].entries())
    origins.add([id('c')], { registry: 'r', repository }, at)
  origins.add([id('c')], { registry: 'other', repository: 'four' }, 9)
  assert.deepEqual(origins.of(id('c'), 'r', 2), ['one', 'three'])
  const many = Array.from({ length: 20_001 }, (_, at) => id(at.toString(16).padStart(5, '0')).slice(0, 71) as Digest)
  store.transaction(() => origins.add(many, { registry: 'r', repository: 'many' }, 10))
  assert.deepEqual(origins.of(id('c'), 'r', 2), [])
})

test('lists snapshots by pages and kind', (t) => {
  const table = snapshotTable(open(t))
  const base = { base: undefined, parent: '', image: id('a'), labels: { a: 'b' }, createdMs: 1 }
  for (const key of ['c', 'a', 'b']) table.insert({ ...base, key, kind: key === 'b' ? 'view' : 'active' })
  assert.deepEqual(
    table.list('a', 10, undefined).map(({ key }) => key),
    ['b', 'c'],
  )
  assert.deepEqual(
    table.list('', 1, 'active').map(({ key }) => key),
    ['a'],
  )
  assert.deepEqual(table.get('b')?.labels, { a: 'b' })
  assert.equal(table.ofImage(id('a')), 'a')
  table.insert({ ...base, key: 'd', kind: 'active', parent: 'b' })
  assert.ok(table.hasChildren('b'))
  assert.equal(table.hasChildren('a'), false)
})

test('finds what no image, snapshot or lease refers to', (t) => {
  const store = open(t)
  const [blobs, layers, images, leases] = [blobTable(store), layerTable(store), imageTable(store), leaseTable(store)]
  for (const digit of ['a', 'b', 'c', 'd']) blobs.insert({ digest: id(digit), size: 5, createdMs: 1 })
  // 1 is of an image; 3 on 2 is of a snapshot; 4 is of nobody.
  for (const record of [layer('1'), layer('2'), layer('3', '2'), layer('4', '1')]) layers.insert(record)
  images.put({ record: image('a', '1'), targets: [id('a')], blobs: [id('a'), id('b')] })
  const snapshot = {
    key: 's',
    kind: 'active',
    base: id('3'),
    parent: '',
    image: undefined,
    labels: {},
    createdMs: 1,
  } as const
  snapshotTable(store).insert(snapshot)
  leases.insert({ id: 'l', expiresMs: 100, createdMs: 1, labels: {}, resources: [] })
  leases.addResource('l', id('c'))
  const garbage = garbageQueries(store)
  assert.deepEqual(garbage.blobs(), [{ digest: id('d'), bytes: 5 }])
  assert.deepEqual(garbage.layers(), [{ chainId: id('4'), bytes: 10 }])
  leases.expire(99)
  assert.equal(leases.naming(id('c'), 50), 'l')
  leases.expire(100)
  assert.equal(garbage.blobs().length, 2)
})
