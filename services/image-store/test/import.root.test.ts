import assert from 'node:assert/strict'
import { existsSync, lstatSync, readdirSync, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { gzipSync, zstdCompressSync } from 'node:zlib'
import { needsRoot } from '@caisson/testkit'
import { ImageStoreFixture } from './image-store-fixture.ts'
import { tar } from './tar-writer.ts'

const skip = needsRoot()
const ROOTFS = tar([
  { path: './', type: 'dir', mode: 0o755 },
  { path: 'bin/', type: 'dir' },
  { path: 'bin/hello', mode: 0o755, content: 'hello\n' },
  { path: 'etc/', type: 'dir' },
  { path: 'etc/os-release', content: 'ID=test\n' },
])

test('imports a tar, prepares a snapshot on it, gets and removes it', { skip }, async () => {
  await using store = await ImageStoreFixture.open()
  const image = await store.import(ROOTFS, { reference: 'hello:1', changes: ['CMD ["/bin/hello"]', 'ENV A=b'] })
  assert.deepEqual(image.names, ['docker.io/library/hello:1'])
  assert.deepEqual(image.config?.cmd, ['/bin/hello'])
  assert.deepEqual(image.config?.env, ['A=b'])
  assert.match(image.id, /^sha256:[0-9a-f]{64}$/)
  assert.equal(image.layers[0]?.unpackedSize, 14)
  assert.equal((await store.images.get({ image: 'hello:1' })).id, image.id)
  assert.equal((await store.images.get({ image: image.id.slice(7, 19) })).id, image.id)
  assert.equal((await store.images.get({ image: image.digest })).id, image.id)

  const prepared = await store.snapshots.prepare({ key: 'c1', base: { $case: 'image', value: 'hello:1' } })
  assert.equal(prepared.image?.id, image.id)
  const { mount } = prepared
  assert.equal(mount?.lowerDirs.length, 1)
  assert.equal(readFileSync(join(mount?.lowerDirs[0] ?? '', 'etc/os-release'), 'utf8'), 'ID=test\n')
  assert.equal(statSync(mount?.upperDir ?? '').mode & 0o7777, 0o755)
  assert.ok(existsSync(mount?.workDir ?? ''))
  assert.deepEqual(mount?.options, ['redirect_dir=nofollow', 'metacopy=off'])

  const again = await store.snapshots.prepare({ key: 'c1', base: { $case: 'image', value: 'hello:1' } })
  assert.deepEqual(again.mount, mount)
  assert.deepEqual((await store.snapshots.get({ key: 'c1' })).mount, mount)
  await assert.rejects(store.images.remove({ image: 'hello:1' }), {
    code: 'failed-precondition',
    reason: 'IMAGE_IN_USE',
  })

  await store.snapshots.remove({ key: 'c1' })
  await store.snapshots.remove({ key: 'c1' })
  assert.equal(existsSync(mount?.upperDir ?? ''), false)
  await assert.rejects(store.snapshots.get({ key: 'c1' }), { code: 'not-found' })

  const removed = await store.images.remove({ image: 'hello:1' })
  assert.deepEqual(removed.untagged, ['docker.io/library/hello:1'])
  assert.equal(removed.deleted.length, 4)
  await store.store.settled()
  assert.deepEqual(readdirSync(store.dir.trash), [])
  assert.deepEqual(readdirSync(store.dir.layers), [])
  assert.deepEqual(readdirSync(store.dir.staging), [])
  assert.deepEqual(store.eventTypes(), [
    'image.imported',
    'image.tagged',
    'snapshot.prepared',
    'snapshot.removed',
    'image.untagged',
    'image.removed',
  ])
})

test('keeps the blob as it came: plain, gzip and zstd', { skip }, async () => {
  await using store = await ImageStoreFixture.open()
  for (const [bytes, mediaType] of [
    [ROOTFS, 'application/vnd.oci.image.layer.v1.tar'],
    [gzipSync(ROOTFS), 'application/vnd.oci.image.layer.v1.tar+gzip'],
    [zstdCompressSync(ROOTFS), 'application/vnd.oci.image.layer.v1.tar+zstd'],
  ] as const) {
    const { layers } = await store.import(bytes)
    assert.equal(layers[0]?.mediaType, mediaType)
    const parts: Buffer[] = []
    for await (const { chunk } of store.content.read({ digest: layers[0]?.digest ?? '' })) parts.push(chunk)
    assert.ok(Buffer.concat(parts).equals(bytes))
  }
  // The tar is the same each time: it is unpacked once.
  assert.equal(readdirSync(store.dir.layers).length, 1)
})

test("gives a snapshot's root the mode and owner of the image's root", { skip }, async () => {
  await using store = await ImageStoreFixture.open()
  await store.import(tar([{ path: './', type: 'dir', mode: 0o1711, uid: 12, gid: 34 }]), { reference: 'odd' })
  const { mount } = await store.snapshots.prepare({ key: 'c', base: { $case: 'image', value: 'odd' } })
  const about = lstatSync(mount?.upperDir ?? '')
  assert.deepEqual([about.mode & 0o7777, about.uid, about.gid], [0o1711, 12, 34])
})
