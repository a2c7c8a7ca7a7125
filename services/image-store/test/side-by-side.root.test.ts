import assert from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { needsRoot } from '@caisson/testkit'
import { dockerArchive } from './archives.ts'
import { ImageStoreFixture } from './image-store-fixture.ts'
import { tar } from './tar-writer.ts'

const skip = needsRoot()
const files = Array.from({ length: 300 }, (_, at) => ({ path: `d/f${at}`, content: `content ${at}`.repeat(50) }))
const ARCHIVE = dockerArchive([
  { names: ['same:latest'], layers: [{ blob: tar(files) }, { blob: tar([{ path: 'top', content: 'top' }]) }] },
])

test('IMG-09: sixteen loads of one image at once end with one copy of each layer and nothing else', {
  skip,
}, async () => {
  await using store = await ImageStoreFixture.open()
  const loaded = await Promise.all(Array.from({ length: 16 }, () => store.load(ARCHIVE)))
  assert.equal(new Set(loaded.map(([image]) => image?.id)).size, 1)
  assert.equal(readdirSync(store.dir.layers).length, 2)
  assert.deepEqual(readdirSync(store.dir.staging), [])
  const { mount } = await store.snapshots.view({ key: 'view', base: { $case: 'image', value: 'same' } })
  const [top, below] = mount?.lowerDirs ?? []
  assert.deepEqual(readdirSync(top ?? ''), ['top'])
  assert.equal(readdirSync(join(below ?? '', 'd')).length, files.length)
  for (const { path, content } of files) assert.equal(readFileSync(join(below ?? '', path), 'utf8'), content)
})
