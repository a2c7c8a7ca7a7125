import assert from 'node:assert/strict'
import { test } from 'node:test'
import { MEDIA_TYPE } from '@caisson/oci'
import { calm, smallImage } from './image.ts'
import { type Handler, type MockRegistry, mockRegistry, testClient } from './mock-registry.ts'

const image = smallImage(10)
const auth = { username: 'u', password: 'secret' }
const bearer = (realm: string, more = ''): Record<string, string> => ({
  'www-authenticate': `Bearer realm="${realm}",service="s"${more}`,
})

const json =
  (body: object): Handler =>
  (_request, response) =>
    response.end(JSON.stringify(body))

/** Gives the manifest to who has one of the tokens, and names the realm to all others. */
function guarded(
  realm: () => string,
  tokens: readonly string[],
  more: (isFirst: boolean) => string = () => '',
): Handler {
  return (request, response) => {
    const isIn = tokens.some((token) => request.headers.authorization === `Bearer ${token}`)
    if (!isIn) response.writeHead(401, bearer(realm(), more(request.headers.authorization === undefined))).end()
    else response.writeHead(200, { 'content-type': MEDIA_TYPE.ociManifest }).end(image.manifest.bytes)
  }
}

const realmOf = (server: MockRegistry): string => `http://${server.address}/token`

test('asks once for a token that many requests want at the same time, and keeps it', async () => {
  await using tokens = await mockRegistry(json({ access_token: 't1', expires_in: 300 }))
  await using registry = await mockRegistry(guarded(() => realmOf(tokens), ['t1']))
  await using client = testClient()
  const name = { registry: registry.address, repository: 'a' }
  await Promise.all(Array.from({ length: 8 }, () => client.repository(name, auth).manifest('1', calm)))
  await client.repository(name, auth).manifest('1', calm)
  assert.deepEqual(tokens.asked, ['GET /token?service=s&scope=repository%3Aa%3Apull&client_id=caisson'])
  assert.match(tokens.headers[0]?.authorization ?? '', /^Basic /)
  await client.repository(name, { ...auth, password: 'other' }).manifest('1', calm)
  assert.equal(tokens.asked.length, 2)
})

test('gets another token when the registry takes the old one no more', async () => {
  await using tokens = await mockRegistry((_request, response, count) => response.end(`{"token":"t${count}"}`))
  const good = ['t0']
  await using registry = await mockRegistry(guarded(() => realmOf(tokens), good))
  await using client = testClient()
  const repository = client.repository({ registry: registry.address, repository: 'a' })
  await repository.manifest('1', calm)
  good[0] = 't1'
  await repository.manifest('1', calm)
  assert.equal(tokens.asked.length, 2)
})

test('asks once more for a scope that the registry misses, and gives up then', async () => {
  await using tokens = await mockRegistry((request, response) =>
    response.end(JSON.stringify({ token: request.url?.includes('special') ? 'wide' : 'narrow' })),
  )
  const more = ',scope="repository:a:pull repository:special:pull",error="insufficient_scope"'
  await using registry = await mockRegistry(
    guarded(
      () => realmOf(tokens),
      ['wide'],
      (isFirst) => (isFirst ? '' : more),
    ),
  )
  await using client = testClient()
  await client.repository({ registry: registry.address, repository: 'a' }).manifest('1', calm)
  assert.equal(tokens.asked.length, 2)
  await using never = await mockRegistry(
    guarded(
      () => realmOf(tokens),
      [],
      (isFirst) => (isFirst ? '' : more),
    ),
  )
  await assert.rejects(client.repository({ registry: never.address, repository: 'b' }).manifest('1', calm), {
    code: 'unauthenticated',
  })
  assert.equal(never.asked.length, 3)
})

test('exchanges an identity token by POST, and by GET where that is not known', async () => {
  for (const status of [404, 405]) {
    await using tokens = await mockRegistry((request, response) => {
      if (request.method === 'POST') response.writeHead(status).end()
      else response.end('{"token":"t"}')
    })
    await using registry = await mockRegistry(guarded(() => realmOf(tokens), ['t']))
    await using client = testClient()
    await client
      .repository({ registry: registry.address, repository: 'a' }, { identityToken: 'id' })
      .manifest('1', calm)
    assert.deepEqual(
      tokens.asked.map((line) => line.split('?')[0]),
      ['POST /token', 'GET /token'],
    )
  }
})

