import assert from 'node:assert/strict'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { certificateAuthority } from '@caisson/testkit'
import { staticCredentials } from '../src/index.ts'
import { calm, readBlob, smallImage } from './image.ts'
import { type MockRegistry, mockRegistry, testClient } from './mock-registry.ts'

const dir = mkdtempSync(join(tmpdir(), 'csn-redirects-'))
after(() => rmSync(dir, { recursive: true, force: true }))
const ca = certificateAuthority(dir)
const leaf = ca.issue('leaf', ['127.0.0.1', 'localhost', 'registry.test'])
const tls = { cert: readFileSync(leaf.certFile), key: readFileSync(leaf.keyFile) }
const image = smallImage(50_000)
const { layerDigest: digest } = image
const size = image.layer.length
const users = (server: MockRegistry) => staticCredentials({ [server.address]: { username: 'u', password: 'secret' } })

test('follows a redirect to another origin without credentials and without headers of the registry', async () => {
  await using storage = await mockRegistry((_request, response) => response.end(image.layer))
  await using registry = await mockRegistry((request, response) => {
    if (request.headers.authorization === undefined) response.writeHead(401, { 'www-authenticate': 'Basic' }).end()
    else response.writeHead(307, { location: `http://${storage.address}/bucket?signed=1` }).end()
  })
  const config = { [registry.address]: { headers: { 'X-Secret': 'of the registry' } } }
  await using client = testClient({ config, credentials: users(registry) })
  const repository = client.repository({ registry: registry.address, repository: 'a' })
  assert.ok((await readBlob(repository, digest, size)).equals(image.layer))
  assert.equal(registry.headers[1]?.['x-secret'], 'of the registry')
  assert.match(registry.headers[1]?.authorization ?? '', /^Basic /)
  assert.deepEqual(storage.asked, ['GET /bucket?signed=1'])
  assert.equal(storage.headers[0]?.authorization, undefined)
  assert.equal(storage.headers[0]?.['x-secret'], undefined)
})

test('keeps the credentials on the way within one origin, and lost ones lost', async () => {
  await using other = await mockRegistry((_request, response) =>
    response.writeHead(302, { location: `http://${registry.address}/end` }).end(),
  )
  await using registry: MockRegistry = await mockRegistry((request, response) => {
    if (request.url === '/end') response.end(image.layer)
    else if (request.headers.authorization === undefined) response.writeHead(401, { 'www-authenticate': 'Basic' }).end()
    else if (request.url === '/next') response.writeHead(302, { location: `http://${other.address}/` }).end()
    else response.writeHead(302, { location: '/next' }).end()
  })
  await using client = testClient({ credentials: users(registry) })
  await readBlob(client.repository({ registry: registry.address, repository: 'a' }), digest, size)
  assert.deepEqual(
    registry.headers.map(({ authorization }) => authorization !== undefined),
    [false, true, true, false],
  )
})

test('follows at most 5 redirects', async () => {
  await using registry = await mockRegistry((_request, response, count) =>
    response.writeHead(302, { location: `/${count}` }).end(),
  )
  await using client = testClient()
  const repository = client.repository({ registry: registry.address, repository: 'a' })
  await assert.rejects(repository.blob({ digest, size }, 0, calm), { reason: 'REGISTRY_REDIRECT_REFUSED' })
  assert.equal(registry.asked.length, 6)
})

test('goes to no place that is not http, is a lie, or names a user', async () => {
  for (const location of [
    'file:///etc/passwd',
    'gopher://127.0.0.1/',
    'http://u:p@127.0.0.1/',
    'http://[',
    '',
    'javascript:1',
  ]) {
    await using registry = await mockRegistry((_request, response) => response.writeHead(302, { location }).end())
    await using client = testClient()
    const repository = client.repository({ registry: registry.address, repository: 'a' })
    await assert.rejects(
      repository.blob({ digest, size }, 0, calm),
      { code: 'permission-denied', reason: 'REGISTRY_REDIRECT_REFUSED' },
      location,
    )
  }
})

