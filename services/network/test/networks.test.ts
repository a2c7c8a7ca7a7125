import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, test } from 'node:test'
import type { Partially } from '@caisson/api'
import type { CreateNetworkRequest, Network, Subnet } from '@caisson/api/network'
import { parseSubnet } from '../src/ipam/ipv4.ts'
import { FakeHost } from './fake-host.ts'
import { type Served, serveOn } from './served.ts'

// Networks that somebody makes, over gRPC on a real database, with a host in memory.

let root: string
let host: FakeHost
let served: Served

const make = (name: string, wish: Partially<CreateNetworkRequest> = {}): Promise<Network> =>
  served.networks.create({ name, ...wish } as CreateNetworkRequest)

const onSubnet = (name: string, subnet: Partially<Subnet>): Promise<Network> =>
  make(name, { subnets: [subnet] } as Partially<CreateNetworkRequest>)

const used = (text: string) => {
  const subnet = parseSubnet(text)
  assert.ok(subnet)
  return subnet
}

const types = (): string[] =>
  served.events
    .read(undefined, 1_000)
    .events.map(({ type }) => type)
    .slice(3)

async function restart(): Promise<void> {
  await served[Symbol.asyncDispose]()
  served = await serveOn(root, host)
}

beforeEach(async () => {
  root = mkdtempSync(join(tmpdir(), 'caisson-networks-'))
  host = new FakeHost()
  served = await serveOn(root, host)
})

afterEach(async () => {
  await served.service.close()
  await served[Symbol.asyncDispose]()
  rmSync(root, { recursive: true })
})

test('makes a network with a bridge, a subnet of the pools and everything that was said', async () => {
  const made = await make('front', { labels: { team: 'a' }, mtu: 1300 })
  assert.match(made.id, /^[0-9a-f]{64}$/)
  assert.equal(made.driver, 'bridge')
  assert.equal(made.mtu, 1300)
  assert.deepEqual(made.subnets, [
    { subnet: '172.16.16.0/20', gateway: '172.16.16.1', ipRange: '', auxiliaryAddresses: {} },
  ])
  assert.deepEqual([...host.bridges], [`csn000000${made.id.slice(0, 6)}`])
  assert.deepEqual(host.programmed, ['front'])
  assert.deepEqual(await served.networks.get({ network: 'front' }), made)
  assert.deepEqual(types(), ['network.created'])
})

test('a name or a request id stands for one network', async () => {
  const made = await make('front', { requestId: 'r1' })
  assert.equal((await make('front', { requestId: 'r1' })).id, made.id)
  await assert.rejects(make('back', { requestId: 'r1' }), { code: 'conflict', reason: 'REQUEST_ID_REUSED' })
  for (const name of ['front', 'bridge', 'host', 'none'])
    await assert.rejects(make(name), { code: 'already-exists', reason: 'NETWORK_EXISTS' }, name)
  await restart()
  assert.equal((await make('front', { requestId: 'r1' })).id, made.id, 'also after a restart')
})

test('the subnet, the gateway, the range and what is left out are as they were asked for', async () => {
  const made = await onSubnet('lan', {
    subnet: '10.7.0.0/16',
    gateway: '10.7.255.254',
    ipRange: '10.7.4.0/29',
    auxiliaryAddresses: { router: '10.7.4.0', printer: '10.7.4.2' },
  })
  assert.equal(made.subnets[0]?.gateway, '10.7.255.254')
  const addresses: (string | undefined)[] = []
  for (let number = 0; number < 6; number++) {
    const { endpoints } = await served.sandboxes.create({ id: `s${number}`, attachments: [{ network: 'lan' }] })
    addresses.push(endpoints[0]?.ipv4Address)
  }
  assert.deepEqual(
    addresses,
    [1, 3, 4, 5, 6, 7].map((last) => `10.7.4.${last}/16`),
  )
  await assert.rejects(served.sandboxes.create({ id: 'more', attachments: [{ network: 'lan' }] }), {
    code: 'resource-exhausted',
    reason: 'ADDRESSES_EXHAUSTED',
  })
  const wish = (ipv4Address: string) => ({ id: 'x', attachments: [{ network: 'lan', ipv4Address }] })
  await assert.rejects(served.sandboxes.create(wish('10.7.4.2')), { reason: 'ADDRESS_OUT_OF_RANGE' })
  await assert.rejects(served.sandboxes.create(wish('10.8.0.1')), { reason: 'ADDRESS_OUT_OF_RANGE' })
  await assert.rejects(served.sandboxes.create(wish('10.7.4.1')), { reason: 'ADDRESS_IN_USE' })
  assert.equal((await served.sandboxes.create(wish('10.7.9.9'))).endpoints[0]?.ipv4Gateway, '10.7.255.254')
})

