import assert from 'node:assert/strict'
import { existsSync, mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, test } from 'node:test'
import { CaissonError } from '@caisson/api'
import { ContainerState } from '@caisson/api/container'
import { Store } from '@caisson/service-kit'
import { encodeExitRecord } from '../src/monitor/exit-record.ts'
import { exitRecord, FakeMonitor } from '../src/monitor/fake-monitor.fixture.ts'
import { migrations } from '../src/store/migrations.ts'
import { unavailableNow } from './fakes.ts'
import { eventually, RuntimeFixture } from './fixture.ts'

describe('a restart of the runtime', () => {
  let runtime: RuntimeFixture
  beforeEach(async () => {
    runtime = await RuntimeFixture.start()
  })
  afterEach(() => runtime[Symbol.asyncDispose]())

  const started = async (name: string, spec: object = {}): Promise<string> => {
    const { id } = await runtime.client.create({ name, spec: { image: 'box', ...spec } })
    await runtime.client.start({ container: id })
    return id
  }
  const restart = async (between: () => void | Promise<void> = () => {}): Promise<void> => {
    await runtime.halt()
    await between()
    await runtime.boot()
  }
  const stateDir = (id: string): string => join(runtime.dir, 'containers', id)

  test('finds running containers again, and hears of their end', async () => {
    const id = await started('kept')
    await restart()
    const found = await runtime.client.get({ container: id })
    assert.equal(found.state, ContainerState.RUNNING)
    assert.equal(found.pid, 4_242)
    await runtime.monitors.of({ id }).exit(5)
    await eventually(async () => (await runtime.client.get({ container: id })).exit?.exitCode === 5)
    assert.deepEqual(runtime.story(id), ['created', 'started', 'exited'])
  })

  test('reads how containers ended meanwhile, and removes those that were to be removed', async () => {
    const kept = await started('kept')
    const thrown = await started('thrown', { autoRemove: true })
    await restart(async () => {
      await runtime.monitors.of({ id: kept }).exit(9)
      await runtime.monitors.of({ id: thrown }).exit(0)
    })
    assert.equal((await runtime.client.get({ container: kept })).exit?.exitCode, 9)
    const { containers } = await runtime.client.list({ all: true })
    assert.deepEqual(
      containers.map(({ id }) => id),
      [kept],
    )
    await eventually(() => runtime.roots.prepared.size === 1 && runtime.sandboxes.made.size === 0)
    assert.deepEqual(runtime.story(thrown), ['created', 'started', 'exited', 'removed'])
    await eventually(() => !existsSync(stateDir(thrown)))
  })

  test('kills a container whose monitor was lost, and never invents its exit code', async () => {
    const id = await started('lost')
    await restart(() => runtime.monitors.of({ id })[Symbol.asyncDispose]())
    const { exit, state } = await runtime.client.get({ container: id })
    assert.equal(state, ContainerState.EXITED)
    assert.equal(exit?.exitCode, -1)
    assert.match(exit?.error ?? '', /monitor was lost/)
    assert.deepEqual(runtime.processes.killed, [4_242])
    assert.deepEqual(runtime.controlGroups.swept, [id])
  })

  test('does the same when the monitor is lost while it serves', async () => {
    const id = await started('lost')
    await runtime.monitors.of({ id })[Symbol.asyncDispose]()
    await eventually(async () => (await runtime.client.get({ container: id })).exit?.exitCode === -1)
    assert.deepEqual(runtime.processes.killed, [4_242])
  })

  test('only listens again when a connection to a living monitor broke', async () => {
    const id = await started('cut')
    runtime.monitors.of({ id }).hangUp()
    await eventually(() => runtime.monitors.of({ id }).connections.length > 0)
    await runtime.monitors.of({ id }).exit(4)
    await eventually(async () => (await runtime.client.get({ container: id })).exit?.exitCode === 4)
    assert.deepEqual(runtime.processes.killed, [])
  })

  test('believes nothing to run after the host was started anew, and kills no stranger', async () => {
    const id = await started('before')
    await restart(async () => {
      await runtime.monitors.of({ id })[Symbol.asyncDispose]()
      runtime.processes.bootId = 'next-boot'
    })
    const { exit } = await runtime.client.get({ container: id })
    assert.equal(exit?.exitCode, -1)
    assert.match(exit?.error ?? '', /host was started anew/)
    assert.deepEqual(runtime.processes.killed, [])
  })

  test('takes a damaged exit record for an unknown end', async () => {
    const id = await started('torn')
    await restart(async () => {
      await runtime.monitors.of({ id })[Symbol.asyncDispose]()
      const record = encodeExitRecord(exitRecord(0, { segment: 1, offset: 0 }))
      writeFileSync(join(stateDir(id), 'exit'), record.subarray(0, 90))
    })
    assert.equal((await runtime.client.get({ container: id })).exit?.exitCode, -1)
  })

  test('writes down what was started and not written down', async () => {
    const { id } = await runtime.client.create({ name: 'half', spec: { image: 'box' } })
    await runtime.halt()
    mkdirSync(stateDir(id), { recursive: true })
    const monitor = await FakeMonitor.listen(stateDir(id))
    runtime.monitors.monitors.set(id, monitor)
    await runtime.boot()
    assert.equal((await runtime.client.get({ container: id })).state, ContainerState.RUNNING)
    await restart(() => monitor.exit(6))
    assert.equal((await runtime.client.get({ container: id })).exit?.exitCode, 6)
    await restart()
    assert.deepEqual(runtime.story(id), ['created', 'started', 'exited'])
  })

  test('writes down what was started and ended and not written down', async () => {
    const { id } = await runtime.client.create({ name: 'quick', spec: { image: 'box' } })
    await restart(() => {
      mkdirSync(stateDir(id), { recursive: true })
      writeFileSync(join(stateDir(id), 'exit'), encodeExitRecord(exitRecord(8, { segment: 1, offset: 0 })))
    })
    assert.equal((await runtime.client.get({ container: id })).exit?.exitCode, 8)
    assert.deepEqual(runtime.story(id), ['created', 'started', 'exited'])
  })

  test('clears away what no record knows: state, monitor, root and sandbox', async () => {
    const id = 'ab'.repeat(32)
    let monitor: FakeMonitor | undefined
    await restart(async () => {
      mkdirSync(stateDir(id), { recursive: true })
      monitor = await FakeMonitor.listen(stateDir(id))
      runtime.monitors.monitors.set(id, monitor)
      const ending = monitor
      void ending.until(() => ending.signals.includes(9)).then(() => ending.exit(137))
      runtime.roots.prepared.add(id).add('cd'.repeat(32))
    })
    assert.deepEqual(monitor?.signals, [9])
    await runtime.service.clearLeftovers(new AbortController().signal)
    await eventually(() => !existsSync(stateDir(id)) && runtime.roots.prepared.size === 0)
    assert.ok(runtime.controlGroups.swept.includes(id))
  })

  test('gives back the sandboxes of containers that do not run any more', async () => {
    const kept = await started('runs')
    const { id } = await runtime.client.create({ name: 'stopped', spec: { image: 'box' } })
    const request = runtime.sandboxes.made.get(kept)
    assert.ok(request)
    runtime.sandboxes.made.set(id, { ...request, id })
    await restart()
    await runtime.service.clearLeftovers(new AbortController().signal)
    await eventually(() => !runtime.sandboxes.made.has(id))
    assert.deepEqual([...runtime.sandboxes.made.keys()], [kept])
  })

  test('needs no other service to come back', async () => {
    const id = await started('alone', { autoRemove: true })
    await restart(async () => {
      runtime.roots.failure = unavailableNow()
      runtime.sandboxes.failure = unavailableNow()
      await runtime.monitors.of({ id }).exit(0)
    })
    assert.deepEqual((await runtime.client.list({ all: true })).containers, [])
    runtime.roots.failure = undefined
    runtime.sandboxes.failure = undefined
    await eventually(() => runtime.roots.prepared.size === 0 && runtime.sandboxes.made.size === 0)
  })

  test('keeps what is paused paused', async () => {
    const id = await started('icy')
    await runtime.client.pause({ container: id })
    await restart(() => runtime.controlGroups.frozen.clear())
    assert.equal((await runtime.client.get({ container: id })).state, ContainerState.PAUSED)
    assert.deepEqual([...runtime.controlGroups.frozen], [id])
  })

  test('shows a container whose record is damaged as broken, and removes it', async () => {
    const { id } = await runtime.client.create({ name: 'damaged', spec: { image: 'box' } })
    await runtime.client.create({ name: 'fine', spec: { image: 'box' } })
    await restart(() => {
      using store = new Store(join(runtime.dir, 'runtime.db'), migrations)
      store.prepare('UPDATE container SET body = ? WHERE id = ?').run('{"half', id)
    })
    assert.equal((await runtime.client.get({ container: 'damaged' })).state, ContainerState.BROKEN)
    await assert.rejects(
      runtime.client.start({ container: id }),
      (error) => error instanceof CaissonError && error.reason === 'CONTAINER_BROKEN',
    )
    await runtime.client.remove({ container: id })
    await runtime.client.start({ container: 'fine' })
  })

  test('gives no id range out twice', async () => {
    const before = await runtime.client.create({ spec: { image: 'box' } })
    await restart()
    const after = await runtime.client.create({ spec: { image: 'box' } })
    const ranges = await Promise.all(
      [before, after].map(async ({ id }) => (await runtime.client.get({ container: id })).idRangeStart),
    )
    assert.deepEqual(ranges, [0x7000_0000, 0x7001_0000])
  })
})