test('sends a registry token as it is, and asks nobody for another', async () => {
  await using tokens = await mockRegistry(json({ token: 't' }))
  await using registry = await mockRegistry(guarded(() => realmOf(tokens), ['mine']))
  await using client = testClient()
  const name = { registry: registry.address, repository: 'a' }
  await client.repository(name, { registryToken: 'mine' }).manifest('1', calm)
  await assert.rejects(client.repository(name, { registryToken: 'old' }).manifest('1', calm), {
    code: 'unauthenticated',
  })
  assert.deepEqual(tokens.asked, [])
})

test('gives credentials to no token server of another site unless it is configured', async () => {
  await using tokens = await mockRegistry(json({ token: 't' }))
  const realm = (): string => `http://tokens.elsewhere.test:${tokens.port}/token`
  await using registry = await mockRegistry(guarded(realm, ['t']))
  const name = `registry.example.test:${registry.port}`
  const resolver = async () => [{ address: '127.0.0.1', family: 4 }]
  const repository = { registry: name, repository: 'a' }
  await using strict = testClient({ resolver, config: { [name]: { plainHttp: true } } })
  await assert.rejects(strict.repository(repository, auth).manifest('1', calm), (error) => {
    assert.ok(error instanceof Error && 'code' in error && 'reason' in error)
    assert.deepEqual([error.code, error.reason], ['permission-denied', 'REGISTRY_REALM_REFUSED'])
    assert.match(error.message, /tokenHosts/)
    return true
  })
  assert.deepEqual(tokens.asked, [])
  await strict.repository(repository).manifest('1', calm)
  assert.equal(tokens.headers[0]?.authorization, undefined)
  const tokenHosts = [`tokens.elsewhere.test:${tokens.port}`]
  await using told = testClient({ resolver, config: { [name]: { plainHttp: true, tokenHosts } } })
  await told.repository(repository, auth).manifest('1', calm)
  assert.match(tokens.headers[1]?.authorization ?? '', /^Basic /)
})

test('asks no token server where the registry itself could not be', async () => {
  for (const realm of ['http://169.254.169.254/token', 'http://metadata.test/token', 'file:///etc/passwd', 'x', '']) {
    await using registry = await mockRegistry(guarded(() => realm, ['t']))
    const resolver = async () => [{ address: '169.254.169.254', family: 4 }]
    await using client = testClient({ resolver })
    const repository = client.repository({ registry: registry.address, repository: 'a' })
    await assert.rejects(repository.manifest('1', calm), { code: 'permission-denied' }, realm)
  }
})

test('takes no token that is none', async () => {
  for (const body of [
    '{}',
    '[]',
    'token',
    '{"token":""}',
    '{"token":"a\\r\\nX: y"}',
    `{"token":"${'x'.repeat(300_000)}"}`,
  ]) {
    await using tokens = await mockRegistry((_request, response) => response.end(body))
    await using registry = await mockRegistry(guarded(() => realmOf(tokens), ['t']))
    await using client = testClient()
    const repository = client.repository({ registry: registry.address, repository: 'a' })
    await assert.rejects(repository.manifest('1', calm), { name: 'CaissonError' }, body.slice(0, 40))
  }
})

test('tells a token server that fails from one that refuses', async () => {
  for (const [status, code] of [
    [401, 'unauthenticated'],
    [403, 'unauthenticated'],
    [429, 'resource-exhausted'],
    [503, 'unavailable'],
  ] as const) {
    await using tokens = await mockRegistry((_request, response) => response.writeHead(status).end())
    await using registry = await mockRegistry(guarded(() => realmOf(tokens), ['t']))
    await using client = testClient()
    await assert.rejects(client.repository({ registry: registry.address, repository: 'a' }).manifest('1', calm), {
      code,
    })
  }
})
