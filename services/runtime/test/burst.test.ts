import assert from 'node:assert/strict'
import { afterEach, beforeEach, describe, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
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
    runtime.monitors.onLaunch = (monitor, { container, waits }) => {
      const go = (): void => {
        ran.push(container.image.id)
        monitor.sayStarted()
        void monitor.exit(0)
      }
      monitor.onStart = go
      monitor.onSignal = () => void monitor[Symbol.asyncDispose]()
      if (waits) monitor.sayCreated()
      else go()
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
  /** Runs the same until one is launched ahead. Its id. */
  const park = async (): Promise<string> => {
    await warm()
    const parked = () => runtime.monitors.launched.find(({ waits }) => waits)?.container.id
    await eventually(async () => {
      await run()
      return parked() !== undefined
    })
    return parked() ?? ''
  }
  const nothingIsLeft = () => eventually(() => runtime.roots.prepared.size === 0 && runtime.sandboxes.made.size === 0)
  const spareOf = (id: string): string | undefined => [...runtime.roots.prepared].find((other) => other !== id)

  test('is given what was made ahead, and leaves nothing of it', async () => {
    const spare = await warm()
    assert.equal(await run(), spare)
    assert.deepEqual((await runtime.client.list({ all: true })).containers, [])
    await nothingIsLeft()
  })

  test('is launched but for its program when the same is run again and again', async () => {
    const parked = await park()
    assert.equal(runtime.monitors.of({ id: parked }).started, false)
    assert.deepEqual((await runtime.client.list({ all: true })).containers, [])
    const before = ran.length
    assert.equal(await run(), parked)
    assert.equal(ran.length, before + 1)
    await nothingIsLeft()
  })

  test('is not launched ahead for another command, and what was is killed', async () => {
    const parked = await park()
    const other = await run({ process: { cmd: { values: ['other'] } } })
    assert.notEqual(other, parked)
    const monitor = runtime.monitors.of({ id: parked })
    await eventually(() => monitor.signals.includes(9))
    await nothingIsLeft()
  })

  test('is launched anew when something killed what was launched ahead', async () => {
    const parked = await park()
    await runtime.monitors.of({ id: parked })[Symbol.asyncDispose]()
    // Until the service has heard of it.
    await sleep(20)
    assert.notEqual(await run(), parked)
    await nothingIsLeft()
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
    await nothingIsLeft()
  })

  test('is refused when the image has changed and nobody can say into what', async () => {
    await warm()
    runtime.roots.imageId = 'sha256:new'
    runtime.roots.failure = unavailableNow()
    await assert.rejects(run(), (error) => error instanceof CaissonError && error.code === 'unavailable')
    runtime.roots.failure = undefined
    await nothingIsLeft()
  })

  test('has nothing made ahead that depends on more than the image', async () => {
    const spare = await warm()
    for (const spec of [{ hostname: 'other' }, { labels: { a: 'b' } }, { network: { mode: SandboxMode.NONE } }])
      assert.notEqual(await run(spec), spare)
    assert.notEqual(await run({}, 'named'), spare)
  })
})
