import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  rmdirSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { gzipSync } from 'node:zlib'
import type { CaissonError } from '@caisson/api'
import { needsRoot } from '@caisson/testkit'
import { digest, dockerArchive } from './archives.ts'
import { ImageStoreFixture, upload } from './image-store-fixture.ts'
import { tar } from './tar-writer.ts'

const skip = needsRoot()
const LAYER = tar([{ path: 'etc/passwd', content: 'root:x:0:0::/:/bin/sh\n' }])
const layerOf = (text: string): Buffer => tar([{ path: 'file', content: text }])

async function readAll(store: ImageStoreFixture, request: { digest: string; offset?: number; length?: number }) {
  const parts: Buffer[] = []
  for await (const { chunk } of store.content.read(request)) parts.push(chunk)
  return Buffer.concat(parts).toString()
}

test('writes, finds, reads and lists blobs, and refuses bytes with another digest', { skip }, async () => {
  await using store = await ImageStoreFixture.open()
  const text = Buffer.from('some bytes')
  const write = (wanted: string, size: number) => store.content.write(upload({ digest: wanted, size, lease: '' }, text))
  const blob = await write(digest(text), text.length)
  assert.equal(blob.size, 10)
  assert.deepEqual(await store.content.stat({ digest: digest(text) }), blob)
  assert.equal(await readAll(store, { digest: digest(text) }), 'some bytes')
  assert.equal(await readAll(store, { digest: digest(text), offset: 5, length: 3 }), 'byt')
  assert.equal(await readAll(store, { digest: digest(text), offset: 10 }), '')
  await assert.rejects(readAll(store, { digest: digest(text), offset: 11 }), { reason: 'INVALID_RANGE' })
  assert.equal((await store.content.list({})).blobs.length, 1)

  await assert.rejects(write(digest('other'), 0), { code: 'data-loss', reason: 'DIGEST_MISMATCH' })
  await assert.rejects(write(digest('other'), 9), { code: 'data-loss' })
  await assert.rejects(write(digest('other'), 11), { code: 'data-loss' })
  await assert.rejects(store.content.stat({ digest: digest('other') }), { code: 'not-found', reason: 'BLOB_NOT_FOUND' })
  await store.store.settled()
  assert.deepEqual(readdirSync(store.dir.staging), [])
})

test('collects what nothing refers to, and keeps what a lease names', { skip }, async () => {
  await using store = await ImageStoreFixture.open()
  const { id } = await store.leases.create({ ttlSeconds: 60 })
  const write = (text: string, lease: string) =>
    store.content.write(upload({ digest: digest(text), size: 0, lease }, Buffer.from(text)))
  await write('leased', id)
  await write('loose', '')
  await assert.rejects(write('x', 'no-such-lease'), { reason: 'LEASE_NOT_FOUND' })
  await store.import(LAYER, { reference: 'kept' })

  const dry = await store.maintenance.collectGarbage({ dryRun: true })
  assert.deepEqual(dry.removed, [digest('loose')])
  assert.equal((await store.maintenance.diskUsage({})).reclaimableBytes, 5)
  assert.ok(await store.content.stat({ digest: digest('loose') }))
  assert.deepEqual(await store.maintenance.collectGarbage({}), {
    removed: [digest('loose')],
    freedBytes: 5,
    items: [{ kind: 'blob', name: digest('loose'), bytes: 5, reason: 'unreferenced' }],
  })
  await store.leases.release({ id })
  assert.deepEqual((await store.maintenance.collectGarbage({})).removed, [digest('leased')])
  assert.equal((await store.maintenance.diskUsage({})).blobs, 3)
  assert.equal((await store.images.get({ image: 'kept' })).layers.length, 1)
})

test('lists, renews and ends leases', { skip }, async () => {
  await using store = await ImageStoreFixture.open()
  const lease = await store.leases.create({ id: 'mine', ttlSeconds: 60, labels: { a: 'b' } })
  await assert.rejects(store.leases.create({ id: 'mine' }), { code: 'already-exists' })
  const longer = await store.leases.renew({ id: 'mine', ttlSeconds: 600 })
  assert.ok((longer.expiresAt?.seconds ?? 0) > (lease.expiresAt?.seconds ?? 0) + 500)
  await store.leases.addResource({ id: 'mine', resource: 'docker.io/library/kept:latest' })
  assert.deepEqual((await store.leases.list({})).leases[0]?.resources, ['docker.io/library/kept:latest'])
  await store.import(LAYER, { reference: 'kept' })
  await assert.rejects(store.images.remove({ image: 'kept' }), { reason: 'IMAGE_IN_USE', message: /lease mine/ })
  assert.deepEqual((await store.images.prune({ all: true })).untagged, [])
  await store.leases.release({ id: 'mine' })
  await store.leases.release({ id: 'mine' })
  assert.deepEqual((await store.images.prune({ all: true })).untagged, ['docker.io/library/kept:latest'])
})

