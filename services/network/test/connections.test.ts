import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, test } from 'node:test'
import type { Partially } from '@caisson/api'
import { type Attachment, type Sandbox, SandboxMode } from '@caisson/api/network'
import { FakeHost } from './fake-host.ts'
import { makeThreeNetworks, namespaceOf, type Served, serveOn } from './served.ts'

// Sandboxes on several networks, over gRPC on a real database, with a host in memory.

let root: string
let host: FakeHost
let served: Served

const create = (id: string, ...attachments: Partially<Attachment>[]): Promise<Sandbox> =>
  served.sandboxes.create({ id, attachments } as Parameters<Served['sandboxes']['create']>[0])

const connect = (sandboxId: string, network: string, wish: Partially<Attachment> = {}): Promise<Sandbox> =>
  served.sandboxes.connect({ sandboxId, attachment: { network, ...wish } as Attachment })

const disconnect = (sandboxId: string, network: string, force = false): Promise<Sandbox> =>
  served.sandboxes.disconnect({ sandboxId, network, force })

const interfaces = ({ endpoints }: Sandbox): string[] =>
  endpoints.map(({ networkName, interfaceName }) => `${interfaceName}@${networkName}`)

beforeEach(async () => {
  root = mkdtempSync(join(tmpdir(), 'caisson-connections-'))
  host = new FakeHost()
  served = await serveOn(root, host)
  await makeThreeNetworks(served)
})

afterEach(async () => {
  await served.service.close()
  await served[Symbol.asyncDispose]()
  rmSync(root, { recursive: true })
})

test('has one interface a network, in order, with an address, a MAC address and names of its own', async () => {
  const one = await create(
    'one',
    { network: 'back', ipv4Address: '10.2.0.77', aliases: ['db', 'store'] },
    { network: 'front', interfaceName: 'eth1', macAddress: '02:00:00:00:00:07' },
    { network: '' },
  )
  assert.deepEqual(interfaces(one), ['eth0@back', 'eth1@front', 'eth2@bridge'])
  assert.deepEqual(
    one.endpoints.map(({ ipv4Address }) => ipv4Address),
    ['10.2.0.77/24', '10.1.0.2/24', '172.16.0.2/20'],
  )
  assert.equal(one.endpoints[1]?.macAddress, '02:00:00:00:00:07')
  assert.deepEqual(one.endpoints[0]?.dnsNames, ['db', 'store', 'one'])
  assert.equal(host.admitted.size, 3)
  assert.deepEqual(await served.sandboxes.get({ id: 'one' }), one)
  assert.deepEqual((await served.sandboxes.list({ network: 'front' })).sandboxes, [one])
})

test('refuses one network or one interface twice, and then leases nothing', async () => {
  await assert.rejects(create('one', { network: 'front' }, { network: 'front' }), { reason: 'ALREADY_CONNECTED' })
  await assert.rejects(
    create('one', { network: 'front', interfaceName: 'a' }, { network: 'back', interfaceName: 'a' }),
    {
      reason: 'INTERFACE_EXISTS',
    },
  )
  await assert.rejects(create('one', { network: 'front' }, { network: 'back', ipv4Address: '10.3.0.1' }), {
    reason: 'ADDRESS_OUT_OF_RANGE',
  })
  assert.deepEqual((await served.networks.prune({})).removed.length, 3, 'no network is in use')
})

test('an internal network has no gateway', async () => {
  const alone = await create('alone', { network: 'vault' })
  assert.equal(alone.endpoints[0]?.ipv4Gateway, '')
})

test('connects a living sandbox, tells of it, and takes it out again', async () => {
  const one = await create('one', { network: 'front' })
  const wired = await connect('one', 'back', { ipv4Address: '10.2.0.9' })
  assert.deepEqual(interfaces(wired), ['eth0@front', 'eth1@back'])
  assert.equal(host.ports.size, 2)
  assert.equal(host.admitted.size, 2)
  await assert.rejects(connect('one', 'back'), { code: 'conflict', reason: 'ALREADY_CONNECTED' })
  await assert.rejects(served.networks.delete({ network: 'back' }), { reason: 'NETWORK_IN_USE' })
  assert.deepEqual(interfaces(await disconnect('one', 'back')), ['eth0@front'])
  await assert.rejects(disconnect('one', 'back'), { code: 'failed-precondition', reason: 'NOT_CONNECTED' })
  assert.equal(host.ports.size, 1)
  assert.equal(host.admitted.size, 1)
  const last = served.events.read(undefined, 100).events.slice(-2)
  assert.deepEqual(
    last.map(({ type }) => type),
    ['sandbox.connected', 'sandbox.disconnected'],
  )
  assert.equal((await connect('one', 'back', { ipv4Address: '10.2.0.9' })).namespacePath, one.namespacePath)
})

