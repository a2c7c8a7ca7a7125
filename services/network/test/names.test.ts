import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, test } from 'node:test'
import type { Partially } from '@caisson/api'
import { type Attachment, type CreateSandboxRequest, type Sandbox, SandboxMode } from '@caisson/api/network'
import { FakeHost } from './fake-host.ts'
import { makeThreeNetworks, namespaceOf, type Served, serveOn } from './served.ts'

// Names of sandboxes over gRPC, on a real database, with a host and a name server in memory.

let root: string
let host: FakeHost
let served: Served

const create = (
  name: string,
  attachments: readonly Partially<Attachment>[],
  partial: Partially<CreateSandboxRequest> = {},
): Promise<Sandbox> => served.sandboxes.create({ id: `${name}-id`, name, attachments, ...partial })

const connect = (name: string, network: string, aliases: string[] = []): Promise<Sandbox> =>
  served.sandboxes.connect({ sandboxId: `${name}-id`, attachment: { network, aliases } })

const disconnect = (name: string, network: string): Promise<Sandbox> =>
  served.sandboxes.disconnect({ sandboxId: `${name}-id`, network })

const ask = (asker: Sandbox, name: string): readonly string[] => served.nameServer.ask(namespaceOf(asker), name)
const lastLines = ({ hosts }: Sandbox, count: number): string[] => hosts.trimEnd().split('\n').slice(-count)

async function restart(): Promise<void> {
  await served[Symbol.asyncDispose]()
  served = await serveOn(root, host)
}

const FORWARDED = ['ask 10.0.0.53:53']

beforeEach(async () => {
  root = mkdtempSync(join(tmpdir(), 'caisson-names-'))
  host = new FakeHost()
  served = await serveOn(root, host)
  await makeThreeNetworks(served)
})

afterEach(async () => {
  await served.service.close()
  await served[Symbol.asyncDispose]()
  rmSync(root, { recursive: true })
})

test('a sandbox is found from when it is made until it is deleted, on the default network, too', async () => {
  const asker = await create('asker', [{ network: '' }])
  const web = await create('web', [{ network: '', aliases: ['www'] }], { hostname: 'shop' })
  assert.deepEqual(web.endpoints[0]?.dnsNames, ['web', 'www', 'web-id', 'shop'])
  assert.equal(web.resolvConf, 'nameserver 127.0.0.11\nsearch lan\noptions ndots:0\n')
  for (const name of ['web', 'www', 'shop', 'web.bridge']) assert.deepEqual(ask(asker, name), ['172.16.0.3'], name)
  assert.equal(served.nameServer.askReverse(namespaceOf(asker), '172.16.0.3'), 'web.bridge')
  await served.sandboxes.delete({ id: 'web-id' })
  assert.deepEqual(ask(asker, 'web'), FORWARDED)
  assert.ok(!served.nameServer.opened.has(namespaceOf(web)))
})

test('connect brings names and the way to others, and disconnect takes both away', async () => {
  const one = await create('one', [{ network: 'front' }])
  const two = await create('two', [{ network: 'back' }])
  assert.deepEqual(ask(one, 'two'), FORWARDED)
  await connect('one', 'back', ['uno'])
  assert.deepEqual(ask(one, 'two'), ['10.2.0.2'])
  assert.deepEqual(ask(two, 'uno'), ['10.2.0.3'])
  await disconnect('one', 'back')
  assert.deepEqual(ask(one, 'two'), FORWARDED)
  assert.deepEqual(ask(two, 'uno'), FORWARDED)
  assert.deepEqual(ask(two, 'one'), FORWARDED)
})

test('the hosts file follows the connections, also that of who shares the namespace', async () => {
  const extraHosts = { 'host.lan': 'host-gateway' }
  const one = await create('one', [{ network: 'vault' }], { hostname: 'one.lan', dns: { extraHosts } })
  await served.sandboxes.create({ id: 'guest', mode: SandboxMode.SHARED, sharedSandboxId: 'one-id' })
  assert.deepEqual(lastLines(one, 2), ['10.9.0.1\thost.lan', '10.9.0.2\tone.lan one'])
  const lines = ['10.1.0.1\thost.lan', '10.9.0.2\tone.lan one', '10.1.0.2\tone.lan one']
  assert.deepEqual(lastLines(await connect('one', 'front'), 3), lines)
  assert.deepEqual(lastLines(await served.sandboxes.get({ id: 'guest' }), 3), lines)
  await restart()
  assert.deepEqual(lastLines(await disconnect('one', 'vault'), 2), ['10.1.0.1\thost.lan', '10.1.0.2\tone.lan one'])
  assert.deepEqual(lastLines(await disconnect('one', 'front'), 2), ['127.0.0.1\thost.lan', '127.0.0.1\tone.lan one'])
})