test('unpacks a layer once when it is wanted many times at once', { skip }, async () => {
  let unpacks = 0
  await using store = await ImageStoreFixture.open({
    wrapTool: (tool) => ({
      ...tool,
      unpack: (...args) => {
        unpacks += 1
        return tool.unpack(...args)
      },
    }),
  })
  const archive = dockerArchive([{ layers: [{ blob: gzipSync(LAYER), tar: LAYER }], names: ['same'] }])
  const loaded = await Promise.all(Array.from({ length: 16 }, () => store.load(archive)))
  assert.equal(new Set(loaded.map(([image]) => image?.id)).size, 1)
  assert.equal(unpacks, 1)
  assert.equal(readdirSync(store.dir.layers).length, 1)
  await store.store.settled()
  assert.deepEqual(readdirSync(store.dir.staging), [])
})

test('goes on for the others when one of them gives up', { skip }, async () => {
  await using store = await ImageStoreFixture.open()
  const big = tar([{ path: 'big', content: Buffer.alloc(8 << 20, 'b') }])
  const archive = dockerArchive([{ layers: [{ blob: big }], names: ['big'] }])
  const gone = new AbortController()
  const first = (async () => {
    for await (const { item } of store.images.load(upload({ reference: '', platform: undefined, size: 0 }, archive), {
      signal: gone.signal,
    }))
      if (item?.$case === 'progress' && item.value.action === 'unpacking') gone.abort()
  })()
  const second = store.load(archive)
  setTimeout(() => gone.abort(), 30)
  await Promise.allSettled([first])
  assert.equal((await second).length, 1)
  await store.store.settled()
  assert.deepEqual(readdirSync(store.dir.staging), [])
})

test('survives imports, removals and collections at the same time', { skip }, async () => {
  await using store = await ImageStoreFixture.open()
  const busy = Array.from({ length: 6 }, async (_, worker) => {
    for (let round = 0; round < 5; round++) {
      // Two layers for all of them: they are collected by one while another brings them in.
      const name = `w${worker}:latest`
      await store.import(layerOf(`content ${round % 2}`), { reference: name })
      const { mount } = await store.snapshots.prepare({ key: `s${worker}`, base: { $case: 'image', value: name } })
      assert.ok(existsSync(join(mount?.lowerDirs[0] ?? '', 'file')), 'the layer of a snapshot is there')
      await store.snapshots.remove({ key: `s${worker}` })
      await store.images.remove({ image: name })
    }
  })
  const collecting = (async () => {
    for (let round = 0; round < 40; round++) {
      await store.maintenance.collectGarbage({})
      await new Promise((resolve) => setTimeout(resolve, 5))
    }
  })()
  await Promise.all([...busy, collecting])
  assert.equal((await store.images.list({})).images.length, 0)
  assert.equal((await store.content.list({})).blobs.length, 0)
  await store.store.settled()
  assert.deepEqual(readdirSync(store.dir.layers), [])
  assert.deepEqual(readdirSync(store.dir.snapshots), [])
})

test('tells of a full disk as such, and leaves nothing behind', { skip }, async () => {
  const root = mkdtempSync(join(tmpdir(), 'csn-images-'))
  execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=3m', 'tmpfs', root])
  try {
    await using store = await ImageStoreFixture.open({ root })
    const big = tar([{ path: 'big', content: Buffer.alloc(6 << 20, 'b') }])
    const noSpace = { code: 'resource-exhausted', reason: 'NO_SPACE' }
    await assert.rejects(store.import(big, { reference: 'big' }), noSpace)
    await assert.rejects(store.load(dockerArchive([{ layers: [{ blob: big }] }])), noSpace)
    await store.store.settled()
    assert.deepEqual((await store.images.list({})).images, [])
    assert.deepEqual((await store.content.list({})).blobs, [])
    assert.deepEqual(readdirSync(store.dir.staging), [])
    await store.import(LAYER, { reference: 'small' })
  } finally {
    execFileSync('umount', ['-l', root])
    rmdirSync(root)
  }
})

