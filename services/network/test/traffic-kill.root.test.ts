import assert from 'node:assert/strict'
import { readdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { before, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { CaissonError } from '@caisson/api'
import { inNamespaces } from '@caisson/testkit'
import { run } from './engine.ts'
import { newRoot, type ServiceProcess, startService, stopService } from './service-process.ts'
import { Talk, talkAt } from './talk.ts'

const skip = inNamespaces()
const ROUNDS = 20
const hosted = { skip, timeout: 500_000 }

/** Sandboxes with ports come, are connected to another network, taken out of it and go, until the service dies. */
async function work({ sandboxes }: ServiceProcess, prefix: string): Promise<void> {
  for (let number = 0; ; number++)
    try {
      const id = `${prefix}-${number}`
      await sandboxes.create({ id, ports: [{ containerPort: 80 }] })
      await sandboxes.connect({ sandboxId: id, attachment: { network: 'front' } })
      await sandboxes.update({ id, ports: { ports: [{ containerPort: 81 }, { containerPort: 82 }] } })
      if (number % 2 === 0) await sandboxes.disconnect({ sandboxId: id, network: 'front' })
      if (number % 4 !== 0) await sandboxes.delete({ id })
    } catch (error) {
      assert.ok(error instanceof CaissonError && ['unavailable', 'cancelled'].includes(error.code), String(error))
      return
    }
}

const matches = (text: string, pattern: RegExp): string[] =>
  [...text.matchAll(pattern)].map(([found]) => found).toSorted()
const links = (prefix: string): number => readdirSync('/sys/class/net').filter((name) => name.startsWith(prefix)).length

/**
 * What the kernel has is what the records say, no less and no more. Namespaces that were complete when a kill came, but
 * given to no sandbox yet, wait to be taken: each has a pin, and one endpoint.
 */
async function check(root: string, { sandboxes, networks }: ServiceProcess): Promise<void> {
  const { sandboxes: all } = await sandboxes.list({ page: { size: 1_000 } })
  const endpoints = all.flatMap((sandbox) => sandbox.endpoints)
  const waiting = readdirSync(join(root, 'run/netns')).length - all.length
  assert.ok(waiting >= 0 && waiting <= ROUNDS, `${waiting} namespaces wait`)
  const expected = endpoints.length + waiting
  // The kernel takes links down some time after their namespace.
  for (let tries = 0; tries < 400 && links('csp') !== expected; tries++) await sleep(25)
  assert.equal(links('csp'), expected, 'a port of a bridge for each endpoint')
  const table = /bridge (caisson_\w+)/.exec(run('nft list tables'))?.[1]
  const leases = run(`nft list set bridge ${table} leases`)
  const leased = matches(leases, /\d+\.\d+\.\d+\.\d+/g)
  assert.equal(leased.length, expected, 'a lease for each endpoint')
  for (const { ipv4Address } of endpoints) assert.ok(leased.includes(ipv4Address.split('/')[0] ?? ''), ipv4Address)
  const published = matches(run(`nft list map inet ${table} published_any`), /tcp \. \d+/g)
  const ports = all.flatMap((sandbox) => sandbox.ports.map(({ hostPort }) => `tcp . ${hostPort}`))
  assert.deepEqual(published, ports.toSorted(), 'an element for each port')
  const bridges = (await networks.list({ drivers: ['bridge'] })).networks.length
  assert.equal(readdirSync('/sys/class/net').filter((name) => /^csn/.test(name)).length, bridges)
}

before(() => {
  if (!skip) run('ip link set lo up; mount -t sysfs sysfs /sys')
})

test(
  'killed twenty times under traffic, it drops no connection, and its rules are what its records say',
  hosted,
  async () => {
    const root = newRoot({ poolSize: 0, barePoolSize: 0, networkPoolSize: 0 })
    let served = await startService(root)
    await served.networks.create({ name: 'front' })
    const { namespacePath } = await served.sandboxes.create({
      id: 'server',
      ports: [{ hostPort: 8007, containerPort: 7 }],
    })
    using server = await talkAt(namespacePath, 7)
    using open = await Talk.open('127.0.0.1', 8007)
    for (let round = 0; round < ROUNDS; round++) {
      const working = Promise.all(['a', 'b', 'c'].map((name) => work(served, `${round}${name}`)))
      await sleep(50 + Math.random() * 400)
      await stopService(served, 'SIGKILL')
      await working
      await open.say('while it is away')
      using fresh = await Talk.open('127.0.0.1', 8007)
      await fresh.say('a new one')
      served = await startService(root)
      await open.say('when it is back')
      await check(root, served)
      for (const { id } of (await served.sandboxes.list({ page: { size: 1_000 } })).sandboxes)
        if (id !== 'server') await served.sandboxes.delete({ id })
      await check(root, served)
    }
    assert.ok(server.alive)
    await served.sandboxes.delete({ id: 'server' })
    await served.networks.prune({})
    assert.equal(await stopService(served, 'SIGTERM'), 0)
    assert.deepEqual(readdirSync(join(root, 'run/netns')), [])
    assert.doesNotMatch(run('nft list tables'), /caisson/)
    rmSync(root, { recursive: true })
  },
)
