import assert from 'node:assert/strict'
import { test } from 'node:test'
import { MEDIA_TYPE } from '@caisson/oci'
import { staticCredentials } from '../src/index.ts'
import { calm, putBytes, readBlob, smallImage } from './image.ts'
import { type Handler, type MockRegistry, mockRegistry, testClient } from './mock-registry.ts'

const image = smallImage(1000)
const { digest, bytes } = image.manifest
const OK = { 'content-type': MEDIA_TYPE.ociManifest }
const manifest: Handler = (_request, response) => response.writeHead(200, OK).end(bytes)
const status =
  (code: number, headers: Record<string, string> = {}): Handler =>
  (_request, response) =>
    response.writeHead(code, headers).end()

const nameOf = (server: MockRegistry) => ({ registry: server.address, repository: 'lib/a' })

test('asks mirrors in their order with the name of the registry, and the registry last', async () => {
  await using missing = await mockRegistry(status(404))
  await using broken = await mockRegistry(status(500))
  await using lying = await mockRegistry((_request, response) => response.writeHead(200, OK).end('{}'))
  await using registry = await mockRegistry(manifest)
  const dead = { url: 'http://127.0.0.1:1' }
  const mirrors = [...[missing, broken, lying].map(({ address }) => ({ url: `http://${address}` })), dead]
  await using client = testClient({ config: { [registry.address]: { mirrors } } })
  assert.equal((await client.repository(nameOf(registry)).manifest(digest, calm)).digest, digest)
  const ns = encodeURIComponent(registry.address)
  assert.deepEqual(missing.asked, [`GET /v2/lib/a/manifests/${digest}?ns=${ns}`])
  assert.equal(broken.asked.length, 2)
  assert.deepEqual(registry.asked, [`GET /v2/lib/a/manifests/${digest}`])
})

test('asks no further when a mirror has it, below the path and prefix that it wants, as who it knows', async () => {
  await using mirror = await mockRegistry((request, response, count) => {
    if (request.headers.authorization === undefined) response.writeHead(401, { 'www-authenticate': 'Basic' }).end()
    else manifest(request, response, count)
  })
  await using registry = await mockRegistry(status(500))
  const entry = {
    url: `http://${mirror.address}`,
    apiPath: '/proxy/v2',
    repositoryPrefix: 'hub/',
    headers: { 'X-A': 'b' },
  }
  const credentials = staticCredentials({
    [`${mirror.address}/hub`]: { username: 'mirror', password: 'm' },
    [registry.address]: { username: 'registry', password: 'r' },
  })
  await using client = testClient({ credentials, config: { [registry.address]: { mirrors: [entry] } } })
  const auth = { username: 'somebody', password: 'x' }
  await client.repository(nameOf(registry), auth).manifest('1', calm)
  assert.deepEqual(registry.asked, [])
  assert.match(mirror.asked[1] ?? '', /^GET \/proxy\/v2\/hub\/lib\/a\/manifests\/1\?ns=/)
  assert.equal(mirror.headers[1]?.['x-a'], 'b')
  assert.equal(mirror.headers[1]?.authorization, `Basic ${Buffer.from('mirror:m').toString('base64')}`)
})

test('looks tags up at the registry when a mirror is not good for them', async () => {
  await using mirror = await mockRegistry(manifest)
  await using registry = await mockRegistry(manifest)
  const mirrors = [{ url: `http://${mirror.address}`, resolvesTags: false }]
  await using client = testClient({ config: { [registry.address]: { mirrors } } })
  await client.repository(nameOf(registry)).manifest('1', calm)
  assert.deepEqual([mirror.asked.length, registry.asked.length], [0, 1])
  await client.repository(nameOf(registry)).manifest(digest, calm)
  assert.deepEqual([mirror.asked.length, registry.asked.length], [1, 1])
})

test('asks somebody else for a blob that a mirror has sent in whole before', async () => {
  await using mirror = await mockRegistry((_request, response) => response.end(Buffer.alloc(1000)))
  await using registry = await mockRegistry((_request, response) => response.end(image.layer))
  const mirrors = [{ url: `http://${mirror.address}` }]
  await using client = testClient({ config: { [registry.address]: { mirrors } } })
  const repository = client.repository(nameOf(registry))
  assert.ok(!(await readBlob(repository, image.layerDigest, 1000)).equals(image.layer))
  assert.ok((await readBlob(repository, image.layerDigest, 1000)).equals(image.layer))
})

test('pushes to the registry alone', async () => {
  await using mirror = await mockRegistry(status(202, { location: '/u' }))
  await using registry = await mockRegistry((request, response) => {
    request.resume()
    response.writeHead(request.method === 'POST' ? 202 : 201, { location: '/u' }).end()
  })
  const mirrors = [{ url: `http://${mirror.address}` }]
  await using client = testClient({ config: { '*': { mirrors } } })
  const repository = client.repository(nameOf(registry))
  await putBytes(repository, image.layer)
  await repository.putManifest('1', image.manifest, calm)
  assert.deepEqual(mirror.asked, [])
})

test('tries again what passes by, and uses connections again', async () => {
  for (const code of [429, 500, 502, 503, 504]) {
    await using server = await mockRegistry((request, response, count) =>
      (count < 2 ? status(code, { 'content-length': '0' }) : manifest)(request, response, count),
    )
    await using client = testClient()
    await client.repository(nameOf(server)).manifest('1', calm)
    assert.deepEqual([server.asked.length, server.connections()], [3, 1])
  }
  await using reset = await mockRegistry((request, response, count) =>
    count < 2 ? request.destroy() : manifest(request, response, count),
  )
  await using client = testClient()
  await client.repository(nameOf(reset)).manifest('1', calm)
  assert.equal(reset.asked.length, 3)
})

test('waits as long as a registry asks, but not for ever', async () => {
  await using soon = await mockRegistry((request, response, count) =>
    (count === 0 ? status(429, { 'retry-after': '1' }) : manifest)(request, response, count),
  )
  await using client = testClient()
  const before = performance.now()
  await client.repository(nameOf(soon)).manifest('1', calm)
  assert.ok(performance.now() - before >= 990)
  await using late = await mockRegistry(status(429, { 'retry-after': '3600' }))
  await assert.rejects(client.repository(nameOf(late)).manifest('1', calm), (error) => {
    assert.ok(error instanceof Error && 'reason' in error && 'details' in error)
    assert.equal(error.reason, 'REGISTRY_RATE_LIMITED')
    assert.equal((error.details as Record<string, string>)['retryAfterMs'], '3600000')
    return true
  })
  assert.equal(late.asked.length, 1)
})

test('names a registry that is not there', async () => {
  await using client = testClient()
  const closed = client.repository({ registry: '127.0.0.1:1', repository: 'a' })
  await assert.rejects(closed.manifest('1', calm), { code: 'unavailable', message: /127\.0\.0\.1:1 .*ECONNREFUSED/ })
})

test('leaves no listener behind on a signal that many requests share', async (t) => {
  const warnings: Error[] = []
  const onWarning = (warning: Error): void => void warnings.push(warning)
  process.on('warning', onWarning)
  t.after(() => process.off('warning', onWarning))
  await using server = await mockRegistry(manifest)
  await using client = testClient()
  const { signal } = new AbortController()
  for (let n = 0; n < 50; n++) await client.repository(nameOf(server)).manifest('1', signal)
  assert.deepEqual(warnings, [])
  assert.equal(server.connections(), 1)
})
