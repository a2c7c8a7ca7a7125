import assert from 'node:assert/strict'
import { mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { afterEach, before, beforeEach, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { inNamespaces } from '@caisson/testkit'
import type { Sandbox } from '../src/sandbox/sandbox.ts'
import {
  bridgeWish,
  inside,
  networkRequest,
  pings,
  request,
  run,
  startEngine,
  type TestEngine,
  wishOf,
} from './engine.ts'
import { addressOf, assertNothingLeft, defaultGateway, emptyAndClose, endpointOf, pathIn } from './facts.ts'

// What is left of sandboxes that come and go, or that somebody inside breaks.

const skip = inNamespaces()
const hosted = { skip, timeout: 240_000 }
const never = new AbortController().signal

let root: string
let engine: TestEngine

const create = (id: string): Promise<Sandbox> => engine.service.sandboxes.create(request(id, bridgeWish), 'test', never)

const pathOf = (sandbox: Sandbox): string => pathIn(engine, sandbox)

const gateway = (): string => defaultGateway(engine)

before(() => {
  if (!skip) run('ip link set lo up; mount -t sysfs sysfs /sys')
})

beforeEach(() => {
  root = mkdtempSync('/tmp/caisson-leaks-')
  engine = startEngine(root, { poolSize: 0, barePoolSize: 0, networkPoolSize: 0 })
})

afterEach(async () => {
  await emptyAndClose(engine)
  await assertNothingLeft(root)
  rmSync(root, { recursive: true })
})

test(
  'NET-19: who takes the link of a namespace away harms nobody else, and the engine finds and clears what is left',
  hosted,
  async () => {
    const [attacker, other] = [await create('attacker'), await create('other')]
    inside(pathOf(attacker), 'ip link set eth0 name stolen')
    inside(pathOf(attacker), 'ip link set stolen up')
    inside(pathOf(attacker), `ip addr add ${addressOf(other)}/20 dev stolen`)
    assert.ok(pings(pathOf(other), gateway()))
    inside(pathOf(attacker), 'ip link del stolen')
    assert.ok(pings(pathOf(other), gateway()), 'the other one is not touched')
    engine[Symbol.dispose]()
    engine = startEngine(root, { poolSize: 0, barePoolSize: 0, networkPoolSize: 0 })
    assert.deepEqual(
      engine.service.sandboxes.list().map(({ id }) => id),
      ['other'],
      'the one without its link is lost, and said to be',
    )
    assert.ok(
      engine.events
        .read(undefined, 1_000)
        .events.some(({ type, attributes }) => type === 'sandbox.deleted' && attributes['reason'] === 'lost'),
    )
    assert.ok(pings(pathOf(other), gateway()))
  },
)

test(
  'a hundred sandboxes that come and go leave interfaces, namespaces, rules and records as they were',
  hosted,
  async () => {
    engine.service.userNetworks.create(networkRequest('front'), 'test')
    await create('stays')
    const state = async () => {
      const links = () => readdirSync('/sys/class/net').toSorted()
      for (let tries = 0; tries < 400 && links().filter((name) => name.startsWith('csp')).length > 1; tries++)
        await sleep(25)
      const rules = run('nft list ruleset').replaceAll(/packets \d+ bytes \d+/g, '')
      const { store } = engine
      return {
        links: links(),
        pins: engine.host.pins(),
        rules,
        namespaces: store.namespaces(),
        sandboxes: store.sandboxes(),
      }
    }
    const empty = await state()
    const ids = Array.from({ length: 100 }, (_, index) => `s${index}`)
    const wish = wishOf({ network: '' }, { network: 'front' })
    await Promise.all(ids.map((id) => engine.service.sandboxes.create(request(id, wish), 'test', never)))
    assert.equal(engine.store.namespaces().length, 101)
    await Promise.all(ids.slice(0, 50).map((id) => engine.service.sandboxes.disconnect(id, 'front', false, 'test')))
    await Promise.all(ids.map((id) => engine.service.sandboxes.delete(id, 'test')))
    assert.deepEqual(await state(), empty)
    const [front, standard] = ['front', ''].map((name) => engine.service.networks.connectable(name))
    assert.ok(front && standard)
    assert.deepEqual(
      [front, standard].map((network) => engine.service.networks.leases(network).count),
      [0, 1],
    )
  },
)

test(
  'a port that comes back to a bridge made anew is as it was: apart from others, and reaching itself',
  hosted,
  async () => {
    engine.service.userNetworks.create(networkRequest('apart', { isolated: true }), 'test')
    const port = { transport: 'tcp', hostAddress: undefined, hostPort: 8080, containerPort: 80, count: 1 } as const
    const wish = request('one', wishOf({ network: 'apart' }))
    const { portName } = endpointOf(await engine.service.sandboxes.create({ ...wish, ports: [port] }, 'test', never))
    const told = (): string[] =>
      ['isolated', 'hairpin_mode'].map((name) => run(`cat /sys/class/net/${portName}/brport/${name}`).trim())
    assert.deepEqual(told(), ['1', '1'])
    engine[Symbol.dispose]()
    run(`ip link del ${readdirSync('/sys/class/net').find((name) => name.startsWith('csn'))}`)
    engine = startEngine(root, { poolSize: 0, barePoolSize: 0, networkPoolSize: 0 })
    assert.deepEqual(told(), ['1', '1'])
  },
)
