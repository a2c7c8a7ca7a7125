import assert from 'node:assert/strict'
import { test } from 'node:test'
import { registriesConfig } from './config.ts'
import { endpointUrl } from './endpoint.ts'
import { registryHosts } from './registry-hosts.ts'

const originOf = (registry: string, config: object = {}): string | undefined =>
  registryHosts(registriesConfig.parse(config)).endpoints(registry).at(-1)?.origin

test('speaks https to all registries but those of this host and those that are listed', () => {
  assert.equal(originOf('docker.io'), 'https://registry-1.docker.io')
  assert.equal(originOf('ghcr.io'), 'https://ghcr.io')
  assert.equal(originOf('10.0.0.1:5000'), 'https://10.0.0.1:5000')
  for (const host of ['localhost', 'localhost:5000', '127.0.0.1:5000', '127.9.9.9', '[::1]:5000'])
    assert.equal(originOf(host), `http://${host}`)
  for (const host of ['localhost.evil.test', '127.0.0.1.evil.test', '127-0-0-1.test', '[::2]:5000'])
    assert.match(originOf(host) ?? '', /^https:/, host)
  assert.equal(originOf('a.test', { 'a.test': { plainHttp: true } }), 'http://a.test')
  assert.equal(originOf('b.test', { 'a.test': { plainHttp: true } }), 'https://b.test')
  assert.equal(originOf('localhost:1', { '*': { plainHttp: false } }), 'https://localhost:1')
})

test('puts mirrors first, and lets an own entry stand for the common one', () => {
  const config = registriesConfig.parse({
    '*': { mirrors: [{ url: 'https://cache.test', repositoryPrefix: 'all/' }] },
    'own.test': { mirrors: [{ url: 'http://one.test:81/', apiPath: '' }, { url: 'https://two.test' }] },
  })
  const hosts = registryHosts(config)
  assert.deepEqual(
    hosts.endpoints('own.test').map(({ origin, isMirror }) => [origin, isMirror]),
    [
      ['http://one.test:81', true],
      ['https://two.test', true],
      ['https://own.test', false],
    ],
  )
  const [first, last] = hosts.endpoints('docker.io')
  assert.ok(first && last)
  assert.equal(
    endpointUrl(first, '/all/a/tags/list', { n: '1' }).href,
    'https://cache.test/v2/all/a/tags/list?n=1&ns=docker.io',
  )
  assert.equal(endpointUrl(last, '/a/tags/list').href, 'https://registry-1.docker.io/v2/a/tags/list')
})

test('refuses a configuration that says something else', () => {
  const wrong = [
    { 'a.test': { mirror: [] } },
    { 'a.test/path': {} },
    { 'a.test': { mirrors: [{ url: 'ftp://x' }] } },
    { 'a.test': { mirrors: [{ url: 'https://u:p@x' }] } },
    { 'a.test': { mirrors: [{ url: 'https://x/path' }] } },
    { 'a.test': { mirrors: [{ url: 'https://x', repositoryPrefix: 'a' }] } },
    { 'a.test': { mirrors: [{ url: 'https://x', apiPath: '/v2/' }] } },
    { 'a.test': { caFile: 'relative.pem' } },
    { 'a.test': { headers: { 'X-A': 'b\r\nc' } } },
    { 'a.test': { plainHttp: 'yes' } },
  ]
  for (const config of wrong) assert.ok(!registriesConfig.safeParse(config).success, JSON.stringify(config))
  const missing = registriesConfig.parse({ 'a.test': { caFile: '/not/there.pem' } })
  assert.throws(() => registryHosts(missing), { reason: 'REGISTRY_CONFIG_INVALID', message: /\/not\/there\.pem/ })
})
