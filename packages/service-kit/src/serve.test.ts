import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, statSync } from 'node:fs'
import { request } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, test } from 'node:test'
import { type CaissonError, Channel, HealthDefinition, layoutOf, type ServiceClient, ServingStatus } from '@caisson/api'
import { type Event, EventLogDefinition } from '@caisson/api/event'
import { ServerReflectionDefinition, type ServerReflectionRequest } from '@caisson/api/reflection-protocol'
import { EventLog } from './event-log/event-log.ts'
import { eventMigrations } from './event-log/store.ts'
import { createLogger } from './logger.ts'
import { serve } from './serve.ts'
import { Store } from './store/store.ts'

const descriptors = join(import.meta.dirname, '../../api/src/gen/descriptors.binpb')

let dir: string
let stack: AsyncDisposableStack
let store: Store
let log: EventLog
let events: ServiceClient<typeof EventLogDefinition>
let channel: Channel

beforeEach(async () => {
  dir = mkdtempSync(join(tmpdir(), 'caisson-kit-'))
  stack = new AsyncDisposableStack()
  stack.defer(() => rmSync(dir, { recursive: true }))
  store = stack.use(new Store(join(dir, 'test.db'), eventMigrations))
  log = new EventLog(store, { service: 'runtime', hostName: 'host-a', retention: 1_000 })
  const layout = { ...layoutOf(dir), runDir: dir }
  const options = {
    service: 'runtime',
    layout,
    log: createLogger('runtime', 'fatal'),
    events: log,
    stopGraceMs: 500,
    descriptors,
  } as const
  stack.use(await serve({ ...options, register: () => [] }))
  channel = stack.use(new Channel(`unix://${join(dir, 'runtime.sock')}`))
  events = channel.client(EventLogDefinition)
})

afterEach(() => stack.disposeAsync())

function append(count: number): void {
  for (let i = 0; i < count; i++)
    log.append({
      type: 'container.started',
      subject: { kind: 'container', id: 'c1', name: 'web', labels: { tier: 'front' } },
    })
}

test('lists events in order, page by page, from any cursor', async () => {
  append(5)
  const first = await events.list({ limit: 3 })
  assert.deepEqual(
    first.events.map((event) => event.sequence),
    [1, 2, 3],
  )
  assert.equal(first.more, true)
  const rest = await events.list({ after: first.next, limit: 3 })
  assert.deepEqual(
    rest.events.map((event) => [event.sequence, event.subject?.revision, event.host]),
    [
      [4, 4, 'host-a'],
      [5, 5, 'host-a'],
    ],
  )
  assert.equal(rest.more, false)
})

test('sends what is there and then what comes, without a hole between', { timeout: 10_000 }, async () => {
  append(3)
  const seen: number[] = []
  for await (const { item } of events.watch({ after: { sequence: 1 } })) {
    if (item?.$case === 'event') seen.push(item.value.sequence)
    if (item?.$case === 'caughtUp') append(2)
    if (seen.length === 4) break
  }
  assert.deepEqual(seen, [2, 3, 4, 5])
})

test('ends a watch at the time it was asked to', { timeout: 10_000 }, async () => {
  append(1)
  const until = { seconds: Math.floor(Date.now() / 1_000) + 1, nanos: 0 }
  const seen: Event[] = []
  for await (const { item } of events.watch({ after: { sequence: 0 }, filter: { until } }))
    if (item?.$case === 'event') seen.push(item.value)
  assert.equal(seen.length, 1)
})

test('filters by kind, type, subject and label', async () => {
  append(1)
  log.append({ type: 'exec.exited', subject: { kind: 'exec', id: 'e1' } })
  const count = async (filter: object): Promise<number> => (await events.list({ filter })).events.length
  assert.equal(await count({ kinds: ['exec'] }), 1)
  assert.equal(await count({ types: ['container.started'] }), 1)
  assert.equal(await count({ subjects: ['web', 'e1'] }), 2)
  assert.equal(await count({ labels: ['tier=front'] }), 1)
  assert.equal(await count({ labels: ['tier=back'] }), 0)
})

test('tells a reader that is too late what it missed', async () => {
  append(3_000)
  const page = await events.list({ after: { sequence: 10 }, limit: 1 })
  assert.deepEqual({ ...page.gap }, { first: 11, last: 2_000, reason: 'compacted' })
  assert.equal(page.events[0]?.sequence, 2_001)
})

