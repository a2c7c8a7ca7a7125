import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmdirSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { gzipSync } from 'node:zlib'
import type { Digest } from '@caisson/oci'
import { needsRoot } from '@caisson/testkit'
import { digest, forPlatform } from './archives.ts'
import { breakAfter, FakeRegistry, holdAfter, noise, OCI_MANIFEST } from './fake-registry.ts'
import { ImageStoreFixture } from './image-store-fixture.ts'
import { tar } from './tar-writer.ts'

const skip = needsRoot()
const GZIP = 'application/vnd.oci.image.layer.v1.tar+gzip'
const BASE = tar([{ path: 'etc/conf', content: 'base' }])
const TOP = tar([{ path: 'etc/conf', content: 'top' }])
const BIG = tar([{ path: 'big', content: noise('big', 2 << 20) }])
const REPO = 'r.test/app'
const NAME = `${REPO}:1`
const CONFIG = { transferBackoffMs: 1 }

const layerOf = (content: string) => ({ blob: tar([{ path: content, content }]) })
const partialFiles = (store: ImageStoreFixture): string[] => readdirSync(store.dir.partial)

async function until(check: () => boolean): Promise<void> {
  for (const deadline = Date.now() + 20_000; !check(); ) {
    assert.ok(Date.now() < deadline, 'it did not happen within twenty seconds')
    await new Promise((resolve) => setTimeout(resolve, 5))
  }
}

/** A store and a registry with one image of three layers, the second of them large. */
async function open(config: object = {}) {
  const registries = new FakeRegistry()
  const image = { layers: [{ blob: BASE }, { blob: BIG }, { blob: gzipSync(TOP), tar: TOP, mediaType: GZIP }] }
  const manifest = registries.addImage(REPO, '1', image)
  const store = await ImageStoreFixture.open({ registries, config: { ...CONFIG, ...config } })
  return { registries, store, manifest }
}

/** Nothing is registered, and no content is left but what a later attempt may go on with. */
async function assertClean(store: ImageStoreFixture): Promise<void> {
  // A layer that was being published when its pull ended is there, and nobody's.
  await until(() => readdirSync(store.dir.staging).length === 0)
  await store.maintenance.collectGarbage({})
  await store.store.settled()
  assert.deepEqual((await store.images.list({})).images, [])
  assert.deepEqual((await store.content.list({})).blobs, [])
  for (const folder of [store.dir.layers, store.dir.staging]) assert.deepEqual(readdirSync(folder), [])
}

test('pulls an image by a tag, unpacks it and keeps its documents and blobs as they are', { skip }, async () => {
  const { registries, store: opened, manifest } = await open()
  await using store = opened
  const [image] = await store.pull(NAME)
  assert.deepEqual(image?.names, [NAME])
  assert.equal(image?.digest, manifest.digest)
  assert.deepEqual(image?.repoDigests, [`${REPO}@${manifest.digest}`])
  const { mount } = await store.snapshots.prepare({ key: 'c', base: { $case: 'image', value: NAME } })
  const contents = mount?.lowerDirs.map((dir) => join(dir, 'etc/conf')).filter(existsSync)
  assert.deepEqual(
    contents?.map((path) => readFileSync(path, 'utf8')),
    ['top', 'base'],
  )
  const { blobs } = await store.content.list({})
  const repository = registries.content(REPO)
  assert.deepEqual(
    blobs.map((blob) => blob.digest),
    [...repository.blobs.keys(), ...repository.manifests.keys()].sort(),
  )
  for (const damage of await Array.fromAsync(store.maintenance.verify({})))
    assert.notEqual(damage.item?.$case, 'damage')
  assert.deepEqual(partialFiles(store), [])
  await store.store.settled()
  assert.deepEqual(readdirSync(store.dir.staging), [])
  const [pulled] = store.events.read(undefined, 100).events
  assert.equal(pulled?.type, 'image.pulled')
  assert.deepEqual(pulled?.body?.value, { reference: NAME, digest: manifest.digest })
})

test('tells of every layer how far it is, whatever the client has missed', { skip }, async () => {
  const { store: opened } = await open()
  await using store = opened
  const last = new Map<string, string>()
  const seen = new Set<string>()
  for await (const { item } of store.images.pull({ reference: NAME }))
    if (item?.$case === 'progress') {
      last.set(item.value.subject, `${item.value.action} ${item.value.done} ${item.value.total}`)
      seen.add(item.value.action)
    }
  const sizes = [BASE, BIG, gzipSync(TOP)].map((blob) => [digest(blob), `done ${blob.length} ${blob.length}`])
  assert.deepEqual(Object.fromEntries(last), Object.fromEntries(sizes))
  assert.ok(seen.has('downloading') || seen.has('downloaded'), [...seen].join())
  const again = new Set<string>()
  for await (const { item } of store.images.pull({ reference: NAME }))
    if (item?.$case === 'progress') again.add(item.value.action)
  assert.deepEqual([...again], ['exists'])
})

