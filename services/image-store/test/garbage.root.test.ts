import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import {
  appendFileSync,
  existsSync,
  mkdtempSync,
  readdirSync,
  rmSync,
  statfsSync,
  truncateSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import type { Damage } from '@caisson/api/content'
import { needsDockerRegistry, needsRoot, startDockerRegistry } from '@caisson/testkit'
import { configSchema } from '../src/config.ts'
import { openRegistries } from '../src/registry/client.ts'
import { digest } from './archives.ts'
import { ImageStoreFixture, upload } from './image-store-fixture.ts'
import { tar } from './tar-writer.ts'

const skip = needsRoot()
const MIB = 1 << 20
const noise = (bytes: number): Buffer => {
  const buffer = Buffer.alloc(bytes)
  for (let at = 0; at < bytes; at += 65_536) crypto.getRandomValues(buffer.subarray(at, Math.min(bytes, at + 65_536)))
  return buffer
}
const layerOf = (bytes: number): Buffer => tar([{ path: 'big', content: noise(bytes) }])
type Path = Parameters<ImageStoreFixture['dir']['blob']>[0]

/** A store on an ext4 of its own. */
async function onSmallDisk(mebibytes: number, work: (root: string) => Promise<void>): Promise<void> {
  const root = mkdtempSync(join(tmpdir(), 'csn-disk-'))
  const file = `${root}.img`
  writeFileSync(file, '')
  truncateSync(file, mebibytes * MIB)
  execFileSync('mkfs.ext4', ['-q', '-F', '-m', '0', file])
  execFileSync('mount', ['-o', 'loop', file, root])
  try {
    await work(root)
  } finally {
    execFileSync('umount', ['-l', root])
    rmSync(root, { recursive: true })
    rmSync(file)
  }
}

function fillDisk(path: string): void {
  for (const step of [MIB, 4096, 1])
    try {
      for (;;) appendFileSync(path, Buffer.alloc(step, 'f'))
    } catch (error) {
      if (!(error instanceof Error && 'code' in error && error.code === 'ENOSPC')) throw error
    }
}

async function damages(store: ImageStoreFixture, options: { quarantine?: boolean; repair?: boolean }) {
  const found: Damage[] = []
  for await (const { item } of store.maintenance.verify(options)) if (item?.$case === 'damage') found.push(item.value)
  return found
}

test('refuses new content before its disk is full, and says what the reserve is', { skip }, async () => {
  await onSmallDisk(64, async (root) => {
    await using store = await ImageStoreFixture.open({ root, config: { diskReserveBytes: 30 * MIB } })
    await store.import(layerOf(MIB), { reference: 'kept' })
    const refused = { code: 'resource-exhausted', reason: 'NO_SPACE', message: /reserve.*diskReserveBytes.*prune/ }
    const big = layerOf(12 * MIB)
    await assert.rejects(store.import(big, { reference: 'big', size: 40 * MIB }), refused)
    // Of a size that is not said the disk tells.
    await assert.rejects(async () => {
      for (let round = 0; round < 3; round++) await store.import(layerOf(12 * MIB), { size: 0 })
    }, refused)
    await assert.rejects(store.load(big), refused)
    const write = store.content.write(upload({ digest: digest('x'), size: 50 * MIB, lease: '' }, Buffer.from('x')))
    await assert.rejects(write, refused)
    await store.store.settled()
    assert.deepEqual(readdirSync(store.dir.staging), [])
    assert.equal((await store.images.get({ image: 'kept' })).names.length, 1)
  })
})

test('refuses a pull before it fetches anything', { skip: skip || needsDockerRegistry() }, async () => {
  await using registry = await startDockerRegistry()
  await using registries = openRegistries(configSchema.parse({}))
  const name = `${registry.address}/refused:1`
  {
    await using source = await ImageStoreFixture.open({ registries })
    await source.import(layerOf(MIB), { reference: name })
    await source.push(name)
  }
  await using store = await ImageStoreFixture.open({ registries, config: { diskReserveBytes: 2 ** 50 } })
  await assert.rejects(store.pull(name), { code: 'resource-exhausted', reason: 'NO_SPACE', message: /reserve/ })
  assert.deepEqual(readdirSync(store.dir.partial), [])
  assert.deepEqual((await store.images.list({})).images, [])
})

test('removes images and snapshots from a disk without a free byte', { skip }, async () => {
  await onSmallDisk(64, async (root) => {
    await using store = await ImageStoreFixture.open({ root })
    await store.import(layerOf(MIB), { reference: 'a' })
    await store.import(layerOf(MIB), { reference: 'b' })
    for (const key of ['one', 'two']) await store.snapshots.prepare({ key, base: { $case: 'image', value: 'a' } })
    await store.store.settled()
    fillDisk(join(root, 'filler'))
    assert.equal(statfsSync(root).bavail, 0)
    await store.snapshots.remove({ key: 'one', moreKeys: ['two'] })
    await store.images.remove({ image: 'a' })
    await store.maintenance.collectGarbage({})
    await store.store.settled()
    assert.deepEqual(readdirSync(store.dir.snapshots), [])
    assert.ok(statfsSync(root).bavail * statfsSync(root).bsize > MIB)
    await assert.rejects(store.import(layerOf(MIB), { reference: 'c' }), { reason: 'NO_SPACE' })
    rmSync(join(root, 'filler'))
    await store.import(layerOf(MIB), { reference: 'c' })
  })
})

test('tells of disk usage what du does', { skip }, async () => {
  await using store = await ImageStoreFixture.open()
  const dataDir = join(store.dir.blobs, '..')
  for (const name of ['a', 'b']) await store.import(layerOf(8 * MIB), { reference: name })
  const { mount } = await store.snapshots.prepare({ key: 's', base: { $case: 'image', value: 'a' } })
  writeFileSync(join(mount?.upperDir ?? '', 'written'), noise(4 * MIB))
  writeFileSync(join(store.dir.partial, `sha256-${'0'.repeat(64)}`), noise(2 * MIB))
  const usage = await store.maintenance.diskUsage({ verbose: true })
  const du = Number(execFileSync('du', ['-s', '-B1', dataDir], { encoding: 'utf8' }).split('\t')[0])
  assert.ok(Math.abs(usage.totalBytes - du) < du * 0.02, `${usage.totalBytes} and ${du}`)
  const parts = ['content', 'layer', 'snapshot', 'partial', 'staging', 'trash', 'database'] as const
  assert.equal(
    parts.reduce((sum, part) => sum + usage[`${part}Bytes`], 0),
    usage.totalBytes,
  )
  assert.ok(usage.snapshotBytes >= 4 * MIB && usage.partialBytes >= 2 * MIB)
  const [a] = usage.images.filter(({ names }) => names[0]?.includes('/a:'))
  assert.ok(a?.inUse && a.uniqueBytes > 16 * MIB)
  assert.deepEqual(
    usage.snapshotList.map(({ key, image }) => [key, image]),
    [['s', a?.id]],
  )
  const short = await store.maintenance.diskUsage({})
  assert.deepEqual([short.images, short.imageCount], [[], 2])
})

test('removes unused images by its policy, and never those that are needed', { skip }, async () => {
  const gc = configSchema.parse({ gc: { maxAgeSeconds: 100, pinned: ['pinned'], keepRecent: 1 } }).gc
  let now = Date.now()
  await using store = await ImageStoreFixture.open({ config: { gc }, clock: () => now })
  for (const name of ['old', 'pinned', 'leased', 'running', 'used'])
    await store.import(layerOf(1_000), { reference: name })
  const { id } = await store.leases.create({ ttlSeconds: 10_000 })
  await store.leases.addResource({ id, resource: 'leased' })
  await store.snapshots.prepare({ key: 'r', base: { $case: 'image', value: 'running' } })
  now += 90_000
  await store.snapshots.view({ key: 'u', base: { $case: 'image', value: 'used' } })
  await store.snapshots.remove({ key: 'u' })
  now += 20_000
  await store.import(layerOf(1_000), { reference: 'new' })
  const old = await store.images.get({ image: 'old' })
  const dry = await store.maintenance.collectGarbage({ applyPolicy: true, dryRun: true })
  assert.deepEqual(
    dry.items.map(({ kind, name, reason }) => [kind, name, reason]),
    [['image', old.id, 'unused']],
  )
  assert.deepEqual((await store.maintenance.collectGarbage({})).items, [])
  const done = await store.maintenance.collectGarbage({ applyPolicy: true })
  assert.deepEqual(done.removed.includes(old.id), true)
  assert.equal(done.freedBytes, dry.freedBytes)
  const names = (await store.images.list({})).images.flatMap((image) => image.names).sort()
  assert.deepEqual(
    names.map((name) => /library\/(.*):/.exec(name)?.[1]),
    ['leased', 'new', 'pinned', 'running', 'used'],
  )
  const removed = store.events.read(undefined, 1_000).events.filter(({ type }) => type === 'image.removed')
  assert.deepEqual(
    removed.map(({ attributes }) => attributes),
    [{ reason: 'unused' }],
  )
})

test('keeps all of a leased image when its name moves on, and collects when the lease ends by itself', {
  skip,
}, async () => {
  let now = Date.now()
  const due: (() => void)[] = []
  const after = (_: number, call: () => void): Disposable => {
    due.push(call)
    return { [Symbol.dispose]: () => {} }
  }
  const timers = { after }
  await using store = await ImageStoreFixture.open({ clock: () => now, timers })
  const first = await store.import(layerOf(1_000), { reference: 'a' })
  const { id } = await store.leases.create({ ttlSeconds: 60 })
  await store.leases.addResource({ id, resource: 'a' })
  await store.import(layerOf(1_000), { reference: 'a' })
  assert.deepEqual((await store.images.prune({})).deleted, [])
  await assert.rejects(store.images.remove({ image: first.id }), { reason: 'IMAGE_IN_USE' })
  await store.maintenance.collectGarbage({})
  await store.snapshots.prepare({ key: 's', base: { $case: 'image', value: first.id } })
  await store.snapshots.remove({ key: 's' })
  const loose = Buffer.from('leased blob')
  await store.content.write(upload({ digest: digest(loose), size: 0, lease: id }, loose))
  now += 61_000
  for (const call of due.splice(0)) call()
  await assert.rejects(store.content.stat({ digest: digest(loose) }), { code: 'not-found' })
  assert.ok((await store.images.prune({})).deleted.length > 0)
})

test('finds damage of every kind and mends it from the registry', { skip: skip || needsDockerRegistry() }, async () => {
  await using registry = await startDockerRegistry()
  await using registries = openRegistries(configSchema.parse({}))
  await using store = await ImageStoreFixture.open({ registries })
  const name = `${registry.address}/mended:1`
  const image = await store.import(layerOf(100_000), { reference: name })
  await store.push(name)
  const blob = image.layers[0]?.digest as Path
  const layer = store.dir.layer(image.layers[0]?.diffId as Path)
  assert.deepEqual(await damages(store, {}), [])
  writeFileSync(store.dir.blob(blob), 'broken')
  writeFileSync(join(layer, 'fs/big'), 'broken')
  assert.deepEqual(
    (await damages(store, {})).map(({ subject }) => subject),
    [blob, image.layers[0]?.diffId],
  )
  const mended = await damages(store, { repair: true })
  assert.deepEqual(
    mended.map(({ quarantined, repaired }) => quarantined && repaired),
    [true, true],
  )
  assert.deepEqual(await damages(store, {}), [])
  assert.ok(existsSync(join(layer, 'fs/big')))

  const wide = Buffer.from('by sha512')
  const wideDigest = `sha512:${createHash('sha512').update(wide).digest('hex')}` as Path
  await store.content.write(upload({ digest: wideDigest, size: 0, lease: '' }, wide))
  writeFileSync(store.dir.blob(wideDigest), 'by sha51X')
  assert.deepEqual(
    (await damages(store, { quarantine: true })).map(({ subject }) => subject),
    [wideDigest],
  )

  await registry.stop()
  writeFileSync(store.dir.blob(blob), 'broken')
  const [first, missing] = await damages(store, { repair: true })
  assert.deepEqual([first?.quarantined, first?.repaired], [true, false])
  assert.match(first?.message ?? '', /not mended/)
  assert.equal(missing?.subject, image.id)
})