test('the default route follows the priority, and what is left', async () => {
  const one = await create('one', { network: 'front' })
  const route = () => host.routes.get(namespaceOf(one))
  await connect('one', 'back')
  assert.equal(route(), undefined, 'stays with the first')
  await connect('one', '', { gatewayPriority: 5 })
  assert.equal(route(), 'eth2')
  await connect('one', 'vault', { gatewayPriority: 9 })
  assert.equal(route(), 'eth2', 'an internal network leads nowhere')
  await disconnect('one', 'bridge')
  assert.equal(route(), 'eth0')
  await disconnect('one', 'front')
  assert.equal(route(), 'eth1')
  assert.deepEqual(interfaces(await connect('one', 'front')), ['eth1@back', 'eth3@vault', 'eth0@front'])
})

for (const at of ['connect', 'admit'] as const)
  test(`a connect that fails at ${at} leaves nothing, and its address is free again`, async () => {
    await create('one', { network: 'front' })
    host.failure = { at, error: new Error('no') }
    await assert.rejects(connect('one', 'back', { ipv4Address: '10.2.0.9' }), { code: 'internal' })
    assert.deepEqual([host.ports.size, host.admitted.size], [1, 1])
    assert.deepEqual(interfaces(await served.sandboxes.get({ id: 'one' })), ['eth0@front'])
    await connect('one', 'back', { ipv4Address: '10.2.0.9' })
  })

test('a disconnect that is cut off is finished by the next start', async () => {
  await create('one', { network: 'front' }, { network: 'back' })
  host.failure = { at: 'disconnect', error: new Error('no') }
  await assert.rejects(disconnect('one', 'back'), { code: 'internal' })
  assert.deepEqual([host.ports.size, host.admitted.size], [2, 1], 'the port is dead')
  await served[Symbol.asyncDispose]()
  served = await serveOn(root, host)
  assert.deepEqual(interfaces(await served.sandboxes.get({ id: 'one' })), ['eth0@front'])
  assert.equal(host.ports.size, 1)
})

test('connects only what has networks and lives', async () => {
  await create('one', { network: 'front' })
  await served.sandboxes.create({ id: 'none', mode: SandboxMode.NONE })
  await served.sandboxes.create({ id: 'host', mode: SandboxMode.HOST })
  await served.sandboxes.create({ id: 'shared', mode: SandboxMode.SHARED, sharedSandboxId: 'one' })
  for (const id of ['none', 'host', 'shared'])
    await assert.rejects(connect(id, 'back'), { code: 'failed-precondition', reason: 'NOT_CONNECTABLE' }, id)
  await assert.rejects(connect('nobody', 'back'), { reason: 'SANDBOX_NOT_FOUND' })
  await assert.rejects(connect('one', 'nowhere'), { reason: 'NETWORK_NOT_FOUND' })
  await assert.rejects(connect('one', 'host'), { reason: 'NOT_A_BRIDGE' })
  host.namespaces.clear()
  await assert.rejects(connect('one', 'back'), { reason: 'NAMESPACE_GONE' })
  await assert.rejects(disconnect('one', 'front'), { reason: 'NAMESPACE_GONE' })
  assert.deepEqual(interfaces(await disconnect('one', 'front', true)), [])
})

test('many connects of one sandbox at once give each a name of its own', async () => {
  await create('one', { network: 'front' })
  const names = Array.from({ length: 20 }, (_, index) => `n${index}`)
  await Promise.all(names.map((name) => served.networks.create({ name })))
  await Promise.all(names.map((name) => connect('one', name)))
  const { endpoints } = await served.sandboxes.get({ id: 'one' })
  assert.equal(new Set(endpoints.map(({ interfaceName }) => interfaceName)).size, 21)
  assert.equal(new Set(endpoints.map(({ ipv4Address }) => ipv4Address)).size, 21)
})
