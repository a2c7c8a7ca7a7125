import assert from 'node:assert/strict'
import { beforeEach, test } from 'node:test'
import { FakeNameServer } from '../../test/fake-name-server.ts'
import type { Wire } from '../sandbox/sandbox.ts'
import { dnsNamesOf, isDnsName } from './dns-names.ts'
import { type NamedSandbox, Names } from './names.ts'
import { wireOn } from './wire.fixture.ts'

let server: FakeNameServer
let names: Names

beforeEach(async () => {
  server = new FakeNameServer()
  server.setHostServers([{ address: '10.0.0.53', port: 53 }])
  names = new Names(server)
})

async function come(name: string, wires: readonly Wire[], partial: Partial<NamedSandbox> = {}): Promise<NamedSandbox> {
  const sandbox: NamedSandbox = {
    id: `${name}0123456789abcdef`,
    name,
    mode: 'bridge',
    hostname: '',
    namespace: { id: name, endpoints: wires.map(({ endpoint }) => endpoint) },
    dns: { servers: [], search: [], options: [], extraHosts: {} },
    ...partial,
  }
  await server.open(name, `/run/netns/${name}`)
  names.introduce(sandbox, wires)
  return sandbox
}

const FORWARDED = ['ask 10.0.0.53:53']

test('is found by name, short id, aliases and host name, in any case, and with the name of the network behind', async () => {
  await come('asker', [wireOn('front', '10.1.0.9')])
  await come('web', [wireOn('front', '10.1.0.2', { aliases: ['Www'] })], { hostname: 'shop.example.org' })
  for (const name of ['web', 'WEB', 'www', 'web012345678', 'shop', 'shop.example.org', 'web.front', 'www.front'])
    assert.deepEqual(server.ask('asker', name), ['10.1.0.2'], name)
  assert.deepEqual(server.ask('asker', 'web01234567'), FORWARDED)
  assert.equal(server.askReverse('asker', '10.1.0.2'), 'web.front')
})

test('several with one alias share its questions, and who leaves has it no more', async () => {
  await come('asker', [wireOn('front', '10.1.0.9')])
  const wires = [2, 3, 4].map((last) => wireOn('front', `10.1.0.${last}`, { aliases: ['app'] }))
  for (const [index, wire] of wires.entries()) await come(`app-${index}`, [wire])
  assert.deepEqual(server.ask('asker', 'app'), ['10.1.0.2', '10.1.0.3', '10.1.0.4'])
  assert.ok(wires[1])
  names.leave(wires[1].endpoint)
  assert.deepEqual(server.ask('asker', 'app'), ['10.1.0.2', '10.1.0.4'])
  assert.deepEqual(server.ask('asker', 'app-1'), FORWARDED)
  assert.equal(server.askReverse('asker', '10.1.0.3'), undefined)
})

test('NET-12: a name counts on its own network alone, also one that looks like a name of the world', async () => {
  await come('front', [wireOn('front', '10.1.0.9')])
  await come('back', [wireOn('back', '10.2.0.9')])
  await come('web', [wireOn('front', '10.1.0.2', { aliases: ['www.example.org'] })])
  assert.deepEqual(server.ask('front', 'www.example.org'), ['10.1.0.2'])
  assert.deepEqual(server.ask('back', 'www.example.org'), FORWARDED)
  assert.deepEqual(server.ask('back', 'web'), FORWARDED)
  assert.equal(server.askReverse('back', '10.1.0.2'), undefined)
})

test('a name goes before the same one that is made of a name and its network', async () => {
  await come('asker', [wireOn('front', '10.1.0.9')])
  const other = wireOn('front', '10.1.0.3', { aliases: ['web.front'] })
  await come('web', [wireOn('front', '10.1.0.2')])
  await come('other', [other])
  assert.deepEqual(server.ask('asker', 'web.front'), ['10.1.0.3'])
  names.leave(other.endpoint)
  assert.deepEqual(server.ask('asker', 'web.front'), ['10.1.0.2'])
})