test('asks for one digest only when it has the image, and fetches no blob that it has', { skip }, async () => {
  const { registries, store: opened, manifest } = await open()
  await using store = opened
  await store.pull(NAME)
  registries.requests.length = 0
  await store.pull(NAME)
  assert.deepEqual(registries.requests, ['HEAD manifest 1'])
  registries.content(REPO).tags.set('same', manifest.digest)
  registries.requests.length = 0
  const [same] = await store.pull(`${REPO}:same`)
  assert.deepEqual(registries.requests, ['GET manifest same'])
  assert.deepEqual(same?.names, [NAME, `${REPO}:same`])
  registries.addImage(REPO, '2', { layers: [{ blob: BASE }, { blob: BIG }, layerOf('new')] })
  registries.requests.length = 0
  await store.pull(`${REPO}:2`)
  assert.equal(registries.requests.filter((request) => request.startsWith('GET blob')).length, 2)
})

test('moves a name when its tag has moved, and leaves the earlier image without one', { skip }, async () => {
  const { registries, store: opened, manifest } = await open()
  await using store = opened
  await store.pull(NAME)
  const moved = registries.addImage(REPO, '1', { layers: [layerOf('moved')] })
  const [image] = await store.pull(NAME)
  assert.equal(image?.digest, moved.digest)
  const earlier = await store.images.get({ image: manifest.digest })
  assert.deepEqual(earlier.names, [])
  assert.deepEqual(earlier.repoDigests, [`${REPO}@${manifest.digest}`])
})

test('gives an image that is pulled by a digest no name, and finds it by the digest', { skip }, async () => {
  const { store: opened, manifest } = await open()
  await using store = opened
  for (const reference of [`${REPO}@${manifest.digest}`, `${REPO}:old@${manifest.digest}`]) {
    const [image] = await store.pull(reference)
    assert.deepEqual(image?.names, [])
    assert.deepEqual(image?.repoDigests, [`${REPO}@${manifest.digest}`])
  }
  assert.equal((await store.images.get({ image: `${REPO}@${manifest.digest}` })).digest, manifest.digest)
  const { images } = await store.images.list({ filter: { names: [REPO] } })
  assert.deepEqual(images[0]?.repoDigests, [`${REPO}@${manifest.digest}`])
  const [event] = store.events.read(undefined, 10).events
  assert.equal(event?.body?.$case === 'image' && event.body.value.reference, `${REPO}@${manifest.digest}`)
})

test('goes through nested indexes to the platform, and passes attestations over', { skip }, async () => {
  const { registries, store: opened } = await open({ maxIndexDepth: 2 })
  await using store = opened
  const amd = { ...registries.addImage(REPO, '', { layers: [layerOf('amd')] }), ...forPlatform('amd64') }
  const arm = {
    ...registries.addImage(REPO, '', { layers: [layerOf('arm')], architecture: 'arm64' }),
    ...forPlatform('arm64'),
  }
  const attestation = {
    ...registries.addImage(REPO, '', { layers: [layerOf('attestation')] }),
    platform: { os: 'unknown', architecture: 'unknown' },
  }
  const inner = registries.addIndex(REPO, '', [attestation, amd, arm])
  const outer = registries.addIndex(REPO, 'multi', [inner])
  const arm64 = { os: 'linux', architecture: 'arm64', variant: '' }
  const [image] = await store.pull(`${REPO}:multi`, { platform: arm64 })
  assert.equal(image?.platform?.architecture, 'arm64')
  assert.equal(image?.digest, outer.digest)
  const [other] = await store.pull(`${REPO}:multi`, { platform: { ...arm64, architecture: 'amd64' } })
  assert.notEqual(other?.id, image?.id)
  assert.equal((await store.images.get({ image: `${REPO}:multi`, platform: arm64 })).id, image?.id)
  await assert.rejects(store.pull(`${REPO}:multi`, { platform: { ...arm64, architecture: 's390x' } }), {
    code: 'not-found',
    reason: 'PLATFORM_NOT_FOUND',
  })
  registries.addIndex(REPO, 'deep', [registries.addIndex(REPO, '', [registries.addIndex(REPO, '', [amd])])])
  await assert.rejects(store.pull(`${REPO}:deep`), { code: 'resource-exhausted', reason: 'INDEX_TOO_DEEP' })
  await assert.rejects(store.pull(NAME, { platform: arm64 }), { code: 'not-found', reason: 'PLATFORM_NOT_FOUND' })
})

