import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { SandboxMode } from '@caisson/api/network'
import type { NetworkService } from '../src/service.ts'
import type { NetworkStore } from '../src/store/network-store.ts'
import { FakeHost } from './fake-host.ts'
import { type Served, serveOn } from './served.ts'

let root: string
let host: FakeHost
let service: NetworkService
let store: NetworkStore
let served: Served
let sandboxes: Served['sandboxes']
let networks: Served['networks']

async function start(sizes: { poolSize: number; barePoolSize: number }): Promise<void> {
  served = await serveOn(root, host, sizes)
  service = served.service
  store = served.store
  sandboxes = served.sandboxes
  networks = served.networks
}

beforeEach(async () => {
  root = mkdtempSync(join(tmpdir(), 'caisson-network-'))
  host = new FakeHost()
  await start({ poolSize: 0, barePoolSize: 0 })
})

afterEach(async () => {
  await service.close()
  await served[Symbol.asyncDispose]()
  rmSync(root, { recursive: true })
})

test('gives addresses in order, with everything the runtime needs', async () => {
  const one = await sandboxes.create({ id: 'one', name: 'web', hostname: 'web' })
  const two = await sandboxes.create({ id: 'two' })
  assert.equal(one.mode, SandboxMode.BRIDGE)
  assert.match(one.namespacePath, /^\/run\/netns\/[0-9a-f]{16}$/)
  const [endpoint] = one.endpoints
  assert.equal(endpoint?.ipv4Address, '172.16.0.2/20')
  assert.equal(endpoint?.ipv4Gateway, '172.16.0.1')
  assert.equal(endpoint?.macAddress, '02:42:ac:10:00:02')
  assert.deepEqual(endpoint?.dnsNames, ['web', 'one'])
  assert.equal(two.endpoints[0]?.ipv4Address, '172.16.0.3/20')
  assert.equal(one.resolvConf, 'nameserver 127.0.0.11\nsearch lan\noptions ndots:0\n')
  assert.match(one.hosts, /^172\.16\.0\.2\tweb$/m)
})

test('makes several at once, all or none', async () => {
  const { sandboxes: made } = await sandboxes.createAll({ sandboxes: [{ id: 'one' }, { id: 'two', name: 'two' }] })
  assert.deepEqual(
    made.map(({ id }) => id),
    ['one', 'two'],
  )
  const refused = [{ id: 'three' }, { id: 'four', attachments: [{ network: 'nowhere' }] }]
  await assert.rejects(sandboxes.createAll({ sandboxes: refused }), { reason: 'NETWORK_NOT_FOUND' })
  await assert.rejects(sandboxes.createAll({ sandboxes: [{ id: 'two' }, { id: 'five' }] }), {
    reason: 'SANDBOX_EXISTS',
  })
  assert.deepEqual(
    (await sandboxes.list({})).sandboxes.map(({ id }) => id),
    ['one', 'two'],
  )
  const many = Array.from({ length: 17 }, (_, index) => ({ id: `s${index}` }))
  await assert.rejects(sandboxes.createAll({ sandboxes: many }), { code: 'invalid-argument' })
})

test('touches the host only when a bridge is first needed', async () => {
  await sandboxes.create({ id: 'none', mode: SandboxMode.NONE })
  await sandboxes.create({ id: 'host', mode: SandboxMode.HOST })
  assert.deepEqual([...host.bridges], [])
  assert.equal(host.forwarding, false)
  await sandboxes.create({ id: 'bridge' })
  assert.deepEqual([...host.bridges], ['csn000000'])
  assert.deepEqual(host.programmed, ['bridge'])
  assert.equal(host.forwarding, true)
})

test('leaves nothing on the host when it stops and no sandbox is left', async () => {
  await sandboxes.create({ id: 'one' })
  await sandboxes.delete({ id: 'one' })
  await service.close()
  assert.deepEqual([...host.namespaces, ...host.bridges, ...host.programmed, ...host.admitted], [])
  assert.equal(host.forwarding, false)
})

test('lists, finds and filters networks', async () => {
  const { networks: all } = await networks.list({})
  assert.deepEqual(all.map(({ name }) => name).toSorted(), ['bridge', 'host', 'none'])
  const bridge = await networks.get({ network: '' })
  assert.equal(bridge.name, 'bridge')
  assert.equal(bridge.mtu, 1400)
  assert.equal((await networks.get({ network: bridge.id.slice(0, 20) })).id, bridge.id)
  await sandboxes.create({ id: 'one' })
  assert.equal((await networks.get({ network: 'bridge' })).endpoints, 1)
  assert.equal((await networks.list({ filter: { names: ['host'] } })).networks.length, 1)
  await assert.rejects(networks.get({ network: 'nowhere' }), { code: 'not-found', reason: 'NETWORK_NOT_FOUND' })
  await assert.rejects(networks.delete({ network: 'bridge' }), { reason: 'NETWORK_BUILTIN' })
  await assert.rejects(sandboxes.create({ id: 'x', attachments: [{ network: 'host' }] }), { reason: 'NOT_A_BRIDGE' })
})

