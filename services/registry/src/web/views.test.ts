import assert from 'node:assert/strict'
import { test } from 'node:test'
import { MEDIA_TYPE } from '@caisson/oci'
import * as fc from 'fast-check'
import { viewConfig } from './config-view.ts'
import { contentSize, platformsOf, viewManifest } from './manifest-view.ts'

const bytes = (value: unknown): Buffer => Buffer.from(JSON.stringify(value))
const DIGEST = `sha256:${'a'.repeat(64)}`

test('reads an image, with what there is to pull', () => {
  const layers = [1, 20].map((size) => ({ mediaType: MEDIA_TYPE.ociLayer, digest: DIGEST, size }))
  const view = viewManifest(
    bytes({ config: { mediaType: MEDIA_TYPE.ociConfig, digest: DIGEST, size: 300 }, layers }),
    MEDIA_TYPE.ociManifest,
  )
  assert.equal(view.kind, 'image')
  assert.equal(contentSize(view), 321)
})

test('tells artifacts from images by their config', () => {
  const view = viewManifest(
    bytes({ config: { mediaType: MEDIA_TYPE.ociEmpty, digest: DIGEST, size: 2 }, artifactType: 'text/x' }),
    MEDIA_TYPE.ociManifest,
  )
  assert.deepEqual([view.kind, view.artifactType], ['artifact', 'text/x'])
})

test('names each platform of an index once, and none for attestations', () => {
  const child = (os: string, architecture: string, variant?: string) => ({
    ...{ mediaType: MEDIA_TYPE.ociManifest, digest: DIGEST, size: 1, platform: { os, architecture, variant } },
  })
  const manifests = [child('linux', 'arm64', 'v8'), child('linux', 'amd64'), child('linux', 'amd64')]
  const view = viewManifest(bytes({ manifests: [...manifests, child('unknown', 'unknown')] }), MEDIA_TYPE.ociIndex)
  assert.deepEqual(platformsOf(view), ['linux/arm64/v8', 'linux/amd64'])
})

test('reads of a config what is of the expected kind, and never the values of variables', () => {
  const config = viewConfig(
    bytes({
      os: 'linux',
      architecture: 7,
      created: '1970-01-01T00:00:00Z',
      config: { Entrypoint: 'sh', Env: ['SECRET=hush', 'EMPTY', 3], Labels: { b: '2', a: '1', c: null }, User: {} },
      history: [{ created_by: 'ADD', empty_layer: true }, null],
    }),
  )
  assert.equal(config.platform, 'linux')
  assert.equal(config.created, undefined)
  assert.deepEqual(config.entrypoint, ['sh'])
  assert.deepEqual(config.variables, ['SECRET', 'EMPTY'])
  assert.deepEqual(config.labels, [
    ['a', '1'],
    ['b', '2'],
  ])
  assert.equal(config.user, '')
  assert.deepEqual(
    config.history.map(({ hasLayer }) => hasLayer),
    [false, true],
  )
  assert.doesNotMatch(JSON.stringify(config), /hush/)
})

test('reads something of any JSON at all', async () => {
  const members = ['config', 'layers', 'manifests', 'subject', 'annotations', 'history', 'created', 'platform']
  const inner = ['Entrypoint', 'Env', 'Labels', 'ExposedPorts', 'digest', 'size', 'mediaType', 'os', 'created_by']
  const json = fc.dictionary(
    fc.constantFrom(...members),
    fc.oneof(
      fc.jsonValue(),
      fc.dictionary(fc.constantFrom(...inner), fc.jsonValue()),
      fc.array(fc.dictionary(fc.constantFrom(...inner), fc.jsonValue())),
    ),
  )
  await fc.assert(
    fc.property(json, (value) => {
      const text = Buffer.from(JSON.stringify(value))
      assert.ok(contentSize(viewManifest(text, MEDIA_TYPE.ociManifest)) >= 0)
      assert.ok(Array.isArray(viewConfig(text).history))
    }),
  )
})
