import assert from 'node:assert/strict'
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { before, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { CaissonError, Channel, type ServiceClient } from '@caisson/api'
import { SandboxesDefinition, SandboxMode } from '@caisson/api/network'
import { inNamespaces } from '@caisson/testkit'
import { pings, run, succeeds } from './engine.ts'

const skip = inNamespaces()
const MAIN = join(import.meta.dirname, '../src/main.ts')
const ROUNDS = 12

type Served = { process: ChildProcess; channel: Channel; sandboxes: ServiceClient<typeof SandboxesDefinition> }

async function startService(root: string): Promise<Served> {
  const process_ = spawn(process.execPath, [MAIN, '--root', root], { stdio: ['ignore', 'ignore', 'inherit'] })
  const channel = new Channel(`unix://${join(root, 'run/network.sock')}`)
  await channel.ready(20_000)
  return { process: process_, channel, sandboxes: channel.client(SandboxesDefinition) }
}

async function stop(served: Served, signal: NodeJS.Signals): Promise<number | null> {
  const ended = once(served.process, 'exit')
  served.process.kill(signal)
  const [code] = await ended
  served.channel[Symbol.dispose]()
  return code
}

/** Creates and deletes until the service dies; notes what was acknowledged and what nobody can know. */
async function work(served: Served, prefix: string, known: Map<string, string>, unsure: Set<string>): Promise<void> {
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

before(() => {
  if (!skip) run('ip link set lo up; mount -t sysfs sysfs /sys')
})

test('killed at any moment, the service keeps what it acknowledged and leaks nothing', {
  skip,
  timeout: 180_000,
}, async () => {
  const root = mkdtempSync('/tmp/caisson-kill-')
  mkdirSync(join(root, 'etc'))
  writeFileSync(join(root, 'etc/network.json'), JSON.stringify({ poolSize: 2, barePoolSize: 1, logLevel: 'error' }))
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
    await stop(served, 'SIGKILL')
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
  assert.equal(await stop(served, 'SIGTERM'), 0)
  assert.deepEqual(readdirSync(join(root, 'run/netns')), [])
  for (let tries = 0; tries < 200 && /cs[np]/.test(readdirSync('/sys/class/net').join()); tries++) await sleep(50)
  assert.doesNotMatch(readdirSync('/sys/class/net').join(), /cs[np]/)
  assert.doesNotMatch(run('nft list tables'), /caisson/)
  assert.equal(readFileSync('/proc/sys/net/ipv4/ip_forward', 'utf8').trim(), '0')
  assert.ok(!readFileSync('/proc/self/mountinfo', 'utf8').includes(join(root, 'run/netns/')))
  rmSync(root, { recursive: true })
})
