import assert from 'node:assert/strict'
import { readdirSync } from 'node:fs'
import { test } from 'node:test'
import { gzipSync, zstdCompressSync } from 'node:zlib'
import { needsRoot } from '@caisson/testkit'
import { configOf, digest, dockerArchive, dockerArchiveEntries, LayoutWriter, named, sha256 } from './archives.ts'
import { ImageStoreFixture } from './image-store-fixture.ts'
import { paxHeader, type TarEntry, tar } from './tar-writer.ts'

const skip = needsRoot()
const LAYER = tar([
  { path: 'etc/', type: 'dir' },
  { path: 'etc/passwd', content: 'root:x:0:0::/:/bin/sh\n' },
])

/** Nothing of what was refused is there: no image, no blob, no layer, no folder. */
async function assertNothingLeft(store: ImageStoreFixture, why: string): Promise<void> {
  assert.deepEqual((await store.images.list({})).images, [], why)
  assert.deepEqual((await store.content.list({})).blobs, [], why)
  await store.store.settled()
  for (const dir of [store.dir.staging, store.dir.layers, store.dir.trash]) assert.deepEqual(readdirSync(dir), [], why)
}

async function assertLoadRefused(archives: Record<string, Uint8Array>, expected: object): Promise<void> {
  await using store = await ImageStoreFixture.open()
  for (const [why, archive] of Object.entries(archives)) {
    await assert.rejects(store.load(archive), expected, why)
    await assertNothingLeft(store, why)
  }
}

const entries = dockerArchiveEntries([{ layers: [{ blob: LAYER }], names: ['a'] }])
const replaced = (path: string, ...by: TarEntry[]): Buffer =>
  tar(entries.flatMap((entry) => (entry.path === path ? by : [entry])))
const config = entries.find(({ path }) => String(path).endsWith('.json'))
const manifestWith = (change: object): Buffer =>
  replaced('manifest.json', {
    path: 'manifest.json',
    content: JSON.stringify([
      { Config: config?.path, RepoTags: ['a'], Layers: [`${sha256(LAYER)}/layer.tar`], ...change },
    ]),
  })

test('IMG-23: refuses archives whose names lead out of them or are links', { skip }, async () => {
  await assertLoadRefused(
    {
      'a layer path that climbs': manifestWith({ Layers: ['../../etc/shadow'] }),
      'a config path that climbs': manifestWith({ Config: '../../../etc/passwd' }),
      'a manifest.json that is a link': replaced('manifest.json', {
        path: 'manifest.json',
        type: 'symlink',
        link: '/etc/passwd',
      }),
      'a config that is a link': replaced(String(config?.path), {
        path: String(config?.path),
        type: 'symlink',
        link: '/etc/passwd',
      }),
      'an entry that climbs': tar([{ path: '../x', content: 'x' }, ...entries]),
      'a hard link': tar([{ path: 'x', type: 'hardlink', link: '/etc/passwd' }, ...entries]),
      'a device': tar([{ path: 'x', type: 'char', major: 1, minor: 3 }, ...entries]),
      'a fifo': tar([{ path: 'manifest.json', type: 'fifo' }]),
      'the same name twice': tar([...entries, ...entries]),
      'fewer layers than diff ids': manifestWith({ Layers: [] }),
    },
    { code: 'invalid-argument', reason: 'UNSAFE_CONTENT' },
  )
})

