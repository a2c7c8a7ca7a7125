import assert from 'node:assert/strict'
import { afterEach, beforeEach, describe, test } from 'node:test'
import { CaissonError, type Partially } from '@caisson/api'
import type { ContainerSpec } from '@caisson/api/container'
import { SandboxMode } from '@caisson/api/network'
import { unavailableNow } from './fakes.ts'
import { collect, eventually, RuntimeFixture } from './fixture.ts'

describe('a burst of short containers', () => {
  let runtime: RuntimeFixture
  /** Ids of images that were run, in order. */
  const ran: string[] = []
  beforeEach(async () => {
    runtime = await RuntimeFixture.start()
    ran.length = 0
    runtime.monitors.onLaunch = (monitor, { container }) => {
      ran.push(container.image.id)
      monitor.sayStarted()
      void monitor.exit(0)
    }
  })
  afterEach(() => runtime[Symbol.asyncDispose]())

  const run = async (spec: Partially<ContainerSpec> = {}, name = ''): Promise<string> => {
    const request = { create: { name, spec: { image: 'box', autoRemove: true, ...spec } } }
    const [first] = await collect(runtime.client.run(request))
    return first?.item?.$case === 'created' ? first.item.value.id : ''
  }
  /** Runs once, and waits until something is made ahead. */
  const warm = async (spec: Partially<ContainerSpec> = {}): Promise<string> => {
    const id = await run(spec)
    await eventually(() => spareOf(id) !== undefined)
    return spareOf(id) ?? ''
  }
  const spareOf = (id: string): string | undefined => [...runtime.roots.prepared].find((other) => other !== id)

  test('is given what was made ahead, and leaves nothing of it', async () => {
    const spare = await warm()
    assert.equal(await run(), spare)
    assert.equal(runtime.monitors.launched.at(-1)?.waits, true)
    assert.deepEqual((await runtime.client.list({ all: true })).containers, [])
    await eventually(() => runtime.roots.prepared.size === 0 && runtime.sandboxes.made.size === 0)
  })

  test('has names and ids of its own, each time', async () => {
    await warm()
    const ids = await Promise.all(Array.from({ length: 6 }, () => run()))
    assert.equal(new Set(ids).size, ids.length)
    const names = runtime.events().filter(({ type }) => type === 'container.created')
    assert.equal(new Set(names.map(({ subject }) => subject?.name)).size, names.length)
  })

  test('runs what the name of the image stands for now', async () => {
    const spare = await warm()
    runtime.roots.imageId = 'sha256:new'
    assert.notEqual(await run(), spare)
    assert.equal(ran.at(-1), 'sha256:new')
    await eventually(() => runtime.roots.prepared.size === 0 && runtime.sandboxes.made.size === 0)
  })

  test('is refused when the image is gone, or nobody can say so', async () => {
    await warm()
    runtime.roots.failure = unavailableNow()
    await assert.rejects(run(), (error) => error instanceof CaissonError && error.code === 'unavailable')
    runtime.roots.failure = undefined
    await eventually(() => runtime.roots.prepared.size === 0 && runtime.sandboxes.made.size === 0)
  })

  test('has nothing made ahead that depends on more than the image', async () => {
    const spare = await warm()
    for (const spec of [{ hostname: 'other' }, { labels: { a: 'b' } }, { network: { mode: SandboxMode.NONE } }])
      assert.notEqual(await run(spec), spare)
    assert.notEqual(await run({}, 'named'), spare)
  })
})
