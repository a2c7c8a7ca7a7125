import assert from 'node:assert/strict'
import { existsSync, mkdirSync, readdirSync, rmSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, test } from 'node:test'
import { CaissonError } from '@caisson/api'
import { MountKind } from '@caisson/api/container'
import { IMAGE_CONFIG, unavailableNow } from './fakes.ts'
import { eventually, RuntimeFixture } from './fixture.ts'

const reasonOf = (work: Promise<unknown>): Promise<string> =>
  work.then(
    () => 'done',
    (error) => (error instanceof CaissonError ? error.reason : String(error)),
  )

// Directories of volumes belong to root.
const skip = process.getuid?.() === 0 ? false : 'needs root'

describe('volumes', { skip }, () => {
  let runtime: RuntimeFixture
  beforeEach(async () => {
    runtime = await RuntimeFixture.start()
  })
  afterEach(() => runtime[Symbol.asyncDispose]())

  const folder = () => join(runtime.dir, 'volumes')
  const directories = () => readdirSync(folder()).filter((name) => !name.startsWith('.'))
  const names = async () => (await runtime.volumes.list({})).volumes.map(({ name }) => name)

  test('the same request gives the same volume, and another is refused', async () => {
    const made = await runtime.volumes.create({ name: 'v', labels: { a: 'b' }, requestId: 'r' })
    assert.deepEqual(await runtime.volumes.create({ name: 'v', labels: { a: 'b' }, requestId: 'r' }), made)
    assert.deepEqual(await runtime.volumes.create({ name: 'v', labels: { other: '' } }), made)
    assert.equal(await reasonOf(runtime.volumes.create({ name: 'w', requestId: 'r' })), 'REQUEST_ID_REUSED')
    assert.equal(await reasonOf(runtime.volumes.create({ name: 'v', driver: 'tmpfs' })), 'VOLUME_EXISTS')
    const one = await runtime.volumes.create({ requestId: 'anonymous' })
    assert.equal((await runtime.volumes.create({ requestId: 'anonymous' })).name, one.name)
    assert.equal(one.anonymous, true)
    assert.equal(statSync(folder()).mode & 0o777, 0o700)
  })

  test('many at once make one volume of one name', async () => {
    await Promise.all(Array.from({ length: 20 }, () => runtime.volumes.create({ name: 'one' })))
    assert.deepEqual(await names(), ['one'])
    assert.equal(runtime.events().filter(({ type }) => type === 'volume.created').length, 1)
  })

  test('are listed by name, label, driver and use, a page at a time', async () => {
    for (const name of ['a', 'b', 'c']) await runtime.volumes.create({ name, labels: name === 'b' ? { x: 'y' } : {} })
    const mounts = [{ kind: MountKind.VOLUME, source: 'c', target: '/c' }]
    await runtime.client.create({ spec: { image: 'box', mounts } })
    const found = async (request: object) => (await runtime.volumes.list(request)).volumes.map(({ name }) => name)
    assert.deepEqual(await found({ filter: { labels: ['x'] } }), ['b'])
    assert.deepEqual(await found({ filter: { labels: ['x=z'] } }), [])
    assert.deepEqual(await found({ dangling: true }), ['a', 'b'])
    assert.deepEqual(await found({ dangling: false }), ['c'])
    assert.deepEqual(await found({ driver: 'tmpfs' }), [])
    const first = await runtime.volumes.list({ page: { size: 2 } })
    assert.deepEqual(
      first.volumes.map(({ name }) => name),
      ['a', 'b'],
    )
    assert.deepEqual(await found({ page: { size: 2, token: first.nextPageToken } }), ['c'])
  })

  test('names that would be paths are refused', async () => {
    for (const name of ['..', '.trash', 'a/b', '-x', 'x'.repeat(129), 'a\0b'])
      assert.equal(await reasonOf(runtime.volumes.create({ name })), 'INVALID_FIELD', name)
    assert.equal(await reasonOf(runtime.volumes.get({ name: 'none' })), 'VOLUME_NOT_FOUND')
    await runtime.volumes.remove({ name: 'none', force: true })
  })

  test('a container that cannot be made leaves no anonymous volume behind', async () => {
    runtime.roots.config = { ...IMAGE_CONFIG, volumes: ['/good', '/..'] }
    assert.equal(await reasonOf(runtime.client.create({ spec: { image: 'box' } })), 'IMAGE_VOLUME_INVALID')
    runtime.roots.config = { ...IMAGE_CONFIG, volumes: ['/good'] }
    runtime.sandboxes.failure = unavailableNow()
    const run = runtime.client.run({ create: { spec: { image: 'box', autoRemove: true } } })
    await assert.rejects(Array.fromAsync(run))
    await eventually(() => directories().length === 0)
    assert.deepEqual(await names(), [])
  })

  test('a start removes directories without records, and what was never finished', async () => {
    await runtime.volumes.create({ name: 'kept' })
    await runtime.halt()
    for (const name of ['stray', '.new-abc', '.trash/x']) mkdirSync(join(folder(), name, '_data'), { recursive: true })
    await runtime.boot()
    await eventually(() => readdirSync(folder()).toSorted().join() === '.trash,kept')
    await eventually(() => readdirSync(join(folder(), '.trash')).length === 0)
    assert.deepEqual(await names(), ['kept'])
  })

  test('a container whose volume is gone from the disk is told so', async () => {
    const mounts = [{ kind: MountKind.VOLUME, source: 'v', target: '/v' }]
    const { id } = await runtime.client.create({ spec: { image: 'box', mounts } })
    rmSync(join(folder(), 'v'), { recursive: true })
    assert.equal(await reasonOf(runtime.client.start({ container: id })), 'VOLUME_GONE')
    await runtime.client.remove({ container: id })
    await runtime.volumes.remove({ name: 'v' })
    assert.equal(existsSync(join(folder(), 'v')), false)
  })
})