test('pulls every tag that is an image, and says which are none', { skip }, async () => {
  const { registries, store: opened } = await open()
  await using store = opened
  registries.addImage(REPO, '2', { layers: [{ blob: BASE }] })
  registries.addManifest(REPO, 'signature', OCI_MANIFEST, {
    schemaVersion: 2,
    mediaType: OCI_MANIFEST,
    config: { mediaType: 'application/vnd.other', ...registries.addBlob(REPO, Buffer.from('{}')) },
    layers: [],
  })
  const images = await store.pull(REPO, { allTags: true })
  assert.deepEqual(
    images.map(({ names }) => names),
    [[NAME], [`${REPO}:2`]],
  )
  await assert.rejects(store.pull(NAME, { allTags: true }), { reason: 'REFERENCE_INVALID' })
  await assert.rejects(store.pull('r.test/none', { allTags: true }), { reason: 'IMAGE_NOT_FOUND' })
})

test('goes on where a connection broke, as long as there is progress', { skip }, async () => {
  const { registries, store: opened } = await open({ transferAttempts: 2 })
  await using store = opened
  registries.spoil = (blob) => (blob === digest(BIG) ? breakAfter(300_000) : undefined)
  await store.pull(NAME)
  const offsets = registries.requests.filter((request) => request.includes(digest(BIG)))
  assert.equal(offsets.length, Math.ceil(BIG.length / 300_000))
  assert.ok(offsets.includes(`GET blob ${digest(BIG)} 300000`))
})

test('begins anew where a registry knows no ranges', { skip }, async () => {
  const { registries, store: opened } = await open()
  await using store = opened
  registries.ignoresRanges = true
  let breaks = 1
  registries.spoil = (blob) => (blob === digest(BIG) && breaks-- > 0 ? breakAfter(300_000) : undefined)
  const [image] = await store.pull(NAME)
  assert.equal(image?.layers.length, 3)
})

test('gives up when attempts bring nothing, and keeps what it has for the next pull', { skip }, async () => {
  const { registries, store: opened } = await open({ transferAttempts: 3 })
  await using store = opened
  let connections = 0
  registries.spoil = (blob) => (blob === digest(BIG) ? breakAfter(connections++ === 0 ? 300_000 : 0) : undefined)
  await assert.rejects(store.pull(NAME), { code: 'unavailable', reason: 'CONNECTION_LOST' })
  assert.equal(connections, 4)
  await assertClean(store)
  assert.equal(statSync(join(store.dir.partial, digest(BIG).replace(':', '-'))).size, 300_000)
  registries.spoil = () => undefined
  registries.requests.length = 0
  await store.pull(NAME)
  assert.ok(registries.requests.includes(`GET blob ${digest(BIG)} 300000`))
  assert.deepEqual(partialFiles(store), [])
})

test('takes a registry that sends nothing any more for broken', { skip }, async () => {
  const { registries, store: opened } = await open({ transferAttempts: 1, transferIdleMs: 200 })
  await using store = opened
  registries.spoil = (blob) => (blob === digest(BIG) ? holdAfter(0, new Promise(() => {})) : undefined)
  await assert.rejects(store.pull(NAME), { code: 'unavailable', reason: 'REGISTRY_SILENT' })
  await assertClean(store)
})

test('stops when the client goes away, and the next pull goes on behind what is there', { skip }, async () => {
  const { registries, store: opened } = await open()
  await using store = opened
  registries.spoil = (blob) => (blob === digest(BIG) ? holdAfter(1 << 20, new Promise(() => {})) : undefined)
  const client = new AbortController()
  const pulling = assert.rejects(store.pull(NAME, {}, client.signal))
  const partial = join(store.dir.partial, digest(BIG).replace(':', '-'))
  await until(() => existsSync(partial) && statSync(partial).size === 1 << 20)
  client.abort()
  await pulling
  await until(() => registries.open === 0)
  await assertClean(store)
  registries.spoil = () => undefined
  registries.served = 0
  registries.requests.length = 0
  await store.pull(NAME)
  const layers = registries.requests.filter((request) => request.startsWith('GET blob'))
  assert.ok(layers.includes(`GET blob ${digest(BIG)} ${1 << 20}`), layers.join('\n'))
  assert.ok(registries.served < BIG.length - (1 << 20) + 10_000)
})