const wrong: [string, Partially<Subnet>, string][] = [
  ['everything', { subnet: '0.0.0.0/0' }, 'SUBNET_INVALID'],
  ['two addresses', { subnet: '10.0.0.0/31' }, 'SUBNET_INVALID'],
  ['one address', { subnet: '10.0.0.0/32' }, 'SUBNET_INVALID'],
  ['bits behind the prefix', { subnet: '10.0.0.1/24' }, 'SUBNET_INVALID'],
  ['loopback', { subnet: '127.1.0.0/16' }, 'SUBNET_INVALID'],
  ['the metadata of clouds', { subnet: '169.254.169.0/24' }, 'SUBNET_INVALID'],
  ['multicast', { subnet: '224.0.0.0/8' }, 'SUBNET_INVALID'],
  ['this host', { subnet: '0.0.0.0/8' }, 'SUBNET_INVALID'],
  ['a word', { subnet: 'lan' }, 'SUBNET_INVALID'],
  ['a gateway outside', { subnet: '10.1.0.0/24', gateway: '10.1.1.1' }, 'GATEWAY_INVALID'],
  ['the subnet itself as its gateway', { subnet: '10.1.0.0/24', gateway: '10.1.0.0' }, 'GATEWAY_INVALID'],
  ['a gateway that is everybody', { subnet: '10.1.0.0/24', gateway: '10.1.0.255' }, 'GATEWAY_INVALID'],
  [
    'a gateway that is left out',
    { subnet: '10.1.0.0/24', gateway: '10.1.0.2', auxiliaryAddresses: { a: '10.1.0.2' } },
    'GATEWAY_INVALID',
  ],
  ['a range outside', { subnet: '10.1.0.0/24', ipRange: '10.1.1.0/28' }, 'IP_RANGE_INVALID'],
  ['a range that is larger', { subnet: '10.1.0.0/24', ipRange: '10.0.0.0/8' }, 'IP_RANGE_INVALID'],
  [
    'an auxiliary address outside',
    { subnet: '10.1.0.0/24', auxiliaryAddresses: { a: '10.2.0.1' } },
    'AUXILIARY_ADDRESS_INVALID',
  ],
  ['a gateway without a subnet', { gateway: '10.1.0.1' }, 'INVALID_ARGUMENT'],
  ['a gateway that is no address', { subnet: '10.1.0.0/24', gateway: '10.1.0' }, 'INVALID_ARGUMENT'],
]

for (const [title, subnet, reason] of wrong)
  test(`NET-22: refuses a subnet of ${title}`, async () => {
    await assert.rejects(onSubnet('lan', subnet), (error: { code: string; reason: string }) => {
      assert.equal(error.code, 'invalid-argument')
      if (reason !== 'INVALID_ARGUMENT') assert.equal(error.reason, reason)
      return true
    })
    assert.deepEqual([...host.bridges, ...host.programmed], [])
  })

test('refuses subnets that another network, a route or a name server of the host uses', async () => {
  await onSubnet('lan', { subnet: '10.7.0.0/16' })
  host.used = [used('192.168.5.0/24'), used('10.9.0.53/32')]
  for (const subnet of ['10.7.3.0/24', '10.0.0.0/8', '192.168.5.128/25', '10.9.0.0/24', '172.16.0.0/20'])
    await assert.rejects(onSubnet('other', { subnet }), { code: 'conflict', reason: 'SUBNET_OVERLAPS' }, subnet)
  await onSubnet('other', { subnet: '10.8.0.0/16' })
})

test('says so when the pools are used up, and takes a subnet that is named', async () => {
  host.used = [used('172.0.0.0/8'), used('192.0.0.0/8')]
  await assert.rejects(make('front'), { code: 'resource-exhausted', reason: 'SUBNETS_EXHAUSTED' })
  await onSubnet('front', { subnet: '10.1.0.0/24' })
})

