import assert from 'node:assert/strict'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, test } from 'node:test'
import { Channel, type Partially, RpcServer, type ServiceClient } from '@caisson/api'
import type { AttachResponse } from '@caisson/api/container'
import { type ExecAttachRequest, ExecsDefinition } from '@caisson/api/exec'
import { ExecsFixture, RUNNING } from '../exec/execs.fixture.ts'
import { execHandlers } from './execs.ts'

describe('execs over gRPC', () => {
  let host: ExecsFixture
  let server: RpcServer
  let channel: Channel
  let client: ServiceClient<typeof ExecsDefinition>
  beforeEach(async () => {
    host = new ExecsFixture()
    server = new RpcServer({ ended: () => {} })
    server.register(ExecsDefinition, execHandlers(host.execs))
    await server.listenUnix(join(host.root, 's.sock'))
    channel = new Channel(`unix://${join(host.root, 's.sock')}`)
    client = channel.client(ExecsDefinition)
  })
  afterEach(async () => {
    channel[Symbol.dispose]()
    await server.stop(0)
    await host[Symbol.asyncDispose]()
  })

  async function attach(...items: Partially<ExecAttachRequest>['item'][]): Promise<AttachResponse['item'][]> {
    async function* requests(): AsyncGenerator<Partially<ExecAttachRequest>> {
      for (const item of items) yield { item }
    }
    const seen: AttachResponse['item'][] = []
    for await (const { item } of client.attach(requests())) seen.push(item)
    return seen
  }

  const spec = { container: 'one', process: { cmd: { values: ['cat'] }, stdin: true, user: 'app:100', env: ['A=1'] } }

  test('run in one call', async () => {
    host.script = (monitor) => {
      monitor.sayStarted()
      monitor.onStdin = (text) => monitor.write(text)
      void monitor.until(() => monitor.connections.some(({ stdinClosed }) => stdinClosed)).then(() => monitor.exit(0))
    }
    const seen = await attach(
      { $case: 'target', value: { exec: { $case: 'spec', value: spec } } },
      { $case: 'stdin', value: Buffer.from('through') },
      { $case: 'stdinEnd', value: {} },
    )
    const [attached, output, exited] = seen
    assert.ok(attached?.$case === 'attached')
    assert.ok(output?.$case === 'output' && output.value.data.toString() === 'through')
    assert.ok(exited?.$case === 'exited' && exited.value.exitCode === 0)
    const exec = await client.get({ id: attached.value.id })
    assert.equal(exec.running, false)
    assert.equal(exec.containerId, RUNNING.id)
    assert.deepEqual(exec.spec?.process?.cmd?.values, ['cat'])
    assert.equal(exec.spec?.process?.user, 'app:100')
    assert.deepEqual(host.launches[0]?.exec.spec.process.env, ['A=1'])
  })

  test('are made, started, signalled, sized and listed', async () => {
    const tty = { ...spec, process: { ...spec.process, tty: true } }
    const made = await client.create({ spec: tty, requestId: 'r' })
    assert.equal((await client.create({ spec: tty, requestId: 'r' })).id, made.id)
    const started = await client.start({ id: made.id })
    assert.deepEqual([started.running, started.pid], [true, 4_242])
    await client.kill({ id: made.id, signal: 'SIGUSR1' })
    await client.resize({ id: made.id, size: { rows: 10, columns: 20 } })
    await host.monitor.until(() => host.monitor.signals.includes(10) && host.monitor.sizes.length === 1)
    assert.deepEqual(host.monitor.sizes, [[10, 20]])
    assert.deepEqual((await client.list({ container: 'one' })).execs.length, 1)
    await assert.rejects(attach({ $case: 'target', value: { exec: { $case: 'id', value: made.id } } }), {
      code: 'conflict',
      reason: 'EXEC_STARTED',
    })
  })

  test('are refused when what is asked makes no sense', async () => {
    const refusals: [Promise<unknown>, string][] = [
      [client.create({}), 'INVALID_FIELD'],
      [client.create({ spec: { container: 'one' } }), 'INVALID_FIELD'],
      [client.create({ spec: { ...spec, process: { cmd: { values: [] } } } }), 'INVALID_FIELD'],
      [client.create({ spec: { ...spec, process: { cmd: { values: ['a\0b'] } } } }), 'INVALID_FIELD'],
      [
        client.create({ spec: { ...spec, process: { ...spec.process, entrypoint: { values: ['x'] } } } }),
        'INVALID_FIELD',
      ],
      [client.create({ spec: { ...spec, process: { ...spec.process, user: '4294967296' } } }), 'INVALID_USER'],
      [client.create({ spec: { ...spec, process: { ...spec.process, user: '-1' } } }), 'INVALID_USER'],
      [client.create({ spec: { ...spec, container: '../x' } }), 'INVALID_FIELD'],
      [client.create({ spec: { ...spec, container: 'nobody' } }), 'CONTAINER_NOT_FOUND'],
      [client.get({ id: 'x' }), 'INVALID'],
      [client.get({ id: '0'.repeat(64) }), 'EXEC_NOT_FOUND'],
      [attach({ $case: 'stdinEnd', value: {} }), 'INVALID'],
      [attach(), 'INVALID'],
      [attach({ $case: 'target', value: {} }), 'INVALID_FIELD'],
    ]
    for (const [call, reason] of refusals) await assert.rejects(call, { reason })
    assert.equal(host.launches.length, 0)
    assert.deepEqual(host.execs.list('one'), [])
  })
})
