import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import {
  busyboxRootfs,
  hostState,
  importImage,
  inNamespaces,
  leftBehind,
  needsBusybox,
  TestEngine,
} from '@caisson/testkit'

const skip = inNamespaces() || needsBusybox()
const COUNT = 200
const AT_ONCE = 16
let engine: TestEngine

before(async () => {
  if (skip) return
  engine = await TestEngine.start({ config: { network: { poolSize: 0, barePoolSize: 0 } } })
  await importImage(engine.images, 'busybox', busyboxRootfs())
})

after(() => engine?.[Symbol.asyncDispose]())

/** Does `work` for every item, so many at once. */
async function each<T, R>(items: readonly T[], work: (item: T) => Promise<R>): Promise<R[]> {
  const results: R[] = []
  let next = 0
  const worker = async (): Promise<void> => {
    while (next < items.length) {
      const index = next++
      results[index] = await work(items[index] as T)
    }
  }
  await Promise.all(Array.from({ length: AT_ONCE }, worker))
  return results
}

test('starts, lists and removes 200 containers and leaves nothing behind', { skip, timeout: 240_000 }, async () => {
  const warm = await engine.containers.create({ spec: { image: 'busybox', process: { cmd: { values: ['true'] } } } })
  await engine.containers.start({ container: warm.id })
  await engine.containers.wait({ container: warm.id })
  await engine.containers.remove({ container: warm.id })
  await sleep(1_000)
  const before = hostState(engine.root)

  const numbers = Array.from({ length: COUNT }, (_, index) => index)
  const ids = await each(numbers, async (index) => {
    const { id } = await engine.containers.create({
      name: `many-${index}`,
      spec: { image: 'busybox', process: { cmd: { values: ['sleep', '1000'] } } },
    })
    await engine.containers.start({ container: id })
    return id
  })
  const { containers } = await engine.containers.list({})
  assert.deepEqual(new Set(containers.map(({ id }) => id)), new Set(ids))
  const ranges = containers.map(({ idRangeStart }) => idRangeStart)
  assert.equal(new Set(ranges).size, COUNT, 'every container has ids of its own')
  const addresses = containers.flatMap(({ sandbox }) => sandbox?.endpoints.map(({ ipv4Address }) => ipv4Address) ?? [])
  assert.equal(new Set(addresses).size, COUNT, 'every container has an address of its own')

  await each(ids, (id) => engine.containers.remove({ container: id, force: true }))
  assert.deepEqual((await engine.containers.list({ all: true })).containers, [])
  assert.deepEqual(await leftBehind(before, engine.root), {})
})
