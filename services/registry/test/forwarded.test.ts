import assert from 'node:assert/strict'
import { request } from 'node:http'
import { text } from 'node:stream/consumers'
import { test } from 'node:test'
import { digestOf } from '@caisson/oci'
import { basic, grant, PASSWORD, startWithUsers } from './registry-users.ts'

/** Loopback has many addresses: this one is the proxy's, the others are anybody's. */
const PROXY = '127.0.0.77'
const STRANGER = '127.0.0.66'
const trusting = { config: { trustedProxies: [PROXY] } }

interface Sent {
  readonly from: string
  readonly method?: string
  readonly headers?: Readonly<Record<string, string>>
}

/** A request from an address of our choice. */
async function send(url: string, path: string, { from, method = 'GET', headers = {} }: Sent) {
  return await new Promise<{ status: number; challenge: string; location: string }>((resolve, reject) => {
    const asked = request(new URL(path, url), { localAddress: from, method, headers, agent: false }, (response) => {
      const { statusCode: status = 0, headers: answered } = response
      const challenge = answered['www-authenticate'] ?? ''
      text(response).then(() => resolve({ status, challenge, location: answered.location ?? '' }), reject)
    })
    asked.once('error', reject).end()
  })
}

const realm = (challenge: string): string => /realm="([^"]*)"/.exec(challenge)?.[1] ?? ''
const forwarded = { 'x-forwarded-proto': 'https', 'x-forwarded-host': 'registry.example' }

test('a trusted proxy says by which name and protocol clients come, and the token service is named so', async () => {
  await using registry = await startWithUsers(trusting)
  const { challenge } = await send(registry.url, '/v2/', { from: PROXY, headers: forwarded })
  assert.equal(realm(challenge), 'https://registry.example/token')
  const plain = await send(registry.url, '/v2/', { from: PROXY, headers: { host: 'inside.example' } })
  assert.equal(realm(plain.challenge), 'http://inside.example/token')
})

test('nobody else is believed, with or without trusted proxies', async () => {
  await using trusts = await startWithUsers(trusting)
  await using trustsNobody = await startWithUsers()
  for (const [registry, from] of [
    [trusts, STRANGER],
    [trustsNobody, PROXY],
  ] as const) {
    const { challenge } = await send(registry.url, '/v2/team/app/tags/list', { from, headers: forwarded })
    assert.equal(realm(challenge), `${registry.url}/token`)
  }
})

test('the first of several proxies cannot be made up: what the trusted one added counts', async () => {
  await using registry = await startWithUsers(trusting)
  const headers = {
    'x-forwarded-proto': 'http, https',
    'x-forwarded-host': 'evil.example, registry.example',
  }
  const { challenge } = await send(registry.url, '/v2/', { from: PROXY, headers })
  assert.equal(realm(challenge), 'https://registry.example/token')
})

test('a configured name holds against every header', async () => {
  const config = { trustedProxies: [PROXY], publicUrl: 'https://public.example' }
  await using registry = await startWithUsers({ config })
  for (const from of [PROXY, STRANGER]) {
    const { challenge } = await send(registry.url, '/v2/', { from, headers: { ...forwarded, host: 'evil.example' } })
    assert.equal(realm(challenge), 'https://public.example/token')
  }
})

test('names that would break out of a header stay within their quotes', async () => {
  await using registry = await startWithUsers(trusting)
  const headers = { 'x-forwarded-host': 'a";error="x\\' }
  const { challenge } = await send(registry.url, '/v2/', { from: PROXY, headers })
  assert.equal(challenge, 'Bearer realm="http://a\\";error=\\"x\\\\/token",service="caisson-registry"')
})

test('Location leads to where the client is, whatever it is told to be', async () => {
  await using registry = await startWithUsers(trusting)
  await registry.administration.createUser('alice', PASSWORD, [grant('team/*', 'pull', 'push')])
  for (const from of [PROXY, STRANGER]) {
    const headers = { ...forwarded, ...basic('alice', PASSWORD) }
    const begun = await send(registry.url, '/v2/team/app/blobs/uploads/', { from, method: 'POST', headers })
    assert.equal(begun.status, 202)
    assert.match(begun.location, /^\/v2\/team\/app\/blobs\/uploads\/[^/]+$/)
    const finish = `${begun.location}?digest=${digestOf('')}`
    const { status, location } = await send(registry.url, finish, { from, method: 'PUT', headers })
    assert.deepEqual([status, location], [201, `/v2/team/app/blobs/${digestOf('')}`])
  }
})

/** Failed logins until one is refused as too many; -1: never. */
async function failures(url: string, from: string, address: (n: number) => string): Promise<number> {
  for (let n = 0; n < 14; n++) {
    const headers = { ...basic('alice', 'wrong'), 'x-forwarded-for': address(n) }
    const { status } = await send(url, '/token?service=caisson-registry', { from, headers })
    if (status === 429) return n
    assert.equal(status, 401)
  }
  return -1
}

test('guesses of passwords are counted by the source that the trusted proxy names', async () => {
  await using registry = await startWithUsers(trusting)
  await registry.administration.createUser('alice', PASSWORD, [])
  const { url } = registry
  assert.equal(await failures(url, STRANGER, (n) => `192.0.2.${n}`), 10, 'a stranger makes sources up')
  assert.equal(await failures(url, PROXY, (n) => `192.0.2.${n}, 198.51.100.1`), 10, 'a client behind the proxy does')
  assert.equal(await failures(url, PROXY, (n) => `203.${n}.113.1`), -1, 'the proxy has many clients')
})

test('subnets are trusted as subnets', async () => {
  await using registry = await startWithUsers({ config: { trustedProxies: ['127.0.0.64/28', '2001:db8::/32'] } })
  const name = async (from: string): Promise<string> =>
    realm((await send(registry.url, '/v2/', { from, headers: forwarded })).challenge)
  assert.equal(await name(PROXY), 'https://registry.example/token')
  assert.equal(await name('127.0.0.80'), `${registry.url}/token`)
})
