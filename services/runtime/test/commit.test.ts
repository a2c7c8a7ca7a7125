import assert from 'node:assert/strict'
import { afterEach, beforeEach, describe, test } from 'node:test'
import { CaissonError, unavailable } from '@caisson/api'
import { ContainerState } from '@caisson/api/container'
import { ChangeKind } from '@caisson/api/snapshot'
import { collect, eventually, RuntimeFixture } from './fixture.ts'

const refusedWith =
  (reason: string) =>
  (error: unknown): boolean =>
    error instanceof CaissonError && error.reason === reason

describe('committing a container', () => {
  let runtime: RuntimeFixture
  beforeEach(async () => {
    runtime = await RuntimeFixture.start()
  })
  afterEach(() => runtime[Symbol.asyncDispose]())

  const make = (name: string) => runtime.client.create({ name, spec: { image: 'box' } })
  const stateOf = async (container: string) => (await runtime.client.get({ container })).state

  test('makes an image of its root, with what it runs in the history', async () => {
    const { id } = await make('one')
    const made = await runtime.client.commit({
      ...{ container: 'one', reference: 'new', changes: ['CMD a'], comment: 'why', author: 'who', compression: 'zstd' },
    })
    assert.deepEqual(made, { imageId: 'sha256:new', digest: 'sha256:newm', reference: 'new' })
    const draft = { reference: 'new', changes: ['CMD a'], comment: 'why', author: 'who', compression: 'zstd' }
    const [commit] = runtime.roots.commits
    const { settings, ...rest } = commit?.draft ?? assert.fail()
    assert.deepEqual([commit?.id, rest], [id, { ...draft, createdBy: '/bin/sh' }])
    assert.deepEqual([settings.env, settings.cmd], [[], undefined])
    assert.deepEqual(runtime.story(id), ['created'])
  })

  test('pauses one that runs meanwhile, and lets it go on', async () => {
    const { id } = await make('one')
    await runtime.client.start({ container: id })
    const states: ContainerState[] = []
    runtime.roots.duringCommit = async () => {
      states.push(await stateOf(id))
      assert.ok(runtime.controlGroups.frozen.has(id))
    }
    await runtime.client.commit({ container: id })
    assert.deepEqual(states, [ContainerState.PAUSED])
    assert.equal(await stateOf(id), ContainerState.RUNNING)
    assert.ok(!runtime.controlGroups.frozen.has(id))
    assert.deepEqual(runtime.story(id), ['created', 'started', 'paused', 'resumed'])
  })

  test('lets it run on when asked to', async () => {
    const { id } = await make('one')
    await runtime.client.start({ container: id })
    await runtime.client.commit({ container: id, pause: false })
    assert.deepEqual(runtime.story(id), ['created', 'started'])
  })

  test('leaves one paused that was paused before', async () => {
    const { id } = await make('one')
    await runtime.client.start({ container: id })
    await runtime.client.pause({ container: id })
    await runtime.client.commit({ container: id })
    assert.equal(await stateOf(id), ContainerState.PAUSED)
  })

  test('lets it go on when the image store fails, and when the caller goes away', async () => {
    const { id } = await make('one')
    await runtime.client.start({ container: id })
    runtime.roots.duringCommit = async () => {
      throw unavailable('STORE_AWAY', 'the image store is away')
    }
    await assert.rejects(runtime.client.commit({ container: id }), refusedWith('STORE_AWAY'))
    assert.equal(await stateOf(id), ContainerState.RUNNING)
    const leaving = new AbortController()
    runtime.roots.duringCommit = (signal) =>
      new Promise((_, reject) => {
        signal.addEventListener('abort', () => reject(signal.reason))
        leaving.abort()
      })
    await assert.rejects(runtime.client.commit({ container: id }, { signal: leaving.signal }))
    await eventually(async () => (await stateOf(id)) === ContainerState.RUNNING)
    assert.ok(!runtime.controlGroups.frozen.has(id))
  })

  test('bears that it ends meanwhile', async () => {
    const { id } = await make('one')
    await runtime.client.start({ container: id })
    runtime.roots.duringCommit = async () => {
      await runtime.monitors.of({ id }).exit(137)
      await eventually(async () => (await stateOf(id)) === ContainerState.EXITED)
    }
    await runtime.client.commit({ container: id })
    assert.equal(await stateOf(id), ContainerState.EXITED)
  })

  for (const [act, what] of [
    ['start', 'starting'],
    ['remove', 'removing'],
  ] as const)
    test(`keeps ${what} waiting until it is done`, async () => {
      const { id } = await make('one')
      const order: string[] = []
      let other: Promise<unknown> | undefined
      runtime.roots.duringCommit = async () => {
        other = runtime.client[act]({ container: id }).then(() => order.push(act))
        // It has come in when a later call has its answer.
        await stateOf(id)
        order.push('commit')
      }
      await runtime.client.commit({ container: id })
      await other
      assert.deepEqual(order, ['commit', act])
    })

  test('refuses one that has a read-only root, and names what is wrong in a request', async () => {
    runtime.roots.root = { lowerDirs: ['/nowhere'], upperDir: '', workDir: '', options: [] }
    const { id } = await make('one')
    await assert.rejects(runtime.client.commit({ container: id }), refusedWith('ROOT_READ_ONLY'))
    await assert.rejects(collect(runtime.client.changes({ container: id })), refusedWith('ROOT_READ_ONLY'))
    await assert.rejects(runtime.client.commit({ container: 'none' }), refusedWith('CONTAINER_NOT_FOUND'))
    await assert.rejects(runtime.client.commit({ container: id, comment: '\0' }), refusedWith('INVALID_FIELD'))
  })

  test('lists what it changed, bytes as they are', async () => {
    await make('one')
    assert.deepEqual(await collect(runtime.client.changes({ container: 'one' })), [
      { kind: ChangeKind.MODIFIED, path: Buffer.from('/etc') },
      { kind: ChangeKind.ADDED, path: Buffer.from([0x2f, 0xff]) },
    ])
  })
})
