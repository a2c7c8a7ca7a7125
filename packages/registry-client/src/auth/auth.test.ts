import assert from 'node:assert/strict'
import { test } from 'node:test'
import { registriesConfig } from '../hosts/config.ts'
import type { Endpoint } from '../hosts/endpoint.ts'
import { registryHosts } from '../hosts/registry-hosts.ts'
import { trustedRealm } from './realm.ts'
import { mergeScopes, parseScopes } from './scope.ts'
import { TokenCache } from './token-cache.ts'

function endpoint(registry: string, config: object = {}): Endpoint {
  const own = registryHosts(registriesConfig.parse(config)).endpoints(registry).at(-1)
  assert.ok(own)
  return own
}

const isTrusted = (registry: string, realm: string, config: object = {}): boolean => {
  try {
    return trustedRealm(realm, endpoint(registry, config), true).href !== ''
  } catch (error) {
    assert.ok(error instanceof Error && 'reason' in error && error.reason === 'REGISTRY_REALM_REFUSED', String(error))
    return false
  }
}

test('trusts token servers of the same site with credentials', () => {
  const trusted = [
    ['docker.io', 'https://auth.docker.io/token'],
    ['ghcr.io', 'https://ghcr.io/token'],
    ['registry.gitlab.com', 'https://gitlab.com/jwt/auth'],
    ['a.example.test:5000', 'https://a.example.test:6000/token'],
    ['localhost:5000', 'http://127.0.0.1:5001/token'],
    ['10.0.0.5:5000', 'https://10.0.0.5/token'],
  ] as const
  for (const [registry, realm] of trusted) assert.ok(isTrusted(registry, realm), realm)
  const refused = [
    ['docker.io', 'http://auth.docker.io/token'],
    ['docker.io', 'https://auth.docker.io.evil.test/token'],
    ['docker.io', 'https://evildocker.io/token'],
    ['docker.io', 'https://u:p@auth.docker.io/token'],
    ['docker.io', 'https://127.0.0.1/token'],
    ['ghcr.io', 'https://evil.io/token'],
    ['10.0.0.5:5000', 'https://10.0.0.6/token'],
    ['10.0.0.5:5000', 'https://1.0.0.5/token'],
    ['docker.io', 'ftp://auth.docker.io/'],
    ['docker.io', '//'],
    // Others have hosts below the same suffix.
    ['registry.co.uk', 'https://other.co.uk/token'],
    ['me.github.io', 'https://other.github.io/token'],
  ] as const
  for (const [registry, realm] of refused) assert.ok(!isTrusted(registry, realm), realm)
  const tokenHosts = ['login.other.test']
  assert.ok(isTrusted('a.test', 'https://login.other.test/t', { 'a.test': { tokenHosts } }))
  assert.ok(!isTrusted('a.test', 'https://login.other.test:8443/t', { 'a.test': { tokenHosts } }))
})

test('gives credentials of a confined registry to its own host and port, and to listed ones', () => {
  const confined = (realm: string, tokenHosts: readonly string[] = []): boolean => {
    const confinement = { reaches: new Set(['public'] as const) }
    try {
      return trustedRealm(realm, { ...endpoint('registry.a.test', {}), tokenHosts, confinement }, true).href !== ''
    } catch {
      return false
    }
  }
  assert.ok(confined('https://registry.a.test/token'))
  assert.ok(confined('https://auth.a.test/token', ['auth.a.test']))
  for (const realm of [
    'https://auth.a.test/token',
    'https://a.test/',
    'https://registry.a.test:8443/',
    'http://registry.a.test/',
  ])
    assert.ok(!confined(realm), realm)
})

test('reads scopes and puts them together, up to 64', () => {
  assert.deepEqual(parseScopes('repository:a/b:pull,push registry:catalog:* x "y" repository::'), [
    'repository:a/b:pull,push',
    'registry:catalog:*',
  ])
  assert.equal(parseScopes('repository:a:pull '.repeat(100_000)).length, 64)
  assert.deepEqual(mergeScopes(['repository:a:pull', 'repository:b:pull'], ['repository:a:push,pull']), [
    'repository:a:pull,push',
    'repository:b:pull',
  ])
})

test('asks for a token once while it holds, and again when it is over or could not be had', async () => {
  const cache = new TokenCache()
  const question = { realm: new URL('https://x/'), service: 's', scopes: ['a', 'b'], auth: undefined }
  let asked = 0
  const give = (lifeMs: number) => async () => ({ value: `t${asked++}`, expiresAt: performance.now() + lifeMs })
  await assert.rejects(
    cache.get(question, () => Promise.reject(new Error('no'))),
    /no/,
  )
  const both = await Promise.all([
    cache.get(question, give(-1)),
    cache.get({ ...question, scopes: ['b', 'a'] }, give(60_000)),
  ])
  assert.deepEqual(both.map(({ value }) => value).sort(), ['t0', 't1'])
  assert.equal((await cache.get(question, give(1))).value, 't1')
  cache.forget(question)
  assert.equal((await cache.get(question, give(1000))).value, 't2')
  assert.equal((await cache.get({ ...question, auth: { username: 'u' } }, give(1000))).value, 't3')
})
