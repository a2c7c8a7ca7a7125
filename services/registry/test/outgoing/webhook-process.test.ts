import assert from 'node:assert/strict'
import { test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Client } from '../client.ts'
import { blobOf } from '../registry.ts'
import { RegistryProcess } from './process.ts'
import { Receiver, until } from './receiver.ts'

const PUSHES = 1_000
const MIB = 1 << 20

test('tells of every push at least once, wherever it is killed', async () => {
  await using receiver = await Receiver.start()
  await using registry = await RegistryProcess.start()
  await registry.webhooks.set({ name: 'a', url: receiver.url, events: ['manifest.pushed'] })
  const pushed: string[] = []
  for (let round = 0; round < 5; round++) {
    const { client } = registry
    const working = (async () => {
      for (let count = 0; ; count++) {
        const image = await client.imageOf('team/app', blobOf(100))
        const answer = await client.pushManifest('team/app', `r${round}-${count}`, image)
        if (answer.status === 201) pushed.push(image.digest)
      }
    })().catch(() => {})
    await sleep(400 + Math.random() * 300)
    await registry.kill()
    await working
    await registry.startAgain()
  }
  assert.ok(pushed.length > 10, `only ${pushed.length} were pushed`)
  const told = (): Set<unknown> => new Set(receiver.entries.map(({ target }) => target['digest']))
  await until(() => pushed.every((digest) => told().has(digest)), 'every push that was acknowledged is told')
  const ids = receiver.taken.map(({ headers }) => Number(String(headers['webhook-id']).split(':')[1]))
  assert.deepEqual(
    ids,
    ids.toSorted((a, b) => a - b),
    'in order, repeated ones beside each other',
  )
})

/** Pushes manifests, and gives the milliseconds that it took. */
async function pushMany(client: Client, from: number): Promise<number> {
  const image = await client.imageOf('team/app', Buffer.from('the same in all'))
  const begun = performance.now()
  for (let count = from; count < from + PUSHES; count++) {
    const { status } = await client.pushManifest('team/app', `t${count}`, image)
    assert.equal(status, 201)
  }
  return performance.now() - begun
}

test('endpoints that are down or hang slow no push, and take no memory', async (context) => {
  await using down = await Receiver.start()
  const nowhere = down.url
  await down[Symbol.asyncDispose]()
  await using hanging = await Receiver.start('hangs')
  await using other = await Receiver.start()
  await using registry = await RegistryProcess.start({ eventRetention: 1_000 })
  await pushMany(registry.client, 0)
  const without = await pushMany(registry.client, PUSHES)
  for (let count = 0; count < 5; count++) {
    await registry.webhooks.set({ name: `down-${count}`, url: nowhere })
    await registry.webhooks.set({ name: `hanging-${count}`, url: hanging.url })
  }
  await registry.webhooks.set({ name: 'other', url: other.url })
  const before = registry.memory
  const withThem = await pushMany(registry.client, 2 * PUSHES)
  const after = registry.memory
  const figures = `1,000 pushes: ${Math.round(without)} ms without, ${Math.round(withThem)} ms with ten dead webhooks`
  context.diagnostic(`${figures}; memory ${Math.round(before / MIB)} to ${Math.round(after / MIB)} MiB`)
  assert.ok(withThem < 2 * without + 1_000, figures)
  assert.ok(after - before < 64 * MIB, `${(after - before) / MIB} MiB more`)
  await until(() => other.entries.length === PUSHES, 'the endpoint that works has everything')
})
