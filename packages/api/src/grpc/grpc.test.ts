import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, test } from 'node:test'
import { CaissonError, conflict, notFound } from '../error/error.ts'
import { ContentDefinition, type WriteRequest } from '../gen/caisson/image/v1/content.ts'
import { ImagesDefinition, type LoadRequest } from '../gen/caisson/image/v1/image.ts'
import { Channel, type ServiceClient } from './client.ts'
import { Health } from './health.ts'
import { type CallContext, type Handlers, RpcServer } from './server.ts'

let dir: string
let server: RpcServer
let channel: Channel
let client: ServiceClient<typeof ContentDefinition>
let ended: { method: string; error?: CaissonError }[]

const idle: Handlers<typeof ContentDefinition> = {
  stat: async ({ digest }) => ({ digest, size: 7 }),
  async *read() {},
  write: async () => ({}),
  list: async () => ({}),
}

async function start(handlers: Partial<Handlers<typeof ContentDefinition>>): Promise<void> {
  server.register(ContentDefinition, { ...idle, ...handlers })
  await server.listenUnix(join(dir, 'content.sock'))
  channel = new Channel(`unix://${join(dir, 'content.sock')}`)
  client = channel.client(ContentDefinition)
}

beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'caisson-grpc-'))
  ended = []
  server = new RpcServer({ ended: (call) => ended.push(call) })
})

afterEach(async () => {
  channel[Symbol.dispose]()
  await server.stop(1_000)
  rmSync(dir, { recursive: true })
})

test('answers a call, and fills in what the handler leaves out', async () => {
  await start({})
  const blob = await client.stat({ digest: 'sha256:aa' })
  assert.deepEqual({ ...blob, createdAt: undefined }, { digest: 'sha256:aa', size: 7, createdAt: undefined })
})

test('brings a typed error back as it was thrown', async () => {
  const cases = [
    notFound('blob', 'sha256:aa'),
    conflict('BUSY', 'blob is busy: wait', { details: { blob: 'sha256:aa' } }),
    new CaissonError('data-loss', 'damaged', { reason: 'DIGEST_MISMATCH' }),
  ]
  let next = 0
  await start({ stat: async () => Promise.reject(cases[next++]) })
  for (const expected of cases) {
    const caught = await client.stat({}).catch((error: unknown) => error)
    assert.ok(caught instanceof CaissonError)
    assert.deepEqual(
      { code: caught.code, reason: caught.reason, message: caught.message, details: caught.details },
      { code: expected.code, reason: expected.reason, message: expected.message, details: expected.details },
    )
  }
})

test('keeps the insides of an unexpected error to itself', async () => {
  await start({ stat: async () => Promise.reject(new Error('password is hunter2')) })
  const caught = await client.stat({}).catch((error: unknown) => error)
  assert.ok(caught instanceof CaissonError)
  assert.equal(caught.code, 'internal')
  assert.doesNotMatch(caught.message, /hunter2/)
  assert.match(String(ended[0]?.error?.cause), /hunter2/)
})

test('streams both ways and waits for a slow reader', async () => {
  const chunk = Buffer.alloc(256 << 10, 1)
  let produced = 0
  await start({
    read: async function* () {
      for (let i = 0; i < 64; i++) {
        produced++
        yield { chunk }
      }
    },
    write: async (requests) => {
      let size = 0
      for await (const { item } of requests) if (item?.$case === 'chunk') size += item.value.length
      return { size }
    },
  })
  let read = 0
  for await (const message of client.read({})) {
    if (read === 0) {
      await new Promise((resolve) => setTimeout(resolve, 100))
      assert.ok(produced < 64, `the service produced ${produced} messages before the reader took one`)
    }
    read += message.chunk.length
  }
  assert.equal(read, 64 * chunk.length)

  async function* upload(): AsyncGenerator<Pick<WriteRequest, 'item'>> {
    for (let i = 0; i < 64; i++) yield { item: { $case: 'chunk', value: chunk } }
  }
  assert.equal((await client.write(upload())).size, 64 * chunk.length)
})

