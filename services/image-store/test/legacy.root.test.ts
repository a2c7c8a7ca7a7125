import assert from 'node:assert/strict'
import { test } from 'node:test'
import { gzipSync } from 'node:zlib'
import { needsRoot } from '@caisson/testkit'
import { ImageStoreFixture } from './image-store-fixture.ts'
import { type TarEntry, tar } from './tar-writer.ts'

const skip = needsRoot()
const [LOW, TOP] = ['a', 'b'].map((digit) => digit.repeat(64)) as [string, string]
const layer = (path: string): Buffer => tar([{ path, content: path }])

function layerEntries(id: string, blob: Uint8Array, json: object): TarEntry[] {
  return [
    { path: `${id}/`, type: 'dir' },
    { path: `${id}/VERSION`, content: '1.0' },
    {
      path: `${id}/json`,
      content: JSON.stringify({ id, created: '2015-01-02T03:04:05Z', os: 'linux', architecture: 'amd64', ...json }),
    },
    { path: `${id}/layer.tar`, content: blob },
  ]
}

/** As `docker save` wrote it before 1.10. */
function legacy(change: { low?: object; top?: object; repositories?: unknown; blob?: Uint8Array } = {}): Buffer {
  const config = { Cmd: ['/bin/tool'], Env: ['A=b'] }
  return tar([
    ...layerEntries(TOP, change.blob ?? layer('top'), {
      parent: LOW,
      config,
      container_config: { Cmd: ['/bin/sh', '-c', 'make top'] },
      ...change.top,
    }),
    ...layerEntries(LOW, layer('low'), {
      author: 'somebody',
      container_config: { Cmd: ['#(nop) ADD file'] },
      ...change.low,
    }),
    {
      path: 'repositories',
      content: JSON.stringify(change.repositories ?? { old: { 1: TOP }, 'old.example/base': { latest: LOW } }),
    },
  ])
}

test('loads what Docker saved before 1.10, and makes configs of it', { skip }, async () => {
  await using store = await ImageStoreFixture.open()
  const images = await store.load(legacy())
  assert.deepEqual(
    images.map(({ names }) => names),
    [['docker.io/library/old:1'], ['old.example/base:latest']],
  )
  const [image] = images
  assert.deepEqual([image?.layers.length, image?.config?.cmd, image?.config?.env], [2, ['/bin/tool'], ['A=b']])
  assert.deepEqual(
    image?.history.map(({ createdBy }) => createdBy),
    ['#(nop) ADD file', '/bin/sh -c make top'],
  )
  const [again] = await store.load(legacy({ blob: layer('top') }))
  assert.equal(again?.id, image?.id)
  const [packed] = await store.load(legacy({ blob: gzipSync(layer('top')) }))
  assert.equal(packed?.id, image?.id, 'a compressed layer is the same layer')
  const [saved] = await store.load(await store.save(['old:1']))
  assert.equal(saved?.id, image?.id)
})

test('refuses such archives when their layers are not what they should be', { skip }, async () => {
  const bad: Record<string, Buffer> = {
    'a layer on itself': legacy({ low: { parent: TOP } }),
    'a parent that is no id': legacy({ low: { parent: '../../etc' } }),
    'a parent that is a number': legacy({ low: { parent: 7 } }),
    'a parent that is not there': legacy({ low: { parent: 'c'.repeat(64) } }),
    'a name for no layer': legacy({ repositories: { old: { 1: '../x' } } }),
    'repositories that are a list': legacy({ repositories: [] }),
    'no image': legacy({ repositories: {} }),
    'a name that is none': legacy({ repositories: { 'Not A Name': { 1: TOP } } }),
    'a config that is none': legacy({ top: { config: { Env: ['PATH'] } } }),
  }
  await using store = await ImageStoreFixture.open()
  for (const [why, archive] of Object.entries(bad)) {
    await assert.rejects(store.load(archive), { code: 'invalid-argument' }, why)
    assert.deepEqual((await store.images.list({})).images, [], why)
    assert.deepEqual((await store.content.list({})).blobs, [], why)
  }
})
