import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { digestOf } from './digest.ts'
import { OciFormatError } from './format-error.ts'
import { parseManifest } from './manifest.ts'
import { MEDIA_TYPE } from './media-type.ts'
import { hostPlatform, parsePlatform } from './platform.ts'
import { selectManifest } from './select-manifest.ts'

const digest = digestOf('x')
const config = { mediaType: MEDIA_TYPE.ociConfig, digest, size: 3 }
const layer = { mediaType: MEDIA_TYPE.ociLayerGzip, digest, size: 9 }
const manifest = { schemaVersion: 2, mediaType: MEDIA_TYPE.ociManifest, config, layers: [layer, layer] }
const child = (os: string, architecture: string, variant?: string, size = 1) => ({
  mediaType: MEDIA_TYPE.ociManifest,
  digest,
  size,
  platform: { os, architecture, ...(variant && { variant }) },
})
const index = { schemaVersion: 2, mediaType: MEDIA_TYPE.ociIndex, manifests: [child('linux', 'amd64')] }

const read = (json: unknown, contentType?: string) => parseManifest(JSON.stringify(json), contentType)
const refused = (json: unknown, reason: string, message: RegExp, contentType?: string) =>
  assert.throws(() => read(json, contentType), { name: 'OciFormatError', reason, message })

test('reads manifests and indexes of OCI and of Docker', () => {
  const image = read(manifest, `${MEDIA_TYPE.ociManifest}; charset=utf-8`)
  assert.ok(image.kind === 'manifest' && image.layers.length === 2)
  assert.deepEqual(image.config, config)
  const list = read({ ...index, mediaType: MEDIA_TYPE.dockerIndex }, MEDIA_TYPE.dockerIndex)
  assert.ok(list.kind === 'index' && list.mediaType === MEDIA_TYPE.dockerIndex)
  assert.deepEqual(list.manifests[0]?.platform, { os: 'linux', architecture: 'amd64' })
  const { mediaType: _type, ...untyped } = manifest
  assert.equal(read(untyped).mediaType, MEDIA_TYPE.ociManifest)
  assert.equal(read(untyped, MEDIA_TYPE.dockerManifest).mediaType, MEDIA_TYPE.dockerManifest)
  assert.equal(read({ schemaVersion: 2, manifests: [] }, 'application/json').mediaType, MEDIA_TYPE.ociIndex)
})

test('reads artifacts: subject, artifact type, annotations, data', () => {
  const data = Buffer.from('{}')
  const empty = { mediaType: MEDIA_TYPE.ociEmpty, digest: digestOf(data), size: 2, data: data.toString('base64') }
  const subject = { mediaType: MEDIA_TYPE.ociManifest, digest, size: 5 }
  const artifact = {
    ...manifest,
    config: empty,
    layers: [],
    subject,
    artifactType: 'text/spdx',
    annotations: { a: 'b' },
  }
  const { mediaType: _type, ...rest } = artifact
  const image = read(rest)
  assert.equal(image.artifactType, 'text/spdx')
  assert.deepEqual(image.subject, subject)
  assert.deepEqual(image.annotations, { a: 'b' })
  assert.ok(image.kind === 'manifest' && image.config.data?.length === 2)
  const lie = { ...empty, data: Buffer.from('[]').toString('base64') }
  refused({ ...artifact, config: lie }, 'MANIFEST_INVALID', /data/)
  refused({ ...artifact, config: { ...empty, data: 'e30' } }, 'MANIFEST_INVALID', /base64/)
})

test('refuses a document that could be read in two ways', () => {
  refused({ ...manifest, manifests: [] }, 'MANIFEST_INVALID', /beside/)
  refused({ ...index, layers: [] }, 'MANIFEST_INVALID', /beside/)
  refused({ ...index, config }, 'MANIFEST_INVALID', /beside/)
  refused(manifest, 'MANIFEST_INVALID', /came as/, MEDIA_TYPE.dockerManifest)
  refused({ ...manifest, mediaType: MEDIA_TYPE.ociIndex }, 'MANIFEST_INVALID', /not what a manifest has/)
  refused({ ...index, mediaType: MEDIA_TYPE.ociManifest }, 'MANIFEST_INVALID', /not what an index has/)
  refused({ schemaVersion: 2, layers: [], config }, 'MANIFEST_INVALID', /not what/, MEDIA_TYPE.ociIndex)
  refused({ ...manifest, mediaType: MEDIA_TYPE.ociConfig }, 'MANIFEST_INVALID', /not what/)
  assert.throws(() => parseManifest('{"schemaVersion":2,"layers":[],"layers":[]}'), { reason: 'JSON_DUPLICATE_NAME' })
})

test('refuses schema 1 in every disguise', () => {
  refused({ schemaVersion: 1, name: 'x', fsLayers: [] }, 'MANIFEST_UNSUPPORTED', /schema 1/)
  refused({ ...manifest, fsLayers: [] }, 'MANIFEST_UNSUPPORTED', /schema 1/)
  refused(manifest, 'MANIFEST_UNSUPPORTED', /schema 1/, 'application/vnd.docker.distribution.manifest.v1+prettyjws')
})

