import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, test } from 'node:test'
import type { Partially } from '@caisson/api'
import { type PortMapping, Protocol, SandboxMode } from '@caisson/api/network'
import type { NetworkConfig } from '../src/config.ts'
import type { NetworkStore } from '../src/store/network-store.ts'
import { FakeHost } from './fake-host.ts'
import { type Served, serveOn } from './served.ts'

// Published ports over gRPC on a real database, with a host in memory.

let root: string
let host: FakeHost
let served: Served
let store: NetworkStore
let sandboxes: Served['sandboxes']

async function start(config: Partial<NetworkConfig> = {}): Promise<void> {
  served = await serveOn(root, host, { poolSize: 0, barePoolSize: 0, ...config })
  ;({ store, sandboxes } = served)
}

beforeEach(async () => {
  root = mkdtempSync(join(tmpdir(), 'caisson-ports-'))
  host = new FakeHost()
  await start()
})

afterEach(async () => {
  await served[Symbol.asyncDispose]()
  rmSync(root, { recursive: true })
})

const web = { hostPort: 8080, containerPort: 80 }
const shown = (ports: readonly PortMapping[]): string[] =>
  ports.map((port) => `${port.hostAddress}:${port.hostPort}+${port.count}>${port.containerPort}/${port.protocol}`)
const nothingIsLeft = (): void => {
  assert.deepEqual([...host.published, ...host.held, ...host.namespaces, ...store.publications()], [])
}

test('publishes with the sandbox, tells what, and withdraws with it', async () => {
  const dns = { hostAddress: '127.0.0.1', hostPort: 53, containerPort: 5353, protocol: Protocol.UDP, count: 2 }
  const { ports } = await sandboxes.create({ id: 'one', ports: [web, dns] })
  assert.deepEqual(shown(ports), [':8080+1>80/1', '127.0.0.1:53+2>5353/2'])
  assert.deepEqual(shown((await sandboxes.get({ id: 'one' })).ports), shown(ports))
  assert.deepEqual([...host.published], ['tcp *:8080+1 > 172.16.0.2:80', 'udp 127.0.0.1:53+2 > 172.16.0.2:5353'])
  assert.equal(host.held.size, 3)
  await sandboxes.delete({ id: 'one' })
  nothingIsLeft()
})

test('a retry gives back the same, with the port that was chosen', async () => {
  const ask = { id: 'one', ports: [{ containerPort: 80 }] }
  const [first, second] = [await sandboxes.create(ask), await sandboxes.create(ask)]
  assert.equal(first.ports[0]?.hostPort, second.ports[0]?.hostPort)
  await assert.rejects(sandboxes.create({ id: 'one', ports: [web] }), { code: 'already-exists' })
})

test('chooses every free port once, and says when there is none', async () => {
  host.taken.add(40_001)
  const { ports } = await sandboxes.create({
    id: 'one',
    ports: [{ containerPort: 1 }, { containerPort: 2 }, { hostPort: 40_000, containerPort: 3 }],
  })
  assert.deepEqual(ports.map(({ hostPort }) => hostPort).toSorted(), [40_000, 40_002, 40_003])
  await assert.rejects(sandboxes.create({ id: 'two', ports: [{ containerPort: 1 }] }), { reason: 'PORTS_EXHAUSTED' })
  await assert.rejects(sandboxes.create({ id: 'two', ports: [{ containerPort: 1, count: 5 }] }), {
    reason: 'PORTS_EXHAUSTED',
  })
  assert.equal(host.namespaces.size, 1)
})

const clashes: readonly (readonly [string, Partially<PortMapping>, boolean])[] = [
  ['the same port', web, true],
  ['a range over it', { hostPort: 8000, containerPort: 1, count: 100 }, true],
  ['the same port of one address', { ...web, hostAddress: '127.0.0.1' }, true],
  ['the same port of another protocol', { ...web, protocol: Protocol.UDP }, false],
  ['the port beside it', { ...web, hostPort: 8081 }, false],
]

for (const [title, port, clashing] of clashes)
  test(`${title} ${clashing ? 'clashes, before anything is made' : 'is free'}`, async () => {
    await sandboxes.create({ id: 'one', ports: [web] })
    const made = host.made
    const other = sandboxes.create({ id: 'two', ports: [port] })
    if (!clashing) return assert.equal((await other).ports.length, 1)
    await assert.rejects(other, { code: 'conflict', reason: 'PORT_IN_USE', message: /8080\/tcp .* container one/ })
    assert.equal(host.made, made)
    assert.deepEqual(
      store.sandboxes().map(({ id }) => id),
      ['one'],
    )
  })

test('two who want the same port at the same time: one gets it', async () => {
  const both = await Promise.allSettled(['one', 'two'].map((id) => sandboxes.create({ id, ports: [web] })))
  assert.deepEqual(both.map(({ status }) => status).toSorted(), ['fulfilled', 'rejected'])
  assert.equal(host.published.size, 1)
})