test('asks its networks in the order of its connections', async () => {
  const [front, back] = [wireOn('front', '10.1.0.9'), wireOn('back', '10.2.0.9')]
  await come('one', [wireOn('front', '10.1.0.2', { aliases: ['db'] })])
  await come('two', [wireOn('back', '10.2.0.2', { aliases: ['db'] })])
  const asker = await come('asker', [back, front])
  assert.deepEqual(server.ask('asker', 'db'), ['10.2.0.2'])
  names.see(asker, [front, back])
  assert.deepEqual(server.ask('asker', 'db'), ['10.1.0.2'])
})

test('NET-11: who is on internal networks alone asks nobody outside, whatever name servers were wanted', async () => {
  const vault = wireOn('vault', '10.9.0.9', { internal: true })
  const dns = { servers: ['9.9.9.9'], search: [], options: [], extraHosts: {} }
  const asker = await come('asker', [vault], { dns })
  await come('db', [wireOn('vault', '10.9.0.2', { internal: true })])
  assert.deepEqual(server.ask('asker', 'db'), ['10.9.0.2'])
  assert.deepEqual(server.ask('asker', 'example.org'), [])
  names.see(asker, [vault, wireOn('front', '10.1.0.9')])
  assert.deepEqual(server.ask('asker', 'example.org'), ['ask 9.9.9.9:53'])
  names.see(asker, [])
  assert.deepEqual(server.ask('asker', 'example.org'), [])
})

test('the host has names where it can be reached, unless somebody is called so', async () => {
  await come('asker', [wireOn('vault', '10.9.0.9', { internal: true }), wireOn('front', '10.1.0.9')])
  await come('shut', [wireOn('vault', '10.9.0.8', { internal: true })])
  for (const name of ['host.docker.internal', 'host.containers.internal']) {
    assert.deepEqual(server.ask('asker', name), ['10.1.0.1'])
    assert.deepEqual(server.ask('shut', name), [])
  }
  await come('other', [wireOn('front', '10.1.0.2', { aliases: ['host.docker.internal'] })])
  assert.deepEqual(server.ask('asker', 'host.docker.internal'), ['10.1.0.2'])
})

test('says no name again that it has said, so that nobody misses it meanwhile', async () => {
  const wire = wireOn('front', '10.1.0.2')
  const web = await come('web', [wire])
  server.setName = () => assert.fail('said again')
  names.introduce(web, [wire])
})

test('a network that nobody is on any more is forgotten', async () => {
  const wire = wireOn('front', '10.1.0.2')
  await come('web', [wire])
  names.leave(wire.endpoint)
  names.leave(wire.endpoint)
  assert.deepEqual([...server.names, ...server.reverses], [])
})

test('the namespace of another has the names of that one alone', async () => {
  await come('asker', [wireOn('front', '10.1.0.9')])
  await come('guest', [wireOn('front', '10.1.0.2')], { mode: 'shared' })
  assert.deepEqual(server.ask('asker', 'guest'), FORWARDED)
  assert.deepEqual(server.ask('guest', 'asker'), ['10.1.0.9'])
})

test('what cannot be asked for is no name', () => {
  for (const name of ['a', 'a-b_c.d', '-', 'a'.repeat(63)]) assert.ok(isDnsName(name), name)
  for (const name of ['', '.', 'a.', 'a..b', 'a'.repeat(64), 'a b', 'ä', `${'a.'.repeat(126)}ab`])
    assert.ok(!isDnsName(name), name)
  const sandbox = { id: 'f'.repeat(64), name: 'x'.repeat(64), mode: 'bridge', hostname: 'ffffffffffff' } as const
  assert.deepEqual(dnsNamesOf(sandbox, { aliases: ['db', 'DB'] }), ['db', 'ffffffffffff'])
})