test('keeps everyone but root out of its folders', { skip }, async () => {
  await using store = await ImageStoreFixture.open()
  await store.import(tar([{ path: 'su', mode: 0o4755, content: 'x' }]), { reference: 'suid' })
  const { mount } = await store.snapshots.prepare({ key: 'c', base: { $case: 'image', value: 'suid' } })
  const dataDir = join(store.dir.layers, '..')
  assert.equal(statSync(dataDir).mode & 0o777, 0o700)
  for (const path of [
    mount?.lowerDirs[0] ?? '',
    mount?.upperDir ?? '',
    store.dir.blobs,
    store.dir.staging,
    store.dir.trash,
  ])
    assert.throws(() =>
      execFileSync('setpriv', ['--reuid', '65534', '--clear-groups', 'ls', path], { stdio: 'ignore' }),
    )
})

test('counts what a snapshot holds, and follows no link out of it', { skip }, async () => {
  await using store = await ImageStoreFixture.open()
  await store.import(LAYER, { reference: 'a' })
  const { mount } = await store.snapshots.prepare({ key: 'c', base: { $case: 'image', value: 'a' } })
  const upper = mount?.upperDir ?? ''
  assert.deepEqual(await store.snapshots.usage({ key: 'c' }), { bytes: 0, inodes: 0 })
  mkdirSync(join(upper, 'dir'))
  writeFileSync(join(upper, 'dir/file'), Buffer.alloc(10_000))
  symlinkSync('/usr', join(upper, 'usr'))
  const usage = await store.snapshots.usage({ key: 'c' })
  assert.equal(usage.inodes, 3)
  assert.ok(usage.bytes >= 10_000 && usage.bytes < 40_000, String(usage.bytes))
})

test('says what it does not do yet', { skip }, async () => {
  await using store = await ImageStoreFixture.open()
  await store.import(LAYER, { reference: 'a' })
  const quota = store.snapshots.prepare({ key: 'q', base: { $case: 'image', value: 'a' }, quotaBytes: 1 })
  await assert.rejects(quota, { code: 'failed-precondition', reason: 'QUOTA_UNSUPPORTED' })
})

test('finds damage and takes broken blobs away', { skip }, async () => {
  await using store = await ImageStoreFixture.open()
  const { layers } = await store.import(LAYER, { reference: 'a' })
  const path = store.dir.blob((layers[0]?.digest ?? '') as Parameters<typeof store.dir.blob>[0])
  writeFileSync(path, 'broken')
  const damages = async (quarantine: boolean) => {
    const found: string[] = []
    for await (const { item } of store.maintenance.verify({ quarantine }))
      if (item?.$case === 'damage') found.push(item.value.subject)
    return found
  }
  assert.deepEqual(await damages(false), [layers[0]?.digest])
  await assert.rejects(readAll(store, { digest: layers[0]?.digest ?? '' }), {
    code: 'data-loss',
    reason: 'BLOB_DAMAGED',
  })
  const flipped = Buffer.from(LAYER)
  flipped[0] = 0x7a
  writeFileSync(path, flipped)
  await assert.rejects(readAll(store, { digest: layers[0]?.digest ?? '' }), { reason: 'BLOB_DAMAGED' })
  const { id } = await store.images.get({ image: 'a' })
  assert.deepEqual(await damages(true), [layers[0]?.digest, id])
  await store.import(LAYER, { reference: 'b' })
  assert.deepEqual(await damages(false), [])
})

test('turns a failure that nobody knows into an internal error without its insides', { skip }, async () => {
  await using store = await ImageStoreFixture.open()
  await store.import(LAYER, { reference: 'a' })
  rmSync(store.dir.snapshots, { recursive: true })
  const failed = store.snapshots.prepare({ key: 'c', base: { $case: 'image', value: 'a' } })
  await assert.rejects(failed, (error: CaissonError) => {
    assert.equal(error.code, 'internal')
    assert.ok(!error.message.includes(store.root))
    return true
  })
  assert.equal((await store.snapshots.list({})).snapshots.length, 0)
})