test('one that is taken gives the others of the request back', async () => {
  host.taken.add(8082)
  const ports = [web, { hostPort: 8082, containerPort: 82 }]
  await assert.rejects(sandboxes.create({ id: 'one', ports }), { reason: 'PORT_IN_USE' })
  nothingIsLeft()
})

for (const at of ['makeNamespace', 'admit', 'publish'] as const)
  test(`a create that fails at ${at} leaves nothing, and its port is free again`, async () => {
    host.failure = { at, error: new Error('no') }
    await assert.rejects(sandboxes.create({ id: 'one', ports: [web] }), { code: 'internal' })
    nothingIsLeft()
    await sandboxes.create({ id: 'one', ports: [web] })
  })

test('a delete that fails to withdraw can be tried again', async () => {
  await sandboxes.create({ id: 'one', ports: [web] })
  host.failure = { at: 'publish', error: new Error('no') }
  await assert.rejects(sandboxes.delete({ id: 'one' }), { code: 'internal' })
  assert.equal(host.published.size, 1)
  await sandboxes.delete({ id: 'one' })
  nothingIsLeft()
})

const update = async (...ports: Partially<PortMapping>[]): Promise<string[]> =>
  shown((await sandboxes.update({ id: 'one', ports: { ports } })).ports)

test('an update is the new whole list; absent changes nothing', async () => {
  await sandboxes.create({ id: 'one', ports: [web, { hostPort: 1000, containerPort: 1, count: 10 }] })
  const wider = { hostPort: 1000, containerPort: 1, count: 20 }
  assert.deepEqual(await update({ ...web, containerPort: 81 }, wider), [':8080+1>81/1', ':1000+20>1/1'])
  assert.deepEqual([...host.published].toSorted(), ['tcp *:1000+20 > 172.16.0.2:1', 'tcp *:8080+1 > 172.16.0.2:81'])
  assert.equal(host.held.size, 21)
  assert.equal((await sandboxes.update({ id: 'one' })).ports.length, 2)
  assert.deepEqual(await update(), [])
  assert.deepEqual([...host.published, ...host.held, ...store.publications()], [])
})

test('an update that cannot be leaves all as it was', async () => {
  await sandboxes.create({ id: 'one', ports: [web] })
  await sandboxes.create({ id: 'two', ports: [{ hostPort: 9090, containerPort: 80 }] })
  const before = [[...host.published], [...host.held].toSorted(), store.publications()]
  const isAsBefore = () =>
    assert.deepEqual([[...host.published], [...host.held].toSorted(), store.publications()], before)
  await assert.rejects(update({ hostPort: 8081, containerPort: 80 }, { hostPort: 9090, containerPort: 80 }), {
    reason: 'PORT_IN_USE',
  })
  isAsBefore()
  host.failure = { at: 'publish', error: new Error('no') }
  await assert.rejects(update({ hostPort: 8081, containerPort: 80 }), { code: 'internal' })
  isAsBefore()
  assert.deepEqual(shown((await sandboxes.get({ id: 'one' })).ports), [':8080+1>80/1'])
})

test('only what is on a network publishes', async () => {
  await assert.rejects(sandboxes.create({ id: 'x', mode: SandboxMode.HOST, ports: [web] }), {
    code: 'invalid-argument',
  })
  await sandboxes.create({ id: 'one', mode: SandboxMode.NONE })
  await assert.rejects(update(web), { code: 'failed-precondition', reason: 'NOTHING_TO_PUBLISH' })
})

const malformed: readonly (readonly [string, Partially<PortMapping>[]])[] = [
  ['no port inside', [{ hostPort: 80 }]],
  ['a port above 65535', [{ hostPort: 70_000, containerPort: 80 }]],
  ['a range that ends above 65535', [{ hostPort: 8080, containerPort: 65_000, count: 1000 }]],
  ['an address that is none', [{ ...web, hostAddress: 'localhost' }]],
  ['an address of IPv6', [{ ...web, hostAddress: '::1' }]],
  ['one port twice', [web, { ...web, hostAddress: '127.0.0.1' }]],
  ['too many', Array.from({ length: 1025 }, (_, index) => ({ hostPort: index + 1, containerPort: 80 }))],
  ['more ports than there are', [{ containerPort: 1, count: 65_535 }, web]],
]

for (const [title, ports] of malformed)
  test(`refuses ${title}`, async () => {
    await assert.rejects(sandboxes.create({ id: 'one', ports }), { code: 'invalid-argument' })
    nothingIsLeft()
  })

test('after a start the rules say the same, and the ports are held again', async () => {
  await sandboxes.create({ id: 'one', ports: [web] })
  const before = [...host.published]
  await served[Symbol.asyncDispose]()
  host.held.clear()
  host.published.clear()
  await start()
  assert.deepEqual([...host.published], before)
  assert.deepEqual(shown((await sandboxes.get({ id: 'one' })).ports), [':8080+1>80/1'])
  assert.equal(host.held.size, 1)
  await assert.rejects(sandboxes.create({ id: 'two', ports: [web] }), { reason: 'PORT_IN_USE' })
})