test('goes on after a restart, and throws away what it is not to keep', { skip }, async () => {
  const { registries, store: first } = await open({ transferAttempts: 1 })
  await using _root = first
  let bytes = 1 << 20
  registries.spoil = (blob) => {
    if (blob !== digest(BIG)) return undefined
    const spoil = breakAfter(bytes)
    bytes = 0
    return spoil
  }
  await assert.rejects(first.pull(NAME), { code: 'unavailable' })
  await first.close()
  const root = first.root
  registries.spoil = () => undefined
  registries.requests.length = 0
  {
    await using store = await ImageStoreFixture.open({ root, registries, config: CONFIG })
    assert.ok(partialFiles(store).length > 0)
    await store.pull(NAME)
    assert.ok(!registries.requests.includes(`GET blob ${digest(BIG)} 0`))
    writeFileSync(join(store.dir.partial, `sha256-${'a'.repeat(64)}`), 'old')
    writeFileSync(join(store.dir.partial, `sha256-${'b'.repeat(64)}`), 'more than fits')
  }
  await using store = await ImageStoreFixture.open({ root, registries, config: { ...CONFIG, maxPartialBytes: 5 } })
  assert.deepEqual(partialFiles(store), [`sha256-${'a'.repeat(64)}`])
})

test('fetches a download anew whose bytes did not survive', { skip }, async () => {
  const { store: opened } = await open()
  await using store = opened
  writeFileSync(join(store.dir.partial, digest(BIG).replace(':', '-')), Buffer.alloc(1 << 20))
  writeFileSync(join(store.dir.partial, digest(BASE).replace(':', '-')), Buffer.alloc(BASE.length + 1))
  const [image] = await store.pull(NAME)
  assert.equal(image?.layers.length, 3)
})

test('downloads some layers at once and no more, and unpacks while others arrive', { skip }, async () => {
  const registries = new FakeRegistry()
  const layers = Array.from({ length: 9 }, (_, at) => layerOf(`l${at}`))
  registries.addImage(REPO, '1', { layers })
  let letGo = (): void => {}
  const gate = new Promise<void>((resolve) => {
    letGo = resolve
  })
  registries.spoil = (blob) => (blob === digest(layers[0]?.blob ?? '') ? undefined : holdAfter(0, gate))
  // The config is held up as well otherwise.
  const config = [...registries.content(REPO).blobs.keys()].find((blob) => !layers.some((l) => digest(l.blob) === blob))
  const spoil = registries.spoil
  registries.spoil = (blob) => (blob === config ? undefined : spoil(blob))
  await using store = await ImageStoreFixture.open({ registries, config: { ...CONFIG, maxTransfersPerCall: 4 } })
  const pulling = store.pull(NAME)
  await until(() => readdirSync(store.dir.layers).length === 1)
  assert.equal(registries.open, 4)
  letGo()
  await pulling
  assert.equal(registries.most, 4)
  assert.equal(readdirSync(store.dir.layers).length, 9)
})

test('shares one download between pulls, and one that is cancelled disturbs no other', { skip }, async () => {
  const { registries, store: opened } = await open()
  await using store = opened
  let letGo = (): void => {}
  const gate = new Promise<void>((resolve) => {
    letGo = resolve
  })
  registries.spoil = (blob) => (blob === digest(BIG) ? holdAfter(0, gate) : undefined)
  const clients = Array.from({ length: 60 }, () => new AbortController())
  const pulls = clients.map(({ signal }) => store.pull(NAME, {}, signal))
  const settled = Promise.allSettled(pulls)
  await until(() => registries.open === 1 && readdirSync(store.dir.layers).length === 1)
  for (let at = 0; at < 60; at += 3) clients[at]?.abort()
  await assert.rejects(pulls[0] ?? Promise.resolve())
  letGo()
  const results = (await settled).map(({ status }) => status)
  assert.equal(results.filter((status) => status === 'fulfilled').length, 40)
  for (const blob of [BASE, BIG])
    assert.equal(registries.requests.filter((request) => request === `GET blob ${digest(blob)} 0`).length, 1)
  assert.deepEqual(partialFiles(store), [])
  await store.store.settled()
  assert.deepEqual(readdirSync(store.dir.staging), [])
})