test('refuses what is no archive of images', { skip }, async () => {
  await assertLoadRefused(
    {
      'a tar of something else': LAYER,
      'no archive at all': Buffer.alloc(4096, 'x'),
      'a list that is none': replaced('manifest.json', { path: 'manifest.json', content: '{}' }),
      'an empty list': replaced('manifest.json', { path: 'manifest.json', content: '[]' }),
      'gzip of nothing good': gzipSync(Buffer.alloc(2048, 'y')),
    },
    { code: 'invalid-argument', reason: 'INVALID_ARCHIVE' },
  )
  const xz = Buffer.concat([Buffer.of(0xfd, 0x37, 0x7a, 0x58, 0x5a, 0), Buffer.alloc(512)])
  const bzip2 = Buffer.concat([Buffer.from('BZh9'), Buffer.alloc(512)])
  await assertLoadRefused(
    {
      'an archive of xz': xz,
      'an archive of bzip2': bzip2,
      'a layer of xz': dockerArchive([{ layers: [{ blob: xz }] }]),
      'a layer of bzip2': dockerArchive([{ layers: [{ blob: bzip2 }] }]),
    },
    { code: 'unimplemented', reason: 'COMPRESSION_UNSUPPORTED' },
  )
  const json = (content: string) => replaced('manifest.json', { path: 'manifest.json', content })
  await assertLoadRefused(
    { 'broken JSON': json('[{'), 'no UTF-8': json('\u0000[') },
    { code: 'invalid-argument', reason: 'JSON_INVALID' },
  )
  await assertLoadRefused({ 'a name twice': json('[{"Config":"a","Config":"b"}]') }, { reason: 'JSON_DUPLICATE_NAME' })
  await assertLoadRefused({ depth: json('['.repeat(100_000)) }, { reason: 'JSON_TOO_DEEP' })
  assert.equal(Object.getPrototypeOf({}), Object.prototype)
})

test('tells documents that are too large as limits', { skip }, async () => {
  const huge = { path: 'manifest.json', content: Buffer.alloc(5 << 20, ' ') }
  await assertLoadRefused(
    { 'a huge manifest.json': replaced('manifest.json', huge) },
    { code: 'resource-exhausted', reason: 'ARCHIVE_TOO_LARGE' },
  )
  const layers = Array.from({ length: 501 }, () => ({ blob: LAYER }))
  await assertLoadRefused(
    { 'more than 500 layers': dockerArchive([{ layers: layers.slice(0, 1), config: tooManyDiffIds() }]) },
    { code: 'resource-exhausted' },
  )
  await using store = await ImageStoreFixture.open({ config: { maxArchiveBytes: 2048, maxArchiveEntries: 2 } })
  await assert.rejects(store.load(dockerArchive([{ layers: [{ blob: LAYER }] }])), { reason: 'ARCHIVE_TOO_LARGE' })
  await assertNothingLeft(store, 'limits')
})

const tooManyDiffIds = () => ({ rootfs: { type: 'layers', diff_ids: Array(501).fill(digest(LAYER)) } })

test('bounds what is in an archive beside its files', { skip }, async () => {
  await using store = await ImageStoreFixture.open({ config: { maxArchiveBytes: 1 << 20 } })
  const headers = Array.from({ length: 2_000 }, (_, at) => paxHeader([['comment', `${at}`]]))
  const bad = {
    'bytes behind the end': gzipSync(Buffer.concat([tar(entries), Buffer.alloc(2 << 20)])),
    'headers that never end': gzipSync(Buffer.concat([...headers, tar(entries)])),
  }
  for (const [why, archive] of Object.entries(bad)) {
    await assert.rejects(store.load(archive), { code: 'resource-exhausted', reason: 'ARCHIVE_TOO_LARGE' }, why)
    await assertNothingLeft(store, why)
  }
})

test('refuses layouts with links, with indexes in indexes, and names of the language', { skip }, async () => {
  const writer = new LayoutWriter()
  const image = writer.image({ layers: [{ blob: LAYER }] }, named('a:1'))
  const layout = writer.entries([image])
  const link = (name: string): Buffer =>
    tar(layout.map((entry) => (entry.path === name ? { path: name, type: 'symlink', link: '/etc/passwd' } : entry)))
  const blob = `blobs/sha256/${image.digest.slice(7)}`
  await assertLoadRefused(
    { 'a manifest': link(blob), 'a layer': link(`blobs/sha256/${sha256(LAYER)}`) },
    { code: 'invalid-argument', reason: 'UNSAFE_CONTENT' },
  )
  await assertLoadRefused({ 'an index.json': link('index.json') }, { code: 'invalid-argument' })
  const nested = new LayoutWriter()
  let deep = nested.image({ layers: [{ blob: LAYER }] })
  for (let depth = 0; depth < 6; depth++) deep = nested.index([deep], named('a:1'))
  await assertLoadRefused({ nested: nested.tar([deep]) }, { code: 'resource-exhausted' })
  const odd = `{"schemaVersion":2,"manifests":[],"__proto__":{"polluted":1},"constructor":{"prototype":{}}}`
  const polluted = tar(layout.map((entry) => (entry.path === 'index.json' ? { ...entry, content: odd } : entry)))
  await assertLoadRefused({ polluted }, { code: 'invalid-argument' })
  assert.equal(Reflect.get({}, 'polluted'), undefined)
})