test('a port that a process took while the service was away is published all the same', async () => {
  await sandboxes.create({ id: 'one', ports: [web] })
  await served[Symbol.asyncDispose]()
  host.held.clear()
  host.taken.add(8080)
  await start()
  assert.equal(host.published.size, 1)
  await sandboxes.delete({ id: 'one' })
  nothingIsLeft()
})

test('a sandbox that was lost publishes no more', async () => {
  await sandboxes.create({ id: 'one', ports: [web] })
  await served[Symbol.asyncDispose]()
  host.held.clear()
  host.namespaces.clear()
  await start()
  nothingIsLeft()
  assert.equal((await sandboxes.create({ id: 'two', ports: [web] })).ports.length, 1)
})

test('rules that were removed come back with what is published', async () => {
  await sandboxes.create({ id: 'one', ports: [web] })
  const before = [...host.published]
  host.published.clear()
  served.service.restoreFirewall()
  assert.deepEqual([...host.published], before)
})

test('leads where the way out leads, whatever is connected and disconnected', async () => {
  await served.networks.create({ name: 'front', subnets: [{ subnet: '10.1.0.0/24' }] })
  await sandboxes.create({ id: 'one', ports: [web] })
  const leadsTo = (address: string): void => {
    assert.deepEqual([...host.published], [`tcp *:8080+1 > ${address}:80`])
    assert.deepEqual(
      store.publications().map(({ sandboxId, ports }) => [sandboxId, ports.length]),
      [['one', 1]],
    )
  }
  leadsTo('172.16.0.2')
  await sandboxes.connect({ sandboxId: 'one', attachment: { network: 'front', gatewayPriority: 1 } })
  leadsTo('10.1.0.2')
  await sandboxes.disconnect({ sandboxId: 'one', network: 'front' })
  leadsTo('172.16.0.2')
  await served[Symbol.asyncDispose]()
  host.held.clear()
  await start()
  leadsTo('172.16.0.2')
  const last = await sandboxes.disconnect({ sandboxId: 'one', network: 'bridge' })
  assert.deepEqual(last.ports, [])
  assert.deepEqual([...host.published, ...host.held, ...store.publications()], [])
  await assert.rejects(sandboxes.update({ id: 'one', ports: { ports: [web] } }), { reason: 'NOTHING_TO_PUBLISH' })
  await sandboxes.connect({ sandboxId: 'one', attachment: { network: 'front' } })
  await sandboxes.update({ id: 'one', ports: { ports: [web] } })
  leadsTo('10.1.0.2')
})

async function restartWith(config: Partial<NetworkConfig>): Promise<void> {
  await served[Symbol.asyncDispose]()
  await start(config)
}

test('NET-18: ports that are reserved are refused by name, on any address, and never chosen', async () => {
  const before = await sandboxes.create({ id: 'before', ports: [{ hostPort: 5001, containerPort: 80 }] })
  await restartWith({
    reservedPorts: [
      { first: 5000, last: 5001 },
      { first: 40_000, last: 40_002 },
    ],
  })
  for (const port of [
    { hostPort: 5000, containerPort: 80 },
    { hostAddress: '127.0.0.1', hostPort: 5000, containerPort: 80 },
    { hostPort: 4990, containerPort: 80, count: 11 },
    { hostPort: 5000, containerPort: 80, protocol: Protocol.UDP },
  ])
    await assert.rejects(sandboxes.create({ id: 'one', ports: [port] }), {
      code: 'failed-precondition',
      reason: 'PORT_RESERVED',
      message: /reservedPorts/,
    })
  const { ports } = await sandboxes.create({ id: 'one', ports: [{ containerPort: 1 }] })
  assert.equal(ports[0]?.hostPort, 40_003)
  await assert.rejects(sandboxes.create({ id: 'two', ports: [{ containerPort: 1 }] }), { reason: 'PORTS_EXHAUSTED' })
  assert.deepEqual((await sandboxes.get({ id: 'before' })).ports, before.ports, 'what was published before stays')
})

test('NET-08: with a usual address to publish on, every address has to be asked for', async () => {
  await restartWith({ publishAddress: 0x7f000001 })
  const every = { hostAddress: '0.0.0.0', hostPort: 8081, containerPort: 80 }
  const { ports } = await sandboxes.create({ id: 'one', ports: [web, every] })
  assert.deepEqual(shown(ports), ['127.0.0.1:8080+1>80/1', ':8081+1>80/1'])
  await sandboxes.update({ id: 'one', ports: { ports: [{ hostPort: 8082, containerPort: 80 }] } })
  assert.deepEqual(shown((await sandboxes.get({ id: 'one' })).ports), ['127.0.0.1:8082+1>80/1'])
})