test('tells a reader of another log to begin anew', async () => {
  append(2)
  const page = await events.list({ after: { log: 'another', sequence: 50 } })
  assert.equal(page.gap?.reason, 'new_log')
  assert.equal(page.events.length, 2)
})

test('forgets events of a transaction that is rolled back', async () => {
  assert.throws(() =>
    store.transaction(() => {
      append(1)
      throw new Error('no')
    }),
  )
  assert.equal(log.last, 0)
})

test('goes on where it was after a restart', async () => {
  append(2)
  const name = log.name
  const again = new EventLog(store, { service: 'runtime', hostName: '', retention: 1_000 })
  again.append({ type: 'container.exited', subject: { kind: 'container', id: 'c1' } })
  assert.deepEqual([again.name, again.last], [name, 3])
})

test('leaps after a reboot, and tells readers so', async () => {
  append(2)
  const again = new EventLog(store, { service: 'runtime', hostName: '', retention: 1_000, bootId: 'another' })
  again.append({ type: 'container.created', subject: { kind: 'container', id: 'c2' } })
  const leap = 1 << 20
  assert.deepEqual(again.read({ log: '', sequence: 0 }, 10).last, 2)
  const page = again.read({ log: '', sequence: 2 }, 10)
  assert.deepEqual([page.events[0]?.sequence, page.gap], [leap + 3, { first: 3, last: leap + 2, reason: 'reboot' }])
  // What a power cut undid had been seen: its number is not given again.
  assert.deepEqual(again.read({ log: '', sequence: 5 }, 10).gap, { first: 6, last: leap + 2, reason: 'reboot' })
})

test('answers health and reflection to any generic client, and metrics to Prometheus', {
  timeout: 10_000,
}, async () => {
  const health = await channel.client(HealthDefinition).check({ service: 'caisson.event.v1.EventLog' })
  assert.equal(health.status, ServingStatus.SERVING)
  await assert.rejects(
    channel.client(HealthDefinition).check({ service: 'nope' }),
    (error: CaissonError) => error.code === 'not-found',
  )
  assert.deepEqual(await reflect({ $case: 'listServices', value: '' }), [
    'caisson.event.v1.EventLog',
    'grpc.health.v1.Health',
  ])
  assert.deepEqual(await reflect({ $case: 'fileContainingSymbol', value: 'caisson.event.v1.EventLog.Watch' }), [
    'caisson/event/v1/event.proto',
    'google/protobuf/timestamp.proto',
  ])
  assert.deepEqual(await reflect({ $case: 'fileByFilename', value: 'nope.proto' }), ['the contract has no nope.proto'])
  await events.list({})
  const metrics = await get(join(dir, 'runtime.metrics.sock'))
  assert.match(
    metrics,
    /caisson_rpc_calls_total\{method="caisson.event.v1.EventLog\/List",code="ok",service="runtime"\} 1/,
  )
})

test('lets only owner and group open its socket, and refuses to run twice', async () => {
  assert.equal(statSync(join(dir, 'runtime.sock')).mode & 0o777, 0o660)
  assert.throws(
    () => new Store(join(dir, 'test.db'), eventMigrations),
    (error: CaissonError) => error.reason === 'ALREADY_RUNNING',
  )
})

/** Asks by reflection: names of services, names of files, or the error. */
async function reflect(ask: ServerReflectionRequest['messageRequest']): Promise<string[]> {
  async function* requests(): AsyncGenerator<{ messageRequest: ServerReflectionRequest['messageRequest'] }> {
    yield { messageRequest: ask }
  }
  const names: string[] = []
  for await (const { messageResponse } of channel.client(ServerReflectionDefinition).serverReflectionInfo(requests())) {
    if (messageResponse?.$case === 'listServicesResponse')
      names.push(...messageResponse.value.service.map(({ name }) => name))
    if (messageResponse?.$case === 'errorResponse') names.push(messageResponse.value.errorMessage)
    if (messageResponse?.$case === 'fileDescriptorResponse')
      names.push(
        ...messageResponse.value.fileDescriptorProto.map((file) => file.subarray(2, 2 + (file[1] ?? 0)).toString()),
      )
  }
  return names
}

function get(socketPath: string): Promise<string> {
  return new Promise((resolve, reject) => {
    request({ socketPath, path: '/metrics' }, (response) => {
      response.setEncoding('utf8')
      let text = ''
      response.on('data', (chunk: string) => {
        text += chunk
      })
      response.on('end', () => resolve(text))
    })
      .on('error', reject)
      .end()
  })
}