test('who shares a namespace has its files, asks as it does, and is not found itself', async () => {
  const one = await create('one', [{ network: 'front' }], { hostname: 'one', dns: { servers: ['9.9.9.9'] } })
  const shared = { id: 'guest-id', name: 'guest', mode: SandboxMode.SHARED, sharedSandboxId: 'one-id' }
  const guest = await served.sandboxes.create(shared)
  assert.deepEqual([guest.resolvConf, guest.hosts], [one.resolvConf, one.hosts])
  assert.deepEqual(guest.endpoints[0]?.dnsNames, [])
  await assert.rejects(served.sandboxes.create({ ...shared, id: 'other', dns: { servers: ['1.1.1.1'] } }), {
    code: 'invalid-argument',
    message: /dns/,
  })
  await served.sandboxes.delete({ id: 'one-id' })
  await restart()
  assert.deepEqual(ask(guest, 'guest'), ['ask 9.9.9.9:53'])
  assert.deepEqual(ask(guest, 'one'), ['ask 9.9.9.9:53'], 'whose namespace it was is gone')
})

test('NET-11: an internal network asks nobody outside and is told nothing of the host', async () => {
  const alone = await create('alone', [{ network: 'vault' }], { dns: { servers: ['9.9.9.9'] } })
  assert.equal(alone.resolvConf, 'nameserver 127.0.0.11\noptions ndots:0\n')
  assert.deepEqual(ask(alone, 'example.org'), [])
  assert.deepEqual(ask(alone, 'host.docker.internal'), [])
  const both = await connect('alone', 'front')
  assert.equal(both.resolvConf, 'nameserver 127.0.0.11\nsearch lan\noptions ndots:0\n')
  assert.deepEqual(ask(alone, 'example.org'), ['ask 9.9.9.9:53'])
  assert.deepEqual((await disconnect('alone', 'front')).resolvConf, alone.resolvConf)
  assert.deepEqual(ask(alone, 'example.org'), [])
})

test('NET-12: an alias that no name server can be asked for is refused', async () => {
  for (const alias of ['a..b', `${'x'.repeat(64)}.org`, '-a', 'a b', 'a/b', '*.org', ''])
    await assert.rejects(create('one', [{ network: 'front', aliases: [alias] }]), {
      code: 'invalid-argument',
      message: new RegExp(`aliases ${JSON.stringify(alias).slice(0, 40).replace('*', '\\*')}`),
    })
  await create('one', [{ network: 'front' }])
  await assert.rejects(connect('one', 'back', ['a..b']), { code: 'invalid-argument', message: /aliases "a\.\.b"/ })
})

test('after a restart everything is as it was, also what lies ready', async () => {
  await served[Symbol.asyncDispose]()
  served = await serveOn(root, host, { poolSize: 1, barePoolSize: 0 })
  const asker = await create('asker', [{ network: 'front' }, { network: 'vault' }])
  await create('web', [{ network: 'vault', aliases: ['www'] }])
  await create('plain', [{ network: '' }])
  for (let tries = 0; served.nameServer.opened.size < 4 && tries < 100; tries++)
    await new Promise((resolve) => setTimeout(resolve, 10))
  const before = served.nameServer
  assert.equal(before.opened.size, 4, 'one lies ready')
  assert.equal(before.views.size, 3, 'and sees nothing')
  await served.service.close()
  await restart()
  const after = served.nameServer
  assert.notEqual(before, after)
  assert.deepEqual(new Map([...after.opened].toSorted()), new Map([...before.opened].toSorted()))
  assert.deepEqual([after.names, after.reverses, after.views], [before.names, before.reverses, before.views])
  assert.deepEqual(ask(asker, 'www'), ['10.9.0.3'])
})

test('a namespace whose name server does not open is not given out', async () => {
  served.nameServer.failure = new Error('no')
  await assert.rejects(create('one', [{ network: 'front' }]), { code: 'internal' })
  assert.deepEqual([host.namespaces.size, host.admitted.size, served.nameServer.opened.size], [0, 0, 0])
  const one = await create('one', [{ network: 'front', ipv4Address: '10.1.0.2' }])
  assert.deepEqual(ask(one, 'one'), ['10.1.0.2'])
})

test('a failed disconnect leaves the names that are still there', async () => {
  const one = await create('one', [{ network: 'front' }])
  host.failure = { at: 'expel', error: new Error('no') }
  await assert.rejects(disconnect('one', 'front'), { code: 'internal' })
  assert.deepEqual(ask(one, 'one'), ['10.1.0.2'])
})

test("the host's name servers are the fallback when it names none", async () => {
  const one = await create('one', [{ network: 'front' }])
  served.service.useHostNameServers('nameserver 127.0.0.53\nnameserver fd00::53\n')
  assert.deepEqual(ask(one, 'example.org'), ['ask 127.0.0.53:53', 'ask fd00::53:53'])
  served.service.useHostNameServers('')
  assert.deepEqual(ask(one, 'example.org'), ['ask 1.1.1.1:53', 'ask 8.8.8.8:53'])
})

test('without networks of its own a sandbox has no name server', async () => {
  const none = await served.sandboxes.create({ id: 'none', mode: SandboxMode.NONE, name: 'none' })
  const onHost = await served.sandboxes.create({ id: 'host', mode: SandboxMode.HOST, name: 'host' })
  assert.equal(none.resolvConf, 'nameserver 10.0.0.53\nsearch lan\n')
  assert.equal(onHost.resolvConf, none.resolvConf)
  assert.deepEqual([...served.nameServer.opened, ...served.nameServer.names], [])
})
