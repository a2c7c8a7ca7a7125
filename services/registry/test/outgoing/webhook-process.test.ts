import assert from 'node:assert/strict'
import { test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Client, Manifest } from '../client.ts'
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
    const before = pushed.length
    await until(() => pushed.length > before + 2, 'some are pushed')
    await sleep(Math.random() * 300)
    await registry.kill()
    await working
    await registry.startAgain()
  }
  const told = (): Set<unknown> => new Set(receiver.entries.map(({ target }) => target['digest']))
  await until(() => pushed.every((digest) => told().has(digest)), 'every push that was acknowledged is told')
  const ids = receiver.taken.map(({ headers }) => Number(String(headers['webhook-id']).split(':')[1]))
  assert.deepEqual(
    ids,
    ids.toSorted((a, b) => a - b),
    'in order, repeated ones beside each other',
  )
})

test('endpoints that are down or hang slow no push, and take no memory', async (context) => {
  await using down = await Receiver.start()
  const nowhere = down.url
  await down[Symbol.asyncDispose]()
  await using hanging = await Receiver.start('hangs')
  await using other = await Receiver.start()
  const config = { eventRetention: 1_000, outgoing: {} }
  await using registry = await RegistryProcess.start(config)
  await using plain = await RegistryProcess.start(config)
  for (let count = 0; count < 5; count++) {
    await registry.webhooks.set({ name: `down-${count}`, url: nowhere })
    await registry.webhooks.set({ name: `hanging-${count}`, url: hanging.url })
  }
  await registry.webhooks.set({ name: 'other', url: other.url })
  const pushers = { with: await Pusher.to(registry.client), without: await Pusher.to(plain.client) }
  const pushBoth = async (count: number): Promise<void> => {
    // In turns: whatever else the machine does concerns both.
    for (let each = 0; each < count; each++) {
      await pushers.with.push()
      await pushers.without.push()
    }
  }
  await pushBoth(200)
  const before = registry.memory
  const [withBefore, withoutBefore] = [pushers.with.ms, pushers.without.ms]
  await pushBoth(PUSHES)
  const after = registry.memory
  const [withThem, without] = [pushers.with.ms - withBefore, pushers.without.ms - withoutBefore]
  const figures = `1,000 pushes: ${Math.round(without)} ms without, ${Math.round(withThem)} ms with ten dead webhooks`
  context.diagnostic(`${figures}; memory ${Math.round(before / MIB)} to ${Math.round(after / MIB)} MiB`)
  assert.ok(withThem < 1.7 * without, figures)
  assert.ok(after - before < 64 * MIB, `${(after - before) / MIB} MiB more`)
  await until(() => other.entries.length === PUSHES + 200, 'the endpoint that works has everything')
})

/** Pushes manifests one after the other, and counts the milliseconds that it takes. */
class Pusher {
  ms = 0
  readonly #client: Client
  readonly #image: Manifest
  #count = 0

  private constructor(client: Client, image: Manifest) {
    this.#client = client
    this.#image = image
  }

  static async to(client: Client): Promise<Pusher> {
    return new Pusher(client, await client.imageOf('team/app', Buffer.from('the same in all')))
  }

  async push(): Promise<void> {
    const begun = performance.now()
    const { status } = await this.#client.pushManifest('team/app', `t${this.#count++}`, this.#image)
    this.ms += performance.now() - begun
    assert.equal(status, 201)
  }
}