test('tells the handler when the client goes away', async () => {
  const seen = Promise.withResolvers<CallContext['signal']>()
  const left = Promise.withResolvers<void>()
  await start({
    read: async function* (_request, { signal }) {
      seen.resolve(signal)
      signal.addEventListener('abort', () => left.resolve())
      for (;;) {
        signal.throwIfAborted()
        yield { chunk: Buffer.from('x') }
        await new Promise((resolve) => setTimeout(resolve, 5))
      }
    },
  })
  for await (const _ of client.read({})) break
  await left.promise
  assert.equal((await seen.promise).aborted, true)
})

test('gives up at the deadline, and when the caller cancels', async () => {
  await start({
    stat: (_request, { signal }) =>
      new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason))),
  })
  await assert.rejects(client.stat({}, { deadlineMs: 50 }), (error: CaissonError) => error.code === 'deadline-exceeded')
  await assert.rejects(
    client.stat({}, { signal: AbortSignal.timeout(50) }),
    (error: CaissonError) => error.code === 'cancelled',
  )
})

test('says that a service is not there', async () => {
  await start({})
  using nobody = new Channel(`unix://${join(dir, 'nobody.sock')}`)
  await assert.rejects(
    nobody.client(ContentDefinition).stat({}, { deadlineMs: 2_000 }),
    (error: CaissonError) => error.code === 'unavailable' && /cannot be reached/.test(error.message),
  )
})

test('reports health for the server and for each service', async () => {
  const health = new Health()
  health.add('caisson.image.v1.Content')
  const watch = health.handlers.watch(
    { service: '' },
    { signal: new AbortController().signal, method: '', requestId: '' },
  )
  const states: unknown[] = []
  for await (const state of watch) {
    states.push(state.status)
    if (states.length === 2) break
    health.serving = true
  }
  assert.deepEqual(states, [2, 1])
  await start({})
})

test('sends an input that is longer than the reader is fast without piling up listeners', async () => {
  const warnings: Error[] = []
  const remember = (warning: Error): void => void warnings.push(warning)
  process.on('warning', remember)
  let received = 0
  await start({
    write: async (requests) => {
      for await (const { item } of requests) {
        if (item?.$case === 'chunk') received += item.value.length
        await new Promise((resolve) => setTimeout(resolve, 1))
      }
      return {}
    },
  })
  async function* chunks(): AsyncGenerator<WriteRequest> {
    for (let i = 0; i < 60; i += 1) yield { item: { $case: 'chunk', value: Buffer.alloc(256 << 10) } }
  }
  await client.write(chunks())
  process.off('warning', remember)
  assert.equal(received, 60 * (256 << 10))
  assert.deepEqual(warnings, [])
})

test('gives a call its failure while the handler still waits for the client', async () => {
  server.register(ImagesDefinition, {
    ...(Object.fromEntries(Object.keys(ImagesDefinition.methods).map((name) => [name, () => {}])) as Record<
      keyof typeof ImagesDefinition.methods,
      never
    >),
    load: async function* (requests) {
      const waiting = requests[Symbol.asyncIterator]()
      await waiting.next()
      // Nobody listens to what comes of it: the answer does not depend on it.
      waiting.next().catch(() => {})
      yield { item: { $case: 'socket', value: 'first' } }
      throw notFound('archive', 'x')
    } satisfies Handlers<typeof ImagesDefinition>['load'],
  })
  await start({})
  async function* requests(): AsyncGenerator<Partial<LoadRequest>> {
    yield {}
    await new Promise(() => {})
  }
  const seen: unknown[] = []
  const loading = (async () => {
    for await (const { item } of channel.client(ImagesDefinition).load(requests())) seen.push(item?.value)
  })()
  await assert.rejects(loading, { code: 'not-found' })
  assert.deepEqual(seen, ['first'])
})
