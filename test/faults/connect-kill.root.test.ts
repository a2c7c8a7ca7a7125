import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import type { ServiceName } from '@caisson/api'
import { ContainerState } from '@caisson/api/container'
import { CaissonError } from '@caisson/api/error'
import { busyboxRootfs, importImage, inNamespaces, needsBusybox, TestEngine } from '@caisson/testkit'

const skip = inNamespaces() || needsBusybox()
const ROUNDS = 20
/** A change takes some ten milliseconds: a kill hits any part of one. */
const LATEST_KILL_MS = 60
const NETWORKS = ['one', 'two', 'three']
let engine: TestEngine

before(async () => {
  if (skip) return
  engine = await TestEngine.start()
  await importImage(engine.images, 'busybox', busyboxRootfs())
  for (const [index, name] of NETWORKS.entries())
    await engine.networks.create({ name, subnets: [{ subnet: `10.9${index}.0.0/24` }] })
})

after(async () => {
  if (skip) return
  const { containers } = await engine.containers.list({ all: true })
  for (const { id } of containers) await engine.containers.remove({ container: id, force: true })
  await engine.networks.prune({})
  await engine[Symbol.asyncDispose]()
})

/** Connects and disconnects as fast as it goes, until the service is gone. */
async function changeUntilGone(container: string, onChange: () => void): Promise<number> {
  for (let changes = 0; ; changes++) {
    if (changes > 0) onChange()
    const network = NETWORKS[Math.floor(Math.random() * NETWORKS.length)] ?? ''
    try {
      const { spec } = await engine.containers.get({ container })
      if (spec?.network?.attachments.some((each) => each.network === network))
        await engine.containers.disconnectNetwork({ container, network })
      else await engine.containers.connectNetwork({ container, attachment: { network, aliases: [`on-${network}`] } })
    } catch (error) {
      assert.equal(CaissonError.from(error).code, 'unavailable', String(error))
      return changes
    }
  }
}

/** What is written down, what its inspection shows, and what the network service has. */
async function states(container: string) {
  const { spec, sandbox, state } = await engine.containers.get({ container })
  assert.equal(state, ContainerState.RUNNING)
  const standing = await engine.sandboxes.get({ id: container })
  const names = (all: readonly { networkName: string }[]) => all.map(({ networkName }) => networkName).toSorted()
  const attachments = spec?.network?.attachments ?? []
  return {
    recorded: (attachments.length > 0 ? attachments : [{ network: '' }])
      .map(({ network }) => network || 'bridge')
      .toSorted(),
    shown: names(sandbox?.endpoints ?? []),
    standing: names(standing.endpoints),
    hosts: standing.hosts,
    file: readFileSync(join(engine.root, 'runtime/containers', container, 'hosts'), 'utf8'),
  }
}

/** Kills a service while networks are changed; the first change is over by then. Returns how many were. */
async function killAmidChanges(service: ServiceName, container: string): Promise<number> {
  const first = Promise.withResolvers<void>()
  const changing = changeUntilGone(container, first.resolve)
  await Promise.race([first.promise, changing])
  await sleep(Math.random() * LATEST_KILL_MS)
  await engine.kill(service)
  const changes = await changing
  await engine.startService(service)
  return changes
}

async function agreed(container: string): Promise<void> {
  const deadline = Date.now() + 10_000
  for (;;) {
    const { recorded, shown, standing, hosts, file } = await states(container)
    try {
      assert.deepEqual(standing, recorded)
      assert.deepEqual(shown, recorded)
      assert.equal(file, hosts)
      return
    } catch (error) {
      if (Date.now() > deadline) throw error
      await sleep(20)
    }
  }
}

test('record, endpoints and files agree again when the runtime was killed amid a change of networks', {
  skip,
  timeout: 240_000,
}, async (context) => {
  const cmd = { values: ['sleep', '1000'] }
  const { id } = await engine.containers.create({ name: 'web', spec: { image: 'busybox', process: { cmd } } })
  await engine.containers.start({ container: id })
  let changes = 0
  for (let round = 0; round < ROUNDS; round++) {
    changes += await killAmidChanges('runtime', id)
    await agreed(id)
  }
  assert.ok(changes >= ROUNDS, 'each was cut off amid others')
  context.diagnostic(`${changes} changes were done in between, ${ROUNDS} were cut off`)
  for (const network of NETWORKS)
    await engine.containers.disconnectNetwork({ container: id, network }).catch((error: unknown) => {
      assert.equal(CaissonError.from(error).reason, 'NOT_CONNECTED')
    })
  for (const name of NETWORKS)
    assert.equal((await engine.networks.get({ network: name })).endpoints, 0, 'no endpoint was forgotten')
})

test('and when the network service was killed', { skip, timeout: 120_000 }, async () => {
  const cmd = { values: ['sleep', '1000'] }
  const { id } = await engine.containers.create({ name: 'other', spec: { image: 'busybox', process: { cmd } } })
  await engine.containers.start({ container: id })
  for (let round = 0; round < 5; round++) {
    await killAmidChanges('network', id)
    await agreed(id)
  }
})
