import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import type { Descriptor, Digest } from '@caisson/oci'
import { needsRoot } from '@caisson/testkit'
import { type Signer, signedLayer, signer } from './cosign.ts'
import { FakeRegistry, OCI_INDEX, OCI_MANIFEST } from './fake-registry.ts'
import { ImageStoreFixture } from './image-store-fixture.ts'
import { tar } from './tar-writer.ts'

const skip = needsRoot()
const REPO = 'r.test/app'
const NAME = `${REPO}:1`
const TRUSTED = signer()
const imageOf = (content: string) => ({ layers: [{ blob: tar([{ path: 'file', content }]) }] })
const signedBy = (rule: object = {}) => ({ type: 'signedBy', keys: [{ pem: TRUSTED.pem }], ...rule })
const REFUSED = { code: 'permission-denied', reason: 'SIGNATURE_REQUIRED' }

async function open(t: TestContext, rule: object) {
  const dir = mkdtempSync(join(tmpdir(), 'csn-policy-'))
  t.after(() => rmSync(dir, { recursive: true }))
  const file = join(dir, 'trust.json')
  writeFileSync(file, JSON.stringify({ default: rule }))
  const registries = new FakeRegistry()
  return { registries, store: await ImageStoreFixture.open({ registries, trust: { file, isRequired: true } }) }
}

/** Puts a signature under cosign's tag. */
function addSignature(registries: FakeRegistry, digest: string, by: Signer, repository = REPO): void {
  const { bytes, mediaType, annotations } = signedLayer(by, digest, repository)
  const layer = { mediaType, annotations, ...registries.addBlob(REPO, bytes) }
  const config = { mediaType: 'application/vnd.oci.empty.v1+json', ...registries.addBlob(REPO, Buffer.from('{}')) }
  const document = { schemaVersion: 2, mediaType: OCI_MANIFEST, config, layers: [layer] }
  registries.addManifest(REPO, `${digest.replace(':', '-')}.sig`, OCI_MANIFEST, document)
}

const layersOf = (registries: FakeRegistry, manifest: Descriptor): Digest[] => {
  const bytes = registries.content(REPO).manifests.get(manifest.digest)?.bytes ?? Buffer.from('{"layers":[]}')
  return JSON.parse(Buffer.from(bytes).toString()).layers.map((layer: { digest: Digest }) => layer.digest)
}

test('fetches no layer of an image that the policy wants signed and that is not', { skip }, async (t) => {
  const { registries, store: opened } = await open(t, signedBy())
  await using store = opened
  const manifest = registries.addImage(REPO, '1', imageOf('unsigned'))
  addSignature(registries, manifest.digest, signer())
  await assert.rejects(store.pull(NAME), REFUSED)
  for (const layer of layersOf(registries, manifest))
    assert.deepEqual(
      registries.requests.filter((request) => request.startsWith(`GET blob ${layer}`)),
      [],
    )
  assert.deepEqual((await store.images.list({})).images, [])
})

test('pulls and runs an image that is signed, by tag and by digest', { skip }, async (t) => {
  const { registries, store: opened } = await open(t, signedBy())
  await using store = opened
  const manifest = registries.addImage(REPO, '1', imageOf('signed'))
  addSignature(registries, manifest.digest, TRUSTED)
  await store.pull(`${REPO}@${manifest.digest}`)
  await store.pull(NAME)
  registries.isAway = true
  for (const [key, image] of [NAME, `${REPO}@${manifest.digest}`].entries())
    await store.snapshots.prepare({ key: `c${key}`, base: { $case: 'image', value: image } })
})

test('runs what was verified: a tag that moves between two looks moves nothing (SUP-04)', { skip }, async (t) => {
  const { registries, store: opened } = await open(t, signedBy())
  await using store = opened
  const good = registries.addImage(REPO, '1', imageOf('good'))
  addSignature(registries, good.digest, TRUSTED)
  const evil = registries.addImage(REPO, 'evil', imageOf('evil'))
  registries.spoil = () => {
    registries.content(REPO).tags.set('1', evil.digest)
    return undefined
  }
  const [image] = await store.pull(NAME)
  assert.equal(image?.digest, good.digest)
  await assert.rejects(store.pull(NAME), REFUSED)
  assert.equal((await store.images.get({ image: NAME })).digest, good.digest)
})

test('takes no other child of an index than the one that was signed (SUP-06)', { skip }, async (t) => {
  const { registries, store: opened } = await open(t, signedBy({ level: 'manifest' }))
  await using store = opened
  const child = registries.addImage(REPO, '', imageOf('child'))
  const index = registries.addIndex(REPO, '1', [{ ...child, platform: { os: 'linux', architecture: 'amd64' } }])
  assert.equal(registries.content(REPO).manifests.get(index.digest)?.mediaType, OCI_INDEX)
  addSignature(registries, index.digest, TRUSTED)
  await assert.rejects(store.pull(NAME), REFUSED)
  addSignature(registries, child.digest, TRUSTED)
  const [image] = await store.pull(NAME)
  assert.equal(image?.manifest?.digest, child.digest)
})