const option = (name: string) => `com.docker.network.${name}`

test("knows Docker's options, and refuses what it does not know", async () => {
  const options = {
    [option('bridge.name')]: 'br-mine',
    [option('bridge.enable_icc')]: 'false',
    [option('bridge.enable_ip_masquerade')]: 'false',
    [option('driver.mtu')]: '9000',
  }
  const made = await make('front', { options })
  assert.deepEqual(made.options, options)
  assert.equal(made.mtu, 9000)
  assert.deepEqual([...host.bridges], ['br-mine'])
  const [network] = served.store.networks().filter(({ name }) => name === 'front')
  assert.equal(network?.bridge?.isolated, true)
  assert.equal(network?.bridge?.masquerade, false)
  for (const [name, value] of [
    ['bridge.enable_icc', 'maybe'],
    ['driver.mtu', '67'],
    ['driver.mtu', '1e3'],
    ['bridge.name', 'all'],
    ['bridge.name', 'default'],
    ['bridge.name', '../x'],
    ['bridge.name', 'csn000000'],
    ['bridge.name', 'a-name-of-16-aaa'],
  ] as const)
    await assert.rejects(make('x', { options: { [option(name)]: value } }), { code: 'invalid-argument' }, value)
  await assert.rejects(make('x', { mtu: 1400, options: { [option('driver.mtu')]: '1500' } }), {
    code: 'invalid-argument',
  })
  await assert.rejects(make('x', { options: { 'bridge.name': 'x' } }), { code: 'unimplemented' })
  await assert.rejects(make('x', { driver: 'host' }), { code: 'invalid-argument' })
  host.foreign.add('docker0')
  await assert.rejects(make('x', { options: { [option('bridge.name')]: 'docker0' } }), { reason: 'INTERFACE_EXISTS' })
  await assert.rejects(make('x', { options: { [option('bridge.name')]: 'br-mine' } }), { code: 'conflict' })
})

for (const name of ['', '.x', 'a b', 'a\nb', '-x', 'x'.repeat(129), 'a'.repeat(64), 'ä'])
  test(`refuses the name ${JSON.stringify(name.slice(0, 20))} of ${name.length}`, async () => {
    await assert.rejects(make(name), { code: 'invalid-argument' })
  })

for (const at of ['raiseBridge', 'programFirewall'] as const)
  test(`a create that fails at ${at} leaves nothing and can be tried again`, async () => {
    host.failure = { at, error: new Error('no') }
    await assert.rejects(make('front'), { code: 'internal' })
    assert.deepEqual([...host.bridges, ...host.programmed, ...types()], [])
    assert.equal(served.store.networks().length, 3)
    assert.equal((await make('front')).subnets[0]?.subnet, '172.16.16.0/20')
  })

test('lists by name, id, label, driver and whether anything uses it', async () => {
  const front = await make('front', { labels: { team: 'a', __proto__x: '1' } })
  await make('back', { labels: { team: 'b' } })
  await served.sandboxes.create({ id: 'one', attachments: [{ network: 'back' }] })
  const names = async (request: Parameters<Served['networks']['list']>[0]) =>
    (await served.networks.list(request)).networks.map(({ name }) => name).toSorted()
  assert.deepEqual(await names({ filter: { labels: ['team'] } }), ['back', 'front'])
  assert.deepEqual(await names({ filter: { labels: ['team=a'] } }), ['front'])
  assert.deepEqual(await names({ filter: { labels: ['toString'] } }), [])
  assert.deepEqual(await names({ filter: { ids: [front.id.slice(0, 12)] } }), ['front'])
  assert.deepEqual(await names({ filter: { names: ['back', 'none'] } }), ['back', 'none'])
  assert.deepEqual(await names({ drivers: ['bridge'] }), ['back', 'bridge', 'front'])
  assert.deepEqual(await names({ dangling: true }), ['front'])
  assert.deepEqual(await names({ dangling: false }), ['back', 'bridge', 'host', 'none'])
  assert.equal((await served.networks.get({ network: 'back' })).endpoints, 1)
})

