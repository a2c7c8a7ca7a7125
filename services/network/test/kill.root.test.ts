import assert from 'node:assert/strict'
import { readdirSync, readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { before, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { CaissonError } from '@caisson/api'
import { SandboxMode } from '@caisson/api/network'
import { inNamespaces } from '@caisson/testkit'
import { pings, run, succeeds } from './engine.ts'
import { newRoot, type ServiceProcess, startService, stopService } from './service-process.ts'

const skip = inNamespaces()
const ROUNDS = 12

/** Creates and deletes until the service dies; notes what was acknowledged and what nobody can know. */
async function work(
  served: ServiceProcess,
  prefix: string,
  known: Map<string, string>,
  unsure: Set<string>,
): Promise<void> {
  for (let number = 0; ; number++) {
    const id = `${prefix}-${number}`
    unsure.add(id)
    try {
      const mode = number % 3 === 0 ? SandboxMode.NONE : SandboxMode.BRIDGE
      const { namespacePath } = await served.sandboxes.create({ id, mode })
      unsure.delete(id)
      known.set(id, namespacePath)
      if (number % 2 === 0) continue
      known.delete(id)
      unsure.add(id)
      await served.sandboxes.delete({ id })
      unsure.delete(id)
    } catch (error) {
      assert.ok(error instanceof CaissonError && ['unavailable', 'cancelled'].includes(error.code), String(error))
      return
    }
  }
}

/** Makes networks, connects a sandbox to each and takes it out, and removes every other one, until the service dies. */
async function workOnNetworks(
  served: ServiceProcess,
  prefix: string,
  known: Set<string>,
  unsure: Set<string>,
): Promise<void> {
  const { networks, sandboxes } = served
  for (let number = 0; ; number++) {
    const name = `${prefix}-${number}`
    unsure.add(name)
    try {
      const options: Record<string, string> =
        number % 2 === 0 ? {} : { 'com.docker.network.bridge.name': `br-${prefix}-${number}` }
      await networks.create({ name, options, internal: number % 3 === 0 })
      await sandboxes.connect({ sandboxId: 'anchor', attachment: { network: name } })
      await sandboxes.disconnect({ sandboxId: 'anchor', network: name })
      if (number % 2 === 0) await networks.delete({ network: name })
      else known.add(name)
      unsure.delete(name)
    } catch (error) {
      assert.ok(error instanceof CaissonError && ['unavailable', 'cancelled'].includes(error.code), String(error))
      return
    }
  }
}

before(() => {
  if (!skip) run('ip link set lo up; mount -t sysfs sysfs /sys')
})

test('killed at any moment, the service keeps what it acknowledged and leaks nothing', {
  skip,
  timeout: 180_000,
}, async () => {
  const root = newRoot({ poolSize: 2, barePoolSize: 1 })
  const known = new Map<string, string>()
  const unsure = new Set<string>()
  for (let round = 0; round < ROUNDS; round++) {
    const served = await startService(root)
    const { sandboxes } = await served.sandboxes.list({})
    const listed = new Set(sandboxes.map(({ id }) => id))
    for (const [id, path] of known) assert.ok(listed.has(id) && succeeds(`nsenter --net=${path} true`), `${id} is lost`)
    for (const id of listed) assert.ok(known.has(id) || unsure.has(id), `${id} came from nowhere`)
    for (const { id } of sandboxes.filter(({ id }) => unsure.has(id))) await served.sandboxes.delete({ id })
    unsure.clear()
    const working = Promise.all(['a', 'b', 'c'].map((name) => work(served, `${round}${name}`, known, unsure)))
    await sleep(100 + Math.random() * 400)
    await stopService(served, 'SIGKILL')
    await working
  }
  const served = await startService(root)
  const { sandboxes } = await served.sandboxes.list({})
  const addresses = sandboxes.flatMap(({ endpoints }) => endpoints.map(({ ipv4Address }) => ipv4Address))
  assert.equal(new Set(addresses).size, addresses.length, 'no address is given out twice')
  const wired = sandboxes.filter(({ endpoints }) => endpoints.length > 0)
  for (const { namespacePath, endpoints } of wired.slice(0, 10))
    assert.ok(pings(namespacePath, endpoints[0]?.ipv4Gateway ?? ''))
  for (const { id } of sandboxes) await served.sandboxes.delete({ id })
  assert.equal(await stopService(served, 'SIGTERM'), 0)
  assert.deepEqual(readdirSync(join(root, 'run/netns')), [])
  for (let tries = 0; tries < 200 && /cs[np]/.test(readdirSync('/sys/class/net').join()); tries++) await sleep(50)
  assert.doesNotMatch(readdirSync('/sys/class/net').join(), /cs[np]/)
  assert.doesNotMatch(run('nft list tables'), /caisson/)
  assert.equal(readFileSync('/proc/sys/net/ipv4/ip_forward', 'utf8').trim(), '0')
  assert.ok(!readFileSync('/proc/self/mountinfo', 'utf8').includes(join(root, 'run/netns/')))
  rmSync(root, { recursive: true })
})

test('killed while networks come and go, it keeps those it acknowledged, with their bridges, and no others', {
  skip,
  timeout: 240_000,
}, async () => {
  const root = newRoot()
  const known = new Set<string>()
  const unsure = new Set<string>()
  for (let round = 0; round <= ROUNDS / 2; round++) {
    const served = await startService(root)
    const { namespacePath } = await served.sandboxes.create({ id: 'anchor' })
    for (const { networkName } of (await served.sandboxes.get({ id: 'anchor' })).endpoints)
      if (networkName !== 'bridge') await served.sandboxes.disconnect({ sandboxId: 'anchor', network: networkName })
    const { networks } = await served.networks.list({ dangling: true })
    const listed = new Set(networks.map(({ name }) => name))
    for (const name of known) assert.ok(listed.has(name), `${name} is lost`)
    for (const name of listed) assert.ok(known.has(name) || unsure.has(name), `${name} came from nowhere`)
    const bridges = readdirSync('/sys/class/net').filter((name) => /^csn|^br-/.test(name))
    assert.equal(bridges.length, networks.length + 1, `a bridge each and the default one: ${bridges.join()}`)
    assert.equal(readdirSync('/sys/class/net').filter((name) => name.startsWith('csp')).length, 1, 'one port')
    assert.match(run(`nsenter --net=${namespacePath} ip -o link`), /^1: lo.*\n\d+: eth0[^\n]*\n$/)
    for (const name of listed) if (unsure.has(name)) await served.networks.delete({ network: name })
    unsure.clear()
    if (round === ROUNDS / 2) {
      await served.sandboxes.delete({ id: 'anchor' })
      assert.equal((await served.networks.prune({})).removed.length, known.size)
      assert.equal(await stopService(served, 'SIGTERM'), 0)
      break
    }
    const working = Promise.all(['a', 'b'].map((name) => workOnNetworks(served, `${round}${name}`, known, unsure)))
    await sleep(300 + Math.random() * 700)
    await stopService(served, 'SIGKILL')
    await working
  }
  assert.ok(known.size > 0, 'something was acknowledged')
  for (let tries = 0; tries < 200 && /cs[np]|br-/.test(readdirSync('/sys/class/net').join()); tries++) await sleep(50)
  assert.doesNotMatch(readdirSync('/sys/class/net').join(), /cs[np]|br-/)
  assert.doesNotMatch(run('nft list tables'), /caisson/)
  rmSync(root, { recursive: true })
})
