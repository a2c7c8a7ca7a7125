import assert from 'node:assert/strict'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { needsRoot } from '@caisson/testkit'
import { ImageStoreFixture } from './image-store-fixture.ts'
import { tar } from './tar-writer.ts'

const skip = needsRoot()
const layer = (content: string) => tar([{ path: 'file', content }])
const onImage = (key: string, value: string) => ({ key, base: { $case: 'image', value } }) as const

test('prepares several at once, all or none', { skip }, async () => {
  await using store = await ImageStoreFixture.open()
  await store.import(layer('a'), { reference: 'a:1' })
  const { mount, more } = await store.snapshots.prepare({ ...onImage('one', 'a:1'), moreKeys: ['two', 'three'] })
  assert.equal(new Set([mount, ...more].map((root) => root?.upperDir)).size, 3)
  for (const root of more) assert.deepEqual(root.lowerDirs, mount?.lowerDirs)
  const keys = async () => (await store.snapshots.list({})).snapshots.map(({ key }) => key)
  assert.deepEqual(await keys(), ['one', 'three', 'two'])
  const again = { ...onImage('four', 'a:1'), moreKeys: ['two'] }
  await assert.rejects(store.snapshots.prepare(again), { code: 'already-exists' })
  for (const refused of [{ quotaBytes: 1 << 20 }, { base: { $case: 'parent', value: 'x' } } as const])
    await assert.rejects(store.snapshots.prepare({ ...onImage('four', 'a:1'), moreKeys: ['five'], ...refused }), {
      reason: 'MORE_REFUSED',
    })
  assert.deepEqual(await keys(), ['one', 'three', 'two'])
})

test('says by a file whether an image still is what was asked for', { skip }, async () => {
  await using store = await ImageStoreFixture.open()
  await store.import(layer('a'), { reference: 'a:1' })
  const other = await store.import(layer('b'), { reference: 'b:1' })
  const { lookupVersion, lookupVersionPath } = await store.snapshots.prepare(onImage('one', 'a:1'))
  const isCurrent = () => readFileSync(lookupVersionPath).equals(lookupVersion)
  assert.equal(isCurrent(), true)
  await store.snapshots.view({ ...onImage('two', 'a:1'), moreKeys: ['three'] })
  await store.snapshots.remove({ key: 'two' })
  assert.equal(isCurrent(), true)
  await store.images.tag({ image: other.id, reference: 'a:1' })
  assert.equal(isCurrent(), false)
  const next = await store.snapshots.prepare(onImage('four', 'a:1'))
  assert.deepEqual(readFileSync(next.lookupVersionPath), Buffer.from(next.lookupVersion))
  await store.images.remove({ image: 'b:1' })
  assert.notDeepEqual(readFileSync(next.lookupVersionPath), Buffer.from(next.lookupVersion))
})

test('what was said before a restart holds no more', { skip }, async () => {
  const root = mkdtempSync(join(tmpdir(), 'csn-images-'))
  try {
    const before = await whileServed(root, async (store) => {
      await store.import(layer('a'), { reference: 'a:1' })
      return store.snapshots.prepare(onImage('one', 'a:1'))
    })
    await whileServed(root, async () => {
      assert.notDeepEqual(readFileSync(before.lookupVersionPath), Buffer.from(before.lookupVersion))
    })
  } finally {
    rmSync(root, { recursive: true })
  }
})

async function whileServed<T>(root: string, work: (store: ImageStoreFixture) => Promise<T>): Promise<T> {
  await using store = await ImageStoreFixture.open({ root })
  return await work(store)
}