test('does not go from https to http', async () => {
  await using storage = await mockRegistry((_request, response) => response.end(image.layer))
  await using registry = await mockRegistry(
    (_request, response) => response.writeHead(302, { location: `http://${storage.address}/` }).end(),
    tls,
  )
  await using client = testClient({ config: { [registry.address]: { caFile: ca.certFile } } })
  const repository = client.repository({ registry: registry.address, repository: 'a' })
  await assert.rejects(repository.blob({ digest, size }, 0, calm), { reason: 'REGISTRY_REDIRECT_REFUSED' })
  assert.deepEqual(storage.asked, [])
})

test('goes to no link-local address, literal or by name', async () => {
  const resolver = async (name: string) => [
    { address: name === 'metadata.test' ? '169.254.169.254' : '127.0.0.1', family: 4 },
  ]
  const places = [
    'http://169.254.169.254/latest',
    'http://metadata.test/',
    'http://[fe80::1]/',
    'http://[::ffff:169.254.169.254]/',
    'http://0xa9fea9fe/',
    'http://[64:ff9b::a9fe:a9fe]/',
  ]
  for (const location of places) {
    await using registry = await mockRegistry((_request, response) => response.writeHead(302, { location }).end())
    await using client = testClient({ resolver })
    const repository = client.repository({ registry: registry.address, repository: 'a' })
    await assert.rejects(
      repository.blob({ digest, size }, 0, calm),
      { code: 'permission-denied', reason: 'REGISTRY_ADDRESS_REFUSED' },
      location,
    )
  }
})

test('checks the address that is connected to, whatever the name resolved to before', async () => {
  let asked = 0
  const resolver = async () => [{ address: asked++ === 0 ? '127.0.0.1' : '169.254.1.1', family: 4 }]
  await using registry = await mockRegistry((_request, response, count) => {
    if (count === 0) response.writeHead(302, { location: `http://rebind.test:${registry.port}/a` }).end()
    else response.writeHead(302, { location: `http://rebind.test:${registry.port + 1}/b` }).end()
  })
  await using client = testClient({ resolver })
  const repository = client.repository({ registry: registry.address, repository: 'a' })
  await assert.rejects(repository.blob({ digest, size }, 0, calm), { reason: 'REGISTRY_ADDRESS_REFUSED' })
  assert.deepEqual([asked, registry.asked.length], [2, 2])
})

test('trusts a certificate of the configured authority only for its names, and shows who it is to the registry alone', async () => {
  await using registry = await mockRegistry((_request, response) => response.end(image.layer), tls)
  const resolver = async () => [{ address: '127.0.0.1', family: 4 }]
  const named = { caFile: ca.certFile, clientCertificate: leaf }
  const config = { [`registry.test:${registry.port}`]: named, [`wrong.test:${registry.port}`]: named }
  await using client = testClient({ config, resolver })
  const right = client.repository({ registry: `registry.test:${registry.port}`, repository: 'a' })
  assert.ok((await readBlob(right, digest, size)).equals(image.layer))
  const wrong = client.repository({ registry: `wrong.test:${registry.port}`, repository: 'a' })
  await assert.rejects(wrong.blob({ digest, size }, 0, calm), { code: 'failed-precondition', reason: 'REGISTRY_TLS' })
})

test('REG-28: refuses a certificate that is over, TLS 1.1, and plain http, without another try by http', async () => {
  const old = ca.issue('old', ['127.0.0.1'], -1)
  const expired = { cert: readFileSync(old.certFile), key: readFileSync(old.keyFile) }
  await using registry = await mockRegistry((_request, response) => response.end(), expired)
  await using plain = await mockRegistry((_request, response) => response.end())
  const versions = { minVersion: 'TLSv1', maxVersion: 'TLSv1.1', ciphers: 'DEFAULT@SECLEVEL=0' } as const
  await using ancient = await mockRegistry((_request, response) => response.end(), { ...tls, ...versions })
  const config = { '*': { caFile: ca.certFile } }
  await using client = testClient({ config })
  for (const server of [registry, plain, ancient]) {
    const repository = client.repository({ registry: server.address, repository: 'a' })
    await assert.rejects(repository.blob({ digest, size }, 0, calm), {
      code: 'failed-precondition',
      reason: 'REGISTRY_TLS',
    })
  }
  assert.deepEqual([registry.asked, plain.asked, ancient.asked], [[], [], []])
})