test('believes a registry nothing: wrong digests and sizes register nothing and leave nothing', { skip }, async () => {
  const mismatch = { code: 'data-loss', reason: 'DIGEST_MISMATCH' }
  const change = async (spoil: (registries: FakeRegistry) => void): Promise<void> => {
    const { registries, store: opened } = await open({ transferAttempts: 2 })
    await using store = opened
    spoil(registries)
    await assert.rejects(store.pull(NAME), mismatch)
    await assertClean(store)
    assert.ok(!partialFiles(store).includes(digest(BIG).replace(':', '-')))
  }
  const blobOf = (bytes: Uint8Array): Digest => digest(bytes) as Digest
  await change((registries) => registries.content(REPO).blobs.set(blobOf(BIG), Buffer.alloc(BIG.length, 1)))
  await change((registries) => registries.content(REPO).blobs.set(blobOf(BIG), BIG.subarray(0, -1)))
  await change((registries) => registries.content(REPO).blobs.set(blobOf(BIG), Buffer.concat([BIG, BASE])))
  await change((registries) => {
    const { manifests, tags } = registries.content(REPO)
    const tag = tags.get('1') ?? blobOf(BASE)
    const manifest = manifests.get(tag)
    if (manifest) manifests.set(tag, { ...manifest, bytes: Buffer.from(`${manifest.bytes} `) })
  })
})

test('refuses what is no image, what is cut off within, and what no registry holds', { skip }, async () => {
  const { registries, store: opened } = await open()
  await using store = opened
  const cut = gzipSync(BIG).subarray(0, -1000)
  registries.addImage(REPO, 'cut', { layers: [{ blob: cut, tar: BIG, mediaType: GZIP }] })
  await assert.rejects(store.pull(`${REPO}:cut`), { code: 'data-loss', reason: 'TRUNCATED' })
  registries.addImage(REPO, 'text', { layers: [{ blob: Buffer.from('no tar') }] })
  await assert.rejects(store.pull(`${REPO}:text`), { code: /data-loss|invalid-argument/ })
  registries.addImage(REPO, 'other', { layers: [{ blob: BASE }, { blob: TOP, tar: BASE }] })
  await assert.rejects(store.pull(`${REPO}:other`), { reason: 'DIGEST_MISMATCH' })
  const foreign = 'application/vnd.docker.image.rootfs.foreign.diff.tar.gzip'
  registries.addImage(REPO, 'foreign', { layers: [{ blob: gzipSync(TOP), tar: TOP, mediaType: foreign }] })
  registries.content(REPO).blobs.delete(digest(gzipSync(TOP)) as Digest)
  // IMG-19: its URLs are nothing to go by.
  await assert.rejects(store.pull(`${REPO}:foreign`), { code: 'failed-precondition', reason: 'POLICY' })
  await assert.rejects(store.pull(`${REPO}:none`), { code: 'not-found' })
  await assert.rejects(store.pull('r.test/UPPER'), { reason: 'REFERENCE_INVALID' })
  await assertClean(store)
  assert.deepEqual(partialFiles(store), [])
})

test('tells of a full disk as such, and frees what it has fetched', { skip }, async () => {
  const root = mkdtempSync(join(tmpdir(), 'csn-images-'))
  execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=4m', 'tmpfs', root])
  try {
    const registries = new FakeRegistry()
    registries.addImage(REPO, 'blob', { layers: [{ blob: tar([{ path: 'big', content: noise('huge', 6 << 20) }]) }] })
    const zeros = tar([{ path: 'zeros', content: Buffer.alloc(6 << 20, 'z') }])
    registries.addImage(REPO, 'files', { layers: [{ blob: gzipSync(zeros), tar: zeros, mediaType: GZIP }] })
    registries.addImage(REPO, 'small', { layers: [{ blob: BASE }] })
    await using store = await ImageStoreFixture.open({ root, registries, config: CONFIG })
    for (const tag of ['blob', 'files'])
      await assert.rejects(store.pull(`${REPO}:${tag}`), { code: 'resource-exhausted', reason: 'NO_SPACE' }, tag)
    await assertClean(store)
    assert.deepEqual(partialFiles(store), [])
    await store.pull(`${REPO}:small`)
  } finally {
    execFileSync('umount', ['-l', root])
    rmdirSync(root)
  }
})

test('says that a registry does not let it in or does not answer, and takes the credentials of a call', {
  skip,
}, async () => {
  const { registries, store: opened } = await open({ transferAttempts: 1 })
  await using store = opened
  registries.isAway = true
  await assert.rejects(store.pull(NAME), { code: 'unavailable', reason: 'REGISTRY_UNREACHABLE' })
  registries.isAway = false
  registries.password = 'a secret word'
  await assert.rejects(store.pull(NAME), { code: 'unauthenticated' })
  await store.pull(NAME, { auth: { username: 'u', password: 'a secret word' } })
  await store.close()
  for (const file of readdirSync(join(store.dir.database, '..')).filter((name) => name.startsWith('image-store.db')))
    assert.ok(!readFileSync(join(store.dir.database, '..', file)).includes('a secret word'))
})