test('loads images whose history does not fit their layers', { skip }, async () => {
  await using store = await ImageStoreFixture.open()
  for (const count of [0, 1, 5]) {
    const history = Array.from({ length: count }, (_, at) => ({ created_by: `step ${at}` }))
    const [image] = await store.load(
      dockerArchive([{ layers: [{ blob: LAYER }, { blob: LAYER }], config: { history } }]),
    )
    assert.deepEqual([image?.layers.length, image?.history.length], [2, count])
  }
})

test('refuses layouts whose content has not the digest that names it', { skip }, async () => {
  const layout = (change: (entry: TarEntry) => TarEntry): Buffer => {
    const writer = new LayoutWriter()
    return tar(writer.entries([writer.image({ layers: [{ blob: LAYER }] }, named('a:1'))]).map(change))
  }
  const flipped = (pattern: RegExp) => (entry: TarEntry) => {
    const content = Buffer.from(entry.content ?? '')
    if (!pattern.test(content.toString('latin1'))) return entry
    content[content.length - 1] = (content.at(-1) ?? 0) ^ 1
    return { ...entry, content }
  }
  await assertLoadRefused(
    {
      'a config': layout(flipped(/"rootfs"/)),
      'a manifest': layout(flipped(/"layers":\[/)),
      'a layer': layout(flipped(/root:x:0/)),
    },
    { code: 'data-loss', reason: 'DIGEST_MISMATCH' },
  )
  // A layer that is not what the config says, though it has the digest that the manifest says.
  await assertLoadRefused(
    { 'a diff id': dockerArchive([{ layers: [{ blob: LAYER, tar: Buffer.from('something else') }] }]) },
    { code: 'data-loss', reason: 'DIGEST_MISMATCH' },
  )
})

test('refuses documents that could be read in two ways, schema 1, and what no container can run', {
  skip,
}, async () => {
  const one = (manifest: object, mediaType = 'application/vnd.oci.image.manifest.v1+json'): Buffer => {
    const writer = new LayoutWriter()
    const config = writer.blob('application/vnd.oci.image.config.v1+json', configOf({ layers: [] }))
    return writer.tar([
      writer.blob(
        mediaType,
        JSON.stringify({ schemaVersion: 2, mediaType, config, layers: [], ...manifest }),
        named('a:1'),
      ),
    ])
  }
  await assertLoadRefused(
    {
      'manifests beside layers': one({ manifests: [] }),
      'another type than its descriptor': one({ mediaType: 'application/vnd.docker.distribution.manifest.v2+json' }),
    },
    { code: 'invalid-argument', reason: 'MANIFEST_INVALID' },
  )
  await assertLoadRefused({ 'schema 1': one({ schemaVersion: 1 }) }, { reason: 'MANIFEST_UNSUPPORTED' })
  const artifact = new LayoutWriter()
  const layer = { blob: LAYER, mediaType: 'application/vnd.example.policy+json' }
  await assertLoadRefused(
    { artifact: artifact.tar([artifact.image({ layers: [layer] }, named('a:1'))]) },
    { reason: 'NOT_AN_IMAGE' },
  )
})

test('refuses configs that make no sense', { skip }, async () => {
  const withConfig = (config: object): Buffer => dockerArchive([{ layers: [{ blob: LAYER }], config: { config } }])
  await assertLoadRefused(
    {
      'a variable without =': withConfig({ Env: ['PATH'] }),
      'a NUL in a variable': withConfig({ Env: ['A=\0'] }),
      'a relative directory': withConfig({ WorkingDir: 'srv' }),
      'no signal': withConfig({ StopSignal: 'SIGNONSENSE' }),
      'a volume on the root': withConfig({ Volumes: { '/': {} } }),
      'an empty volume': withConfig({ Volumes: { '': {} } }),
      'a volume that climbs to the root': withConfig({ Volumes: { '/../..': {} } }),
      'no health check': withConfig({ Healthcheck: { Test: ['MAYBE'] } }),
    },
    { code: 'invalid-argument', reason: 'IMAGE_CONFIG_INVALID' },
  )
  const many = withConfig({ Cmd: Array(1_000_000).fill('') })
  await assertLoadRefused({ 'a million words': many }, { code: 'resource-exhausted' })
})

test('takes digests in one spelling only', { skip }, async () => {
  await using store = await ImageStoreFixture.open()
  const hex = 'a'.repeat(64)
  for (const text of [
    'sha256:../../etc/passwd',
    `sha256:${hex.toUpperCase()}`,
    'sha256:abc',
    `md5:${hex}`,
    `sha256:${hex}é`,
    '',
  ]) {
    await assert.rejects(store.content.stat({ digest: text }), { code: 'invalid-argument', reason: 'DIGEST_INVALID' })
    const read = async () => {
      for await (const _ of store.content.read({ digest: text })) assert.fail()
    }
    await assert.rejects(read(), { reason: 'DIGEST_INVALID' })
  }
})

test('IMG-12: refuses a layer that is cut off anywhere, and registers nothing', { skip }, async () => {
  await using store = await ImageStoreFixture.open()
  const forms = { plain: LAYER, gzip: gzipSync(LAYER), zstd: zstdCompressSync(LAYER) }
  for (const [form, bytes] of Object.entries(forms)) {
    const step = form === 'plain' ? 512 : 16
    // A plain tar ends with its marker: two empty blocks, of which one is enough.
    const end = form === 'plain' ? bytes.length - 1024 : bytes.length - 1
    for (let length = 0; length <= end; length += step)
      await assert.rejects(store.import(bytes.subarray(0, length), { reference: 'cut' }), `${form} ${length}`)
  }
  await assertNothingLeft(store, 'cut')
})

test('refuses an archive that is cut off anywhere', { skip }, async () => {
  await using store = await ImageStoreFixture.open()
  const archive = dockerArchive([{ layers: [{ blob: LAYER }], names: ['cut'] }])
  for (let length = 0; length < archive.length - 1024; length += 512)
    await assert.rejects(
      store.load(archive.subarray(0, length)),
      { code: 'data-loss', reason: 'TRUNCATED' },
      `${length}`,
    )
  await assertNothingLeft(store, 'cut')
})

test('refuses layers that are larger than an image may be', { skip }, async () => {
  await using store = await ImageStoreFixture.open({ config: { maxUnpackedBytes: 100_000, maxUnpackedEntries: 5 } })
  const big = tar([{ path: 'zeros', content: Buffer.alloc(200_000) }])
  await assert.rejects(store.import(gzipSync(big)), { code: 'resource-exhausted', reason: 'LAYER_TOO_LARGE' })
  const many = tar(Array.from({ length: 10 }, (_, at) => ({ path: `f${at}`, content: '' })))
  await assert.rejects(store.import(many), { code: 'resource-exhausted' })
  // The limit is that of the image, not of each layer.
  const half = (path: string) => ({ blob: tar([{ path, content: Buffer.alloc(60_000) }]) })
  await assert.rejects(store.load(dockerArchive([{ layers: [half('a'), half('b')] }])), { code: 'resource-exhausted' })
  await assertNothingLeft(store, 'limits')
})

test('refuses layers that would write outside their tree', { skip }, async () => {
  await using store = await ImageStoreFixture.open()
  const climbing = tar([{ path: '../../escape', content: 'x' }])
  await assert.rejects(store.import(climbing), { code: 'invalid-argument', reason: 'UNSAFE_CONTENT' })
  await assert.rejects(store.load(dockerArchive([{ layers: [{ blob: climbing }] }])), { reason: 'UNSAFE_CONTENT' })
  await assertNothingLeft(store, 'climbing')
})
