import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { after, before, test } from 'node:test'
import { inNamespaces } from '@caisson/testkit'
import { networkRequest, pings, request, run, startEngine, type TestEngine, wishOf } from './engine.ts'

const skip = inNamespaces()
const hosted = { skip, timeout: 60_000 }
const never = new AbortController().signal
const METADATA = ['169.254.169.254', '169.254.170.2']

let root: string
let engine: TestEngine

async function pathOn(network: string): Promise<string> {
  const made = await engine.service.sandboxes.create(request(`on-${network}`, wishOf({ network })), 'test', never)
  return engine.host.namespacePath(made.namespace?.id ?? '')
}

before(() => {
  if (skip) return
  run(`ip link set lo up; mount -t sysfs sysfs /sys; mount -t tmpfs tmpfs /run; ip netns add cloud
    ip link add uplink type veth peer name eth0 netns cloud
    ip addr add 198.51.100.1/24 dev uplink; ip link set uplink up
    ip -n cloud addr add 198.51.100.2/24 dev eth0; ip -n cloud link set eth0 up; ip -n cloud link set lo up
    ip route add default via 198.51.100.2`)
  for (const address of METADATA) run(`ip -n cloud addr add ${address}/32 dev lo`)
  root = mkdtempSync('/tmp/caisson-metadata-')
  engine = startEngine(root, { poolSize: 0, barePoolSize: 0 })
})

after(async () => {
  if (skip) return
  for (const { id } of engine.service.sandboxes.list()) await engine.service.sandboxes.delete(id, 'test')
  await engine.service.userNetworks.prune(() => true, 'test')
  await engine.service.close()
  engine[Symbol.dispose]()
  run('ip netns del cloud')
  rmSync(root, { recursive: true })
})

test(
  'metadata of the cloud is kept from containers but on networks that allow it, over a restart too',
  hosted,
  async () => {
    engine.service.userNetworks.create(networkRequest('shut'), 'test')
    engine.service.userNetworks.create(networkRequest('open', { options: { 'caisson.metadata': 'allow' } }), 'test')
    const [standard, shut, open] = [await pathOn('bridge'), await pathOn('shut'), await pathOn('open')]
    const check = (): void => {
      for (const address of METADATA) {
        assert.ok(pings(open, address), `${address} is reached where it is allowed`)
        for (const path of [standard, shut]) assert.ok(!pings(path, address), `${address} is not reached from ${path}`)
      }
      for (const path of [standard, shut]) assert.ok(pings(path, '198.51.100.2'), 'the way outside is open')
    }
    check()
    assert.match(run(`nft list chain inet caisson_${engine.tag} raw`), /fd00:ec2::254/)
    engine[Symbol.dispose]()
    engine = startEngine(root, { poolSize: 0, barePoolSize: 0 })
    check()
  },
)
