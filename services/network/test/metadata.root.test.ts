import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { after, before, test } from 'node:test'
import { inNamespaces } from '@caisson/testkit'
import { networkRequest, pings, request, run, startEngine, type TestEngine, wishOf } from './engine.ts'
import { connectOutside, emptyAndClose, pathIn } from './facts.ts'

const skip = inNamespaces()
const hosted = { skip, timeout: 60_000 }
const never = new AbortController().signal
const METADATA = ['169.254.169.254', '169.254.170.2']

let root: string
let engine: TestEngine

async function pathOn(network: string): Promise<string> {
  const made = await engine.service.sandboxes.create(request(`on-${network}`, wishOf({ network })), 'test', never)
  return pathIn(engine, made)
}

before(() => {
  if (skip) return
  run('ip link set lo up; mount -t sysfs sysfs /sys')
  connectOutside('198.51.100.1', '198.51.100.2', true)
  for (const address of METADATA) run(`ip -n outside addr add ${address}/32 dev lo`)
  root = mkdtempSync('/tmp/caisson-metadata-')
  engine = startEngine(root, { poolSize: 0, barePoolSize: 0 })
})

after(async () => {
  if (skip) return
  await emptyAndClose(engine)
  run('ip netns del outside')
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
