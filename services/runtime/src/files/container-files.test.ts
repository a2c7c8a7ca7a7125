import assert from 'node:assert/strict'
import { test } from 'node:test'
import { setImmediate as tick } from 'node:timers/promises'
import { CaissonError, notFound } from '@caisson/api'
import type { Container } from '../container/container.ts'
import { KeyedMutex } from '../container/mutex.ts'
import { someContainer } from '../fake-access.fixture.ts'
import { ContainerFiles } from './container-files.ts'
import type { FilePlace, Files } from './ports.ts'

const NEVER = new AbortController().signal
const PROCESS = { pid: 7, startTime: 9n, bootId: 'b' }

function harness(first: Container, files: Partial<Files> = {}) {
  const state = { container: first, places: [] as FilePlace[] }
  const mutex = new KeyedMutex()
  const all: Files = {
    stat: async (place, path) => {
      state.places.push(place)
      return { name: path, mode: 0o40755, uid: 0, gid: 0, size: 0, mtimeNs: 0n, linkTarget: '' }
    },
    async *read(place) {
      state.places.push(place)
      yield Buffer.from('one')
      yield Buffer.from('two')
    },
    write: async (place) => {
      state.places.push(place)
      return { bytes: 0, entries: 0 }
    },
    ...files,
  }
  const reached = new ContainerFiles({ files: all, mutex, resolve: () => state.container, get: () => state.container })
  return { state, mutex, files: reached }
}

const reasonOf = async (work: Promise<unknown>): Promise<string> =>
  work.then(
    () => 'done',
    (error) => (error instanceof CaissonError ? error.reason : String(error)),
  )

test('a container that runs is reached at its process, and can be stopped meanwhile', async () => {
  const running = { ...someContainer('c'), state: 'running', process: PROCESS } as const
  const { state, mutex, files } = harness(running)
  const reading = files.read('c', { path: '/', follow: false, oneMount: false }, NEVER)
  await reading.next()
  await mutex.run(running.id, async () => {})
  await reading.return(undefined)
  assert.deepEqual(state.places.at(-1), { process: PROCESS })
})

test('the root of one that does not run is held until the last byte is read', async () => {
  const { mutex, files, state } = harness({ ...someContainer('c'), state: 'exited' })
  const { id } = state.container
  const reading = files.read('c', { path: '/', follow: false, oneMount: false }, NEVER)
  await reading.next()
  let hasStarted = false
  const starting = mutex.run(id, async () => {
    hasStarted = true
  })
  await tick()
  assert.equal(hasStarted, false)
  for await (const _ of reading);
  await starting
  assert.deepEqual(state.places, [{ id }])
})

test('one that has just ended is reached at its root once its end is known', async () => {
  const ended: Container = { ...someContainer('c'), state: 'exited' }
  let asked = 0
  const { state, files } = harness(
    { ...ended, state: 'running', process: PROCESS },
    {
      stat: async () => {
        asked++
        if (asked === 3) state.container = ended
        throw new CaissonError('not-found', 'gone', { reason: 'PROCESS_GONE' })
      },
    },
  )
  for await (const _ of files.export('c', NEVER));
  assert.deepEqual(state.places, [{ id: ended.id }])
})

test('places of mounts and read-only roots are refused while it does not run', async () => {
  const made: Container = { ...someContainer('c'), state: 'created' }
  const spec = {
    ...made.spec,
    readOnlyRoot: true,
    mounts: [{ kind: 'tmpfs', target: '/data', readOnly: false, sizeBytes: 0, mode: 0, options: [] }],
  } as const
  const { files } = harness({ ...made, spec })
  for (const path of ['/data', '/data/x', 'data/../data/x', '/data/.'])
    assert.equal(await reasonOf(files.stat('c', path, false, NEVER)), 'PATH_NOT_MOUNTED')
  assert.equal(await reasonOf(files.stat('c', '/database', false, NEVER)), 'done')
  const request = { path: '/etc', makePath: false, noOverwriteDir: true, keepOwners: false }
  async function* nothing(): AsyncGenerator<Buffer> {}
  assert.equal(await reasonOf(files.write('c', request, nothing(), NEVER)), 'READ_ONLY')
})

test('what fails gives the lock back', async () => {
  const { files, mutex, state } = harness(
    { ...someContainer('c'), state: 'exited' },
    {
      stat: async (_place, path) => {
        throw notFound('path', path)
      },
    },
  )
  assert.equal(await reasonOf(files.stat('c', '/x', false, NEVER)), 'PATH_NOT_FOUND')
  await mutex.run(state.container.id, async () => {})
})