test('removes what nothing uses, and neither what is used nor what comes with the engine', async () => {
  await make('front')
  await served.sandboxes.create({ id: 'one', name: 'web', attachments: [{ network: 'front' }] })
  await assert.rejects(served.networks.delete({ network: 'front' }), {
    code: 'failed-precondition',
    reason: 'NETWORK_IN_USE',
    message: /web/,
  })
  await served.sandboxes.delete({ id: 'one' })
  await served.networks.delete({ network: 'front' })
  await assert.rejects(served.networks.delete({ network: 'front' }), { reason: 'NETWORK_NOT_FOUND' })
  for (const network of ['bridge', 'host', 'none'])
    await assert.rejects(served.networks.delete({ network }), { reason: 'NETWORK_BUILTIN' })
  assert.deepEqual([...host.bridges, ...host.programmed], [])
  assert.deepEqual(types(), ['network.created', 'sandbox.created', 'sandbox.deleted', 'network.deleted'])
})

test('a removal that fails leaves the network, which works and can be removed again', async () => {
  await make('front')
  host.failure = { at: 'removeBridge', error: new Error('no') }
  await assert.rejects(served.networks.delete({ network: 'front' }), { code: 'internal' })
  await served.sandboxes.create({ id: 'one', attachments: [{ network: 'front' }] })
  await served.sandboxes.delete({ id: 'one' })
  await served.networks.delete({ network: 'front' })
  assert.deepEqual([...host.bridges], [])
})

test('nobody connects to a network while it is removed, and nobody removes it while it is connected to', async () => {
  for (let round = 0; round < 20; round++) {
    await make('front')
    const [connected, removed] = await Promise.allSettled([
      served.sandboxes.create({ id: 'one', attachments: [{ network: 'front' }] }),
      served.networks.delete({ network: 'front' }),
    ])
    assert.notEqual(connected.status, removed.status, JSON.stringify([connected, removed]))
    if (connected.status === 'fulfilled') await served.sandboxes.delete({ id: 'one' })
    await served.networks.prune({})
  }
})

test('prunes what is chosen and not used', async () => {
  const [front, back] = [await make('front', { labels: { old: '' } }), await make('back')]
  await make('busy', { labels: { old: '' } })
  await served.sandboxes.create({ id: 'one', attachments: [{ network: 'busy' }] })
  assert.deepEqual((await served.networks.prune({ filter: { labels: ['old'] } })).removed, [front.id])
  assert.deepEqual((await served.networks.prune({})).removed, [back.id])
  assert.deepEqual((await served.networks.prune({})).removed, [])
})

test('networks stand again after a restart, and what was cut off is gone', async () => {
  const made = await make('front', { internal: true, options: { [option('bridge.name')]: 'br-mine' } })
  await served[Symbol.asyncDispose]()
  host.bridges.clear()
  host.bridges.add('csn000000ffffff')
  host.programmed = []
  served = await serveOn(root, host)
  assert.deepEqual(await served.networks.get({ network: 'front' }), made)
  assert.deepEqual([...host.bridges], ['br-mine'])
  assert.deepEqual(host.programmed, ['front'])
})

test('a network that cannot stand at a start keeps the others and the service from nothing', async () => {
  await make('front')
  await make('back')
  host.failure = { at: 'raiseBridge', error: new Error('no') }
  host.bridges.clear()
  await restart()
  assert.equal(host.bridges.size, 1)
  await served.sandboxes.create({ id: 'one', attachments: [{ network: 'front' }] })
  await served.sandboxes.create({ id: 'two', attachments: [{ network: 'back' }] })
  assert.equal(host.bridges.size, 2)
})

test('takes its bridges along when it stops and no sandbox is left', async () => {
  await make('front')
  await served.service.close()
  assert.deepEqual([...host.bridges, ...host.programmed], [])
  assert.equal(host.forwarding, false)
})

test('prunes nothing that is to be kept, by name, id or prefix of the id', async () => {
  const [byName, byId, byPrefix, rest] = await Promise.all(['one', 'two', 'three', 'four'].map((name) => make(name)))
  assert.ok(byName && byId && byPrefix && rest)
  const keep = ['one', byId.id, byPrefix.id.slice(0, 12), 'nowhere', '', 'no name!']
  assert.deepEqual((await served.networks.prune({ keep })).removed, [rest.id])
  assert.equal((await served.networks.prune({})).removed.length, 3)
})
