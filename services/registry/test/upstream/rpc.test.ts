import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { Channel, RpcServer, type ServiceClient } from '@caisson/api'
import { UpstreamsDefinition } from '@caisson/api/registry'
import { certificateAuthority, needsDockerRegistry, startDockerRegistry } from '@caisson/testkit'
import { Client } from '../client.ts'
import { startRegistry, type TestRegistry } from '../registry.ts'
import { basic } from '../registry-users.ts'

const skip = needsDockerRegistry()

interface Served extends AsyncDisposable {
  readonly registry: TestRegistry
  readonly upstreams: ServiceClient<typeof UpstreamsDefinition>
}

/** The service over a real socket. */
async function serve(): Promise<Served> {
  await using stack = new AsyncDisposableStack()
  const registry = stack.use(await startRegistry())
  const server = new RpcServer({ ended: () => {} })
  assert.ok(registry.service.register(server).includes('caisson.registry.v1.Upstreams'))
  const path = join(registry.dir, 'rpc.sock')
  await server.listenUnix(path)
  stack.defer(() => server.stop(100))
  const upstreams = stack.use(new Channel(`unix://${path}`)).client(UpstreamsDefinition)
  const owned = stack.move()
  return { registry, upstreams, [Symbol.asyncDispose]: () => owned.disposeAsync() }
}

test('sets, lists and removes upstreams, and never tells a password', async () => {
  await using served = await serve()
  const { upstreams } = served
  const login = { username: 'ann', password: 'the secret of ann' }
  const made = await upstreams.set({ name: 'registry.example', url: 'https://registry.example/', ...login })
  assert.deepEqual(
    [made.prefix, made.url, made.username, made.password, made.maxDownloads],
    ['registry.example', 'https://registry.example', 'ann', '', 8],
  )
  await upstreams.set({ name: 'other.example:5000', url: 'https://other.example:5000', prefix: 'mirrors/other/*' })
  const { upstreams: listed } = await upstreams.list({})
  assert.deepEqual(
    listed.map(({ name, prefix }) => [name, prefix]),
    [
      ['other.example:5000', 'mirrors/other'],
      ['registry.example', 'registry.example'],
    ],
  )
  assert.ok(!JSON.stringify([made, listed]).includes(login.password))
  await upstreams.delete({ name: 'registry.example' })
  await assert.rejects(upstreams.delete({ name: 'registry.example' }), { reason: 'UPSTREAM_NOT_FOUND' })
})

test('refuses what is no upstream, and says what to do', async () => {
  await using served = await serve()
  const good = { name: 'registry.example', url: 'https://registry.example' }
  for (const [bad, field] of [
    [{ name: '' }, 'name'],
    [{ name: 'a/b' }, 'name'],
    [{ name: 'registry.example:5000' }, 'prefix'],
    [{ prefix: 'UPPER' }, 'prefix'],
    [{ prefix: '..' }, 'prefix'],
    [{ url: 'http://registry.example' }, 'url'],
    [{ username: 'a:b', password: 'x' }, 'username'],
    [{ username: 'ann' }, 'password'],
    [{ password: 'x' }, 'username'],
    [{ tokenHosts: ['https://auth.example'] }, 'token_hosts'],
    [{ ca: 'no certificate' }, 'ca'],
    [{ revalidateSeconds: 31 * 86_400 }, 'revalidate_seconds'],
    [{ maxDownloads: 257 }, 'max_downloads'],
  ] as const)
    await assert.rejects(
      served.upstreams.set({ ...good, ...bad, tokenHosts: [...('tokenHosts' in bad ? bad.tokenHosts : [])] }),
      { code: 'invalid-argument', reason: 'UPSTREAM_INVALID_SETTING', details: { field } },
      JSON.stringify(bad),
    )
  assert.deepEqual((await served.upstreams.list({})).upstreams, [])
})

test('keeps a password while neither address nor user change, and sends it nowhere else', { skip }, async () => {
  await using served = await serve()
  const { registry, upstreams } = served
  await using upstream = await startDockerRegistry({ auth: { users: { ann: 'secret' } } })
  const { address, url } = upstream
  const headers = { ...basic('ann', 'secret'), 'content-type': 'application/vnd.oci.image.index.v1+json' }
  const body = JSON.stringify({ schemaVersion: 2, mediaType: headers['content-type'], manifests: [] })
  const put = await new Client(url).ask('PUT', '/v2/app/manifests/1', { headers, body })
  assert.equal(put.status, 201)
  const status = async () => (await new Client(registry.url).ask('GET', '/v2/hub/app/manifests/1')).status
  const settings = { name: address, url, prefix: 'hub', username: 'ann' }
  await upstreams.set({ ...settings, password: 'wrong' })
  assert.equal(await status(), 502)
  await upstreams.set({ ...settings, password: 'secret' })
  assert.equal(await status(), 200)
  await upstreams.set({ ...settings, revalidateSeconds: 5 })
  assert.equal(await status(), 200)
  const moved = { ...settings, url: url.replace('127.0.0.1', 'localhost') }
  await assert.rejects(upstreams.set(moved), { reason: 'UPSTREAM_INVALID_SETTING', details: { field: 'password' } })
  await assert.rejects(upstreams.set({ ...settings, username: 'bob' }), { details: { field: 'password' } })
})

test('takes over no repositories that were pushed, unless it is told to', async () => {
  await using served = await serve()
  const { registry, upstreams } = served
  await new Client(registry.url).pushImage('hub/app', '1', randomBytes(10))
  const settings = { name: 'registry.example', url: 'https://registry.example', prefix: 'hub' }
  await assert.rejects(upstreams.set(settings), { code: 'failed-precondition', reason: 'PREFIX_TAKEN' })
  await upstreams.set({ ...settings, adopt: true })
  await upstreams.set({ ...settings, revalidateSeconds: 1 })
  await assert.rejects(upstreams.set({ ...settings, name: 'other.example', adopt: true }), { reason: 'PREFIX_TAKEN' })
  const { upstreams: domain } = registry.service
  assert.deepEqual(await Promise.all(['hub/app', 'hub', 'hubs/app'].map((name) => domain.isMirrored(name as never))), [
    true,
    false,
    false,
  ])
})

test('trusts the authorities that are given, and no others', { skip }, async () => {
  await using served = await serve()
  const dir = mkdtempSync(join(tmpdir(), 'csn-upstream-ca-'))
  await using stack = new AsyncDisposableStack()
  stack.defer(() => rmSync(dir, { recursive: true, force: true }))
  const ca = certificateAuthority(dir)
  const { address: name, url } = stack.use(await startDockerRegistry({ tls: ca.issue('leaf', ['127.0.0.1']) }))
  const status = async () => (await new Client(served.registry.url).ask('GET', '/v2/hub/app/manifests/1')).status
  await served.upstreams.set({ name, url, prefix: 'hub' })
  assert.equal(await status(), 502)
  await served.upstreams.set({ name, url, prefix: 'hub', ca: readFileSync(ca.certFile, 'utf8') })
  assert.equal(await status(), 404)
})

test('downloads lie where only the user of the registry reads', async () => {
  await using served = await serve()
  assert.equal(statSync(join(served.registry.dir, 'downloads')).mode & 0o777, 0o700)
})
