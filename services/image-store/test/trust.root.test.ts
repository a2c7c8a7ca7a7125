import assert from 'node:assert/strict'
import { execFileSync, spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { TrustState } from '@caisson/api/trust'
import type { Digest } from '@caisson/oci'
import { needsRoot } from '@caisson/testkit'
import { dockerArchive, LayoutWriter, named } from './archives.ts'
import { FakeRepository, type Signer, signedLayer, signer } from './cosign.ts'
import { ImageStoreFixture } from './image-store-fixture.ts'
import { tar } from './tar-writer.ts'

const skip = needsRoot()
const LAYER = tar([{ path: 'etc/conf', content: 'a file' }])
const NAME = 'registry.example.com/team/app:1'
const TRUSTED = signer()
const signal = new AbortController().signal
const SIGNED_BY = (by: Signer = TRUSTED) => ({ type: 'signedBy', keys: [{ pem: by.pem }] })
const REFUSED = { code: 'permission-denied', reason: 'SIGNATURE_REQUIRED' }

async function openStore(t: TestContext, document: object, root?: string) {
  const dir = mkdtempSync(join(tmpdir(), 'csn-policy-'))
  t.after(() => rmSync(dir, { recursive: true }))
  const file = join(dir, 'trust.json')
  const setPolicy = (json: object | string) =>
    writeFileSync(file, typeof json === 'string' ? json : JSON.stringify(json))
  setPolicy(document)
  const store = await ImageStoreFixture.open({ trust: { file, isRequired: true }, ...(root !== undefined && { root }) })
  return { store, setPolicy }
}

let keys = 0
const run = (store: ImageStoreFixture, image: string) =>
  store.snapshots.prepare({ key: `c${keys++}`, base: { $case: 'image', value: image } })

const layoutOf = (name: string): Buffer => {
  const layout = new LayoutWriter()
  return layout.tar([layout.image({ layers: [{ blob: LAYER }] }, named(name))])
}

/** What a pull does before it registers: asks the policy with the documents at hand. */
async function pulledSignature(store: ImageStoreFixture, by: Signer, name = NAME): Promise<void> {
  const { manifest } = await store.images.get({ image: name })
  const digest = manifest?.digest as Digest
  const parts: Buffer[] = []
  for await (const chunk of store.store.contents.read(digest, 0, 0, signal)) parts.push(chunk)
  const repository = new FakeRepository()
  repository.tag(digest, [signedLayer(by, digest, name.slice(0, name.lastIndexOf(':')))])
  const chain = [{ digest, bytes: Buffer.concat(parts) }]
  await store.store.trust.check({ reference: name, chain, fetch: repository, signal })
}

test('no way in leads around the policy (SUP-13)', { skip }, async (t) => {
  const { store } = await openStore(t, { default: SIGNED_BY() })
  await using _ = store
  const [oci] = await store.load(layoutOf(NAME))
  const [docker] = await store.load(dockerArchive([{ layers: [{ blob: LAYER }], names: ['from-docker:1'] }]))
  await store.import(LAYER, { reference: 'imported:1' })
  const nameless = await store.import(tar([{ path: 'x', content: 'other' }]))
  await store.images.tag({ image: NAME, reference: 'copy:1' })
  const ways = [
    NAME,
    'from-docker:1',
    'imported:1',
    'copy:1',
    nameless.id,
    oci?.id,
    oci?.digest,
    docker?.id.slice(7, 20),
  ]
  for (const way of [...ways, `registry.example.com/team/app@${oci?.digest}`]) {
    await assert.rejects(run(store, way ?? ''), REFUSED, way)
    const view = store.snapshots.view({ key: `v${keys++}`, base: { $case: 'image', value: way ?? '' } })
    await assert.rejects(view, REFUSED, way)
  }
  assert.deepEqual((await store.snapshots.list({})).snapshots, [])
  assert.ok(store.eventTypes().includes('image.rejected'))
})

test('an image with a right signature runs, offline and after a restart', { skip }, async (t) => {
  const root = mkdtempSync(join(tmpdir(), 'csn-images-'))
  t.after(() => rmSync(root, { recursive: true }))
  {
    const { store } = await openStore(t, { default: SIGNED_BY() }, root)
    await using _ = store
    const [image] = await store.load(layoutOf(NAME))
    await assert.rejects(run(store, NAME), REFUSED)
    await pulledSignature(store, TRUSTED)
    await run(store, NAME)
    await run(store, image?.id ?? '')
    assert.ok(store.eventTypes().includes('image.verified'))
    const { trust } = await store.images.get({ image: NAME })
    assert.equal(trust?.state, TrustState.VERIFIED)
    assert.match(trust?.keys[0] ?? '', /^sha256:/)
    assert.ok(trust?.verifiedAt)
  }
  const { store, setPolicy } = await openStore(t, { default: SIGNED_BY() }, root)
  await using _ = store
  await run(store, NAME)
  setPolicy({ default: SIGNED_BY(signer()) })
  await assert.rejects(run(store, NAME), REFUSED)
  setPolicy('{')
  await assert.rejects(run(store, NAME), { code: 'failed-precondition', reason: 'POLICY_UNREADABLE' })
  assert.equal((await store.images.get({ image: NAME })).trust?.state, TrustState.REJECTED)
  setPolicy({ default: SIGNED_BY() })
  await run(store, NAME)
})

test('each name is judged by its own rule, an id by all of them', { skip }, async (t) => {
  const scope = 'registry.example.com/team'
  const { store, setPolicy } = await openStore(t, { rules: [{ scope, ...SIGNED_BY() }] })
  await using _ = store
  const [image] = await store.load(layoutOf(NAME))
  const id = image?.id ?? ''
  await pulledSignature(store, TRUSTED)
  await store.images.tag({ image: NAME, reference: 'free:1' })
  for (const query of [NAME, 'free:1', id]) await run(store, query)

  // The signature is for team/app: under another name of the scope it says nothing.
  await store.images.tag({ image: NAME, reference: 'registry.example.com/team/other:1' })
  await assert.rejects(run(store, 'registry.example.com/team/other:1'), REFUSED)
  await assert.rejects(run(store, id), REFUSED)
  await run(store, NAME)
  const { names } = await store.trust.check({ image: id })
  assert.deepEqual(
    names.map(({ name, state, rule }) => [name, state, rule]),
    [
      ['docker.io/library/free:1', TrustState.ACCEPTED_UNSIGNED, 'default'],
      [NAME, TrustState.VERIFIED, scope],
      ['registry.example.com/team/other:1', TrustState.REJECTED, scope],
    ],
  )
  await store.images.remove({ image: 'registry.example.com/team/other:1' })
  await run(store, id)

  setPolicy({ rules: [{ scope: 'registry.example.com', type: 'reject' }] })
  await run(store, 'free:1')
  await assert.rejects(run(store, `registry.example.com/team/app@${image?.digest}`), { reason: 'IMAGE_REJECTED' })
  await assert.rejects(run(store, `registry.example.com/unknown@${image?.digest}`), { reason: 'IMAGE_REJECTED' })
})

test('the default policy accepts unsigned images and says so', { skip }, async () => {
  await using store = await ImageStoreFixture.open()
  await store.import(LAYER, { reference: 'mine' })
  await run(store, 'mine')
  const [image] = (await store.images.list({})).images
  assert.equal(image?.trust?.state, TrustState.ACCEPTED_UNSIGNED)
  assert.equal(image?.trust?.rule, 'default')
})

test('checks a policy before it is used', { skip }, async (t) => {
  const { store } = await openStore(t, { default: { type: 'reject' } })
  await using _ = store
  const document = Buffer.from(JSON.stringify({ default: SIGNED_BY() }))
  const { rules } = await store.trust.validatePolicy({ document })
  assert.deepEqual(
    rules.map(({ scope, type, threshold }) => [scope, type, threshold]),
    [['default', 'signedBy', 1]],
  )
  assert.equal((await store.trust.getPolicy({})).rules[0]?.type, 'reject')
  const broken = store.trust.validatePolicy({ document: Buffer.from('{"rule":[]}') })
  await assert.rejects(broken, { code: 'invalid-argument', reason: 'POLICY_INVALID', message: /rule/ })
})

test('signatures on what is gone are forgotten at the next start', { skip }, async (t) => {
  const { store } = await openStore(t, { default: SIGNED_BY() })
  await using _ = store
  await store.load(layoutOf(NAME))
  await pulledSignature(store, TRUSTED)
  assert.equal(store.store.rows.trust.prune(), 0)
  await store.images.remove({ image: NAME })
  assert.equal(store.store.rows.trust.prune(), 1)
})

const COSIGN_SIGS = { annotations: { kind: 'dev.cosignproject.cosign/sigs' } }

/** A layout as `cosign save` and tools that copy tags write it: the image and beside it what signs it. */
function signedLayout(by: Signer, about: Parameters<LayoutWriter['blob']>[2], reference = NAME): Buffer {
  const layout = new LayoutWriter()
  const manifest = layout.image({ layers: [{ blob: LAYER }] })
  const image = layout.index([manifest], named(NAME))
  const { mediaType, bytes, annotations } = signedLayer(by, image.digest, reference)
  const signature = {
    schemaVersion: 2,
    mediaType: manifest.mediaType,
    config: layout.blob('application/vnd.oci.image.config.v1+json', '{}'),
    layers: [layout.blob(mediaType, bytes, { ...(annotations && { annotations }) })],
  }
  return layout.tar([image, layout.blob(manifest.mediaType, JSON.stringify(signature), about)])
}

test('takes signatures in with the archive that has them', { skip }, async (t) => {
  const { store } = await openStore(t, { default: SIGNED_BY() })
  await using _ = store
  assert.equal((await store.load(signedLayout(signer(), COSIGN_SIGS))).length, 1)
  await assert.rejects(run(store, NAME), REFUSED)
  await store.load(signedLayout(TRUSTED, COSIGN_SIGS, 'registry.example.com/team/other'))
  await assert.rejects(run(store, NAME), REFUSED)
  await store.load(signedLayout(TRUSTED, COSIGN_SIGS))
  await run(store, NAME)
})

test('takes signatures by their tag in an archive', { skip }, async (t) => {
  const { store } = await openStore(t, { default: SIGNED_BY() })
  await using _ = store
  const [image] = await store.load(signedLayout(TRUSTED, named(`sha256-${'0'.repeat(64)}.sig`)))
  await assert.rejects(run(store, NAME), REFUSED)
  await store.load(signedLayout(TRUSTED, named(`${image?.digest.replace(':', '-')}.sig`)))
  await run(store, NAME)
})

test('loads an archive although the policy cannot be used, and runs nothing of it', { skip }, async (t) => {
  const { store } = await openStore(t, {})
  const broken = await openStore(t, { nonsense: true })
  await using _ = store
  await using __ = broken.store
  for (const one of [store, broken.store]) await one.load(signedLayout(TRUSTED, COSIGN_SIGS))
  await run(store, NAME)
  await assert.rejects(run(broken.store, NAME), { reason: 'POLICY_UNREADABLE' })
})

test('asks for the signatures of an image that is here already', { skip }, async (t) => {
  const { store } = await openStore(t, { default: { ...SIGNED_BY(), level: 'index' } })
  await using _ = store
  const layout = new LayoutWriter()
  const inner = layout.index([layout.image({ layers: [{ blob: LAYER }] })])
  const outer = layout.index([inner], named(NAME))
  const [image] = await store.load(layout.tar([outer]))
  const repository = new FakeRepository()
  const digest = inner.digest as Digest
  repository.referSimple(digest, signedLayer(TRUSTED, digest, 'registry.example.com/team/app'))
  const atHand = { target: image?.digest as Digest, targets: [image?.manifest?.digest as Digest] }
  const { storedImages } = store.store
  assert.equal((await storedImages.check(NAME, atHand, repository, signal)).state, 'verified')
  await run(store, NAME)
})

const noOpenssl = spawnSync('openssl', ['version']).status === 0 ? undefined : 'needs openssl'

test('takes keys and signatures that openssl made', { skip: skip || noOpenssl }, async (t) => {
  const dir = mkdtempSync(join(tmpdir(), 'csn-keys-'))
  t.after(() => rmSync(dir, { recursive: true }))
  const key = join(dir, 'private.pem')
  const openssl = (args: readonly string[], input = Buffer.alloc(0)): Buffer => execFileSync('openssl', args, { input })
  openssl(['ecparam', '-name', 'prime256v1', '-genkey', '-noout', '-out', key])
  const by = {
    pem: String(openssl(['ec', '-in', key, '-pubout'])),
    sign: (bytes: Uint8Array) => openssl(['dgst', '-sha256', '-sign', key], Buffer.from(bytes)),
  }
  const { store } = await openStore(t, { default: SIGNED_BY(by) })
  await using _ = store
  await store.load(signedLayout(TRUSTED, COSIGN_SIGS))
  await assert.rejects(run(store, NAME), REFUSED)
  await store.load(signedLayout(by, COSIGN_SIGS))
  await run(store, NAME)
})