test('refuses malformed and oversized documents, and says where', () => {
  const bad: [unknown, RegExp][] = [
    [[], /not an object/],
    [null, /not an object/],
    [{ ...manifest, schemaVersion: 3 }, /schemaVersion/],
    [{ ...manifest, schemaVersion: undefined }, /schemaVersion/],
    [{ schemaVersion: 2 }, /neither/],
    [{ ...manifest, config: undefined }, /manifest.config/],
    [{ ...manifest, layers: {} }, /manifest.layers is not a list/],
    [{ ...manifest, layers: [{ ...layer, digest: 'sha256:../x' }] }, /manifest.layers\[0\].digest/],
    [{ ...manifest, layers: [layer, { ...layer, size: -1 }] }, /manifest.layers\[1\].size/],
    [{ ...manifest, layers: [{ ...layer, size: 1.5 }] }, /size/],
    [{ ...manifest, layers: [{ ...layer, size: '9' }] }, /size/],
    [{ ...manifest, layers: [{ ...layer, size: 2 ** 60 }] }, /size/],
    [{ ...manifest, layers: [{ ...layer, mediaType: 'x' }] }, /mediaType is no media type/],
    [{ ...manifest, layers: [{ ...layer, mediaType: 7 }] }, /mediaType is not a string/],
    [{ ...manifest, annotations: { a: 1 } }, /annotations.a/],
    [{ ...manifest, annotations: [] }, /annotations is not an object/],
    [{ ...manifest, config: { ...config, platform: { os: 'linux' } } }, /architecture is missing/],
  ]
  for (const [json, message] of bad) refused(json, 'MANIFEST_INVALID', message)
  refused({ ...manifest, layers: Array(501).fill(layer) }, 'LIMIT_EXCEEDED', /501 entries; at most 500/)
  assert.throws(() => parseManifest(' '.repeat(5 << 20)), { reason: 'JSON_TOO_LARGE' })
  assert.throws(() => parseManifest('{"schemaVersion":2,"annotations":{"__proto__":"x"},"layers":[]}'), /__proto__/)
})

test('never fails but by an OciFormatError', () => {
  const value = fc.oneof(fc.jsonValue(), fc.constant(manifest), fc.constant(layer))
  const document = fc.record(
    {
      schemaVersion: fc.constantFrom(1, 2),
      config: value,
      layers: value,
      manifests: value,
      mediaType: value,
      subject: value,
    },
    { requiredKeys: [] },
  )
  fc.assert(
    fc.property(document, (json) => {
      try {
        read(json)
      } catch (error) {
        assert.ok(error instanceof OciFormatError, String(error))
      }
    }),
    { numRuns: 1000 },
  )
})

test('picks the child that runs best on a platform, and no attestation', () => {
  const pick = (wanted: string, ...children: object[]) => {
    const parsed = read({ ...index, manifests: children })
    assert.ok(parsed.kind === 'index')
    return selectManifest(parsed, parsePlatform(wanted))?.size
  }
  const unknown = { ...child('unknown', 'unknown', undefined, 9), annotations: { 'vnd.docker.reference.type': 'x' } }
  assert.equal(pick('linux/amd64', unknown, child('linux', 'arm64'), child('linux', 'amd64', undefined, 2)), 2)
  assert.equal(
    pick(
      'linux/arm/v7',
      child('linux', 'arm', 'v6', 6),
      child('linux', 'arm', 'v7', 7),
      child('linux', 'arm', 'v8', 8),
    ),
    7,
  )
  assert.equal(pick('linux/arm/v5', child('linux', 'arm', 'v7', 7)), undefined)
  assert.equal(pick('linux/arm64', child('linux', 'arm64', 'v8', 8)), 8)
  assert.equal(pick('linux/amd64', child('linux', 'amd64', 'v3', 3), child('linux', 'amd64', undefined, 1)), 1)
  assert.equal(pick('linux/amd64/v3', child('linux', 'amd64', undefined, 1), child('linux', 'amd64', 'v2', 2)), 2)
  assert.equal(pick('linux/amd64', child('linux', 'amd64', undefined, 1), child('linux', 'amd64', undefined, 2)), 1)
  assert.equal(pick('windows/amd64', child('linux', 'amd64')), undefined)
  assert.equal(pick('linux/amd64', { mediaType: MEDIA_TYPE.ociManifest, digest, size: 4 }), 4)
  assert.equal(pick('linux/amd64'), undefined)
})

test('reads platforms in the spellings of people and machines', () => {
  assert.deepEqual(parsePlatform('x86_64'), { os: 'linux', architecture: 'amd64' })
  assert.deepEqual(parsePlatform('linux/aarch64'), { os: 'linux', architecture: 'arm64' })
  assert.deepEqual(parsePlatform('Linux/arm64/8'), { os: 'linux', architecture: 'arm64' })
  assert.deepEqual(parsePlatform('linux/arm'), { os: 'linux', architecture: 'arm', variant: 'v7' })
  assert.deepEqual(parsePlatform('linux/armhf'), { os: 'linux', architecture: 'arm', variant: 'v7' })
  assert.equal(hostPlatform('x64').architecture, 'amd64')
  for (const bad of ['', '/', 'linux/', 'a/b/c/d', 'linux/am d', 'linux/\0']) {
    assert.throws(() => parsePlatform(bad), { reason: 'PLATFORM_INVALID' })
  }
})