test('lists sandboxes of one network', async () => {
  await sandboxes.create({ id: 'one' })
  await sandboxes.create({ id: 'two', mode: SandboxMode.NONE })
  const ids = async (network: string) => (await sandboxes.list({ network })).sandboxes.map(({ id }) => id)
  assert.deepEqual(await ids(''), ['one', 'two'])
  assert.deepEqual(await ids('bridge'), ['one'])
})

for (const at of ['makeNamespace', 'admit'] as const)
  test(`a create that fails at ${at} leaves nothing, and its address is free again`, async () => {
    host.failure = { at, error: Object.assign(new Error('no'), { code: 'ENOMEM' }) }
    await assert.rejects(sandboxes.create({ id: 'one', attachments: [{ ipv4Address: '172.16.0.9' }] }), {
      code: 'internal',
    })
    assert.deepEqual([...host.namespaces, ...host.admitted, ...store.namespaces(), ...store.sandboxes()], [])
    const again = await sandboxes.create({ id: 'one', attachments: [{ ipv4Address: '172.16.0.9' }] })
    assert.equal(again.endpoints[0]?.ipv4Address, '172.16.0.9/20')
  })

test('a delete that fails can be tried again', async () => {
  await sandboxes.create({ id: 'one' })
  host.failure = { at: 'expel', error: new Error('no') }
  await assert.rejects(sandboxes.delete({ id: 'one' }), { code: 'internal' })
  assert.equal((await sandboxes.get({ id: 'one' })).id, 'one')
  await sandboxes.delete({ id: 'one' })
  assert.deepEqual([...host.namespaces, ...store.namespaces()], [])
})

test('takes ready namespaces, fills up, and replaces one that somebody removed', async () => {
  await service.close()
  await served[Symbol.asyncDispose]()
  await start({ poolSize: 2, barePoolSize: 0 })
  await sandboxes.create({ id: 'one' })
  const ready = () => store.namespaces().filter(({ id }) => store.usersOf(id) === 0)
  const full = async () => {
    for (let tries = 0; tries < 200 && ready().length < 2; tries++) await sleep(5)
    return ready().map(({ id }) => id)
  }
  const before = await full()
  assert.equal(before.length, 2)
  host.releaseNamespace(before[0] ?? '')
  const two = await sandboxes.create({ id: 'two' })
  assert.equal(two.namespacePath, host.namespacePath(before[1] ?? ''))
  assert.ok(!store.namespaces().some(({ id }) => id === before[0]))
  const after = await full()
  // A wanted address that lies on the shelf is taken from there, or out of the way of another wish.
  const endpoint = store.namespaces().find(({ id }) => id === after[0])?.endpoints[0]
  assert.ok(endpoint !== undefined)
  const address = `172.16.0.${endpoint.address & 0xff}`
  const three = await sandboxes.create({ id: 'three', attachments: [{ ipv4Address: address, interfaceName: 'net0' }] })
  assert.equal(three.endpoints[0]?.ipv4Address, `${address}/20`)
  assert.ok(!host.namespaces.has(after[0] ?? ''))
})

test('moves the default network away from a subnet that the host came to use', async () => {
  await service.close()
  await served[Symbol.asyncDispose]()
  host.used = [{ base: 0xac100000, prefixLength: 16 }]
  await start({ poolSize: 0, barePoolSize: 0 })
  const one = await sandboxes.create({ id: 'one' })
  assert.equal(one.endpoints[0]?.ipv4Address, '172.17.0.2/20')
})

test('stays where it is while a sandbox uses it', async () => {
  await sandboxes.create({ id: 'one' })
  await served[Symbol.asyncDispose]()
  host.used = [{ base: 0xac100000, prefixLength: 16 }]
  await start({ poolSize: 0, barePoolSize: 0 })
  const two = await sandboxes.create({ id: 'two' })
  assert.equal(two.endpoints[0]?.ipv4Address, '172.16.0.3/20')
})

test('says so when every address or every subnet is in use', async () => {
  await service.close()
  await served[Symbol.asyncDispose]()
  host.used = [
    { base: 0xac000000, prefixLength: 8 },
    { base: 0xc0000000, prefixLength: 8 },
  ]
  await assert.rejects(start({ poolSize: 0, barePoolSize: 0 }), { reason: 'SUBNETS_EXHAUSTED' })
  host.used = []
  await served[Symbol.asyncDispose]()
  await start({ poolSize: 0, barePoolSize: 0 })
})

test('what is not there yet says so', async () => {
  const calls = [
    networks.create({ name: 'x', ipv6: true }),
    networks.create({ name: 'x', driver: 'macvlan' }),
    networks.create({ name: 'x', options: { 'com.docker.network.bridge.host_binding_ipv4': '127.0.0.1' } }),
  ]
  for (const call of calls) await assert.rejects(call, { code: 'unimplemented' })
})
