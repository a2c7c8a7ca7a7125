import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { afterEach, beforeEach, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { FakeHost } from './fake-host.ts'
import { type Served, serveOn } from './served.ts'

let root: string
let host: FakeHost
let served: Served
const sizes = { poolSize: 0, barePoolSize: 0, networkPoolSize: 2 }

beforeEach(async () => {
  root = mkdtempSync('/tmp/caisson-network-')
  host = new FakeHost()
  served = await serveOn(root, host, sizes)
})

afterEach(async () => {
  await served.service.close()
  await served[Symbol.asyncDispose]()
  rmSync(root, { recursive: true })
})

const create = (id: string, aliases: readonly string[] = []) =>
  served.sandboxes.create({ id, attachments: [{ network: 'front', aliases: [...aliases] }] })

async function warm(subnet = ''): Promise<void> {
  await served.networks.create({ name: 'front', ...(subnet === '' ? {} : { subnets: [{ subnet }] }) })
  for (const id of ['one', 'two']) await create(id)
}

const made = async (count: number): Promise<void> => {
  while (host.made < count) await sleep(2)
  // One more would come about now.
  await sleep(20)
  assert.equal(host.made, count)
}

test('a network that somebody made has namespaces ready once it is used', async () => {
  await warm()
  await made(4)
  const { endpoints } = await create('three', ['db', 'store'])
  const [recorded] = served.store.sandbox('three')?.namespace?.endpoints ?? []
  assert.deepEqual(recorded?.aliases, ['db', 'store'], 'names come with the request')
  await made(5)
  assert.equal((await served.networks.get({ network: 'front' })).endpoints, 3, 'what waits does not count')
  await served[Symbol.asyncDispose]()
  served = await serveOn(root, host, sizes)
  assert.deepEqual((await served.sandboxes.get({ id: 'three' })).endpoints, endpoints)
  await create('four')
  await made(6)
})

test('what waits on a network keeps nobody from removing it', async () => {
  await warm()
  await made(4)
  await assert.rejects(served.networks.delete({ network: 'front' }), { reason: 'NETWORK_IN_USE', message: /one, two/ })
  for (const id of ['one', 'two']) await served.sandboxes.delete({ id })
  await served.networks.delete({ network: 'front' })
  assert.deepEqual([...host.namespaces, ...host.bridges, ...host.admitted], [])
  assert.deepEqual(served.store.namespaces(), [])
})

test('a small network has none ready, and gives all of its addresses out', async () => {
  await warm('10.7.0.0/29')
  for (const id of ['three', 'four', 'five']) await create(id)
  await assert.rejects(create('six'), { reason: 'ADDRESSES_EXHAUSTED' })
  assert.equal(host.made, 5)
})
