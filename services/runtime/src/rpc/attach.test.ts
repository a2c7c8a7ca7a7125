import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { CaissonError, Channel, type Handlers, type Partially, RpcServer, type ServiceClient } from '@caisson/api'
import { type AttachRequest, type AttachResponse, ContainersDefinition } from '@caisson/api/container'
import { FakeAccess, someContainer, someExit } from '../fake-access.fixture.ts'
import { FakeMonitor } from '../monitor/fake-monitor.fixture.ts'
import { attach, resize } from './attach.ts'
import { logs } from './logs.ts'

type Client = ServiceClient<typeof ContainersDefinition>

const process = someContainer('one').spec.process
const container = someContainer('one', {
  spec: { ...someContainer('one').spec, process: { ...process, stdin: true, tty: true } },
})

/** What a client says, one after another, as the test goes on. */
class Script {
  readonly #said: Partially<AttachRequest>[] = []
  #more = Promise.withResolvers<void>()
  #over = false

  say(item: Partially<AttachRequest>['item']): this {
    this.#said.push({ item })
    return this.#wake()
  }

  end(): this {
    this.#over = true
    return this.#wake()
  }

  async *requests(): AsyncGenerator<Partially<AttachRequest>> {
    for (;;) {
      for (let next = this.#said.shift(); next; next = this.#said.shift()) yield next
      if (this.#over) return
      await this.#more.promise
    }
  }

  #wake(): this {
    this.#more.resolve()
    this.#more = Promise.withResolvers<void>()
    return this
  }
}

describe('logs and attaching over gRPC', () => {
  let root: string
  let access: FakeAccess
  let monitor: FakeMonitor
  let server: RpcServer
  let channel: Channel
  let client: Client
  beforeEach(async () => {
    root = mkdtempSync(join(tmpdir(), 'caisson-attach-'))
    access = new FakeAccess()
    monitor = await FakeMonitor.listen(root)
    access.add(container, root)
    server = new RpcServer({ ended: () => {} })
    const none = (): never => assert.fail('not under test')
    const others = Object.fromEntries(Object.keys(ContainersDefinition.methods).map((name) => [name, none]))
    const handlers = { ...others, logs: logs(access), attach: attach(access), resize: resize(access) }
    server.register(ContainersDefinition, handlers as unknown as Handlers<typeof ContainersDefinition>)
    await server.listenUnix(join(root, 's.sock'))
    channel = new Channel(`unix://${join(root, 's.sock')}`)
    client = channel.client(ContainersDefinition)
  })
  afterEach(async () => {
    channel[Symbol.dispose]()
    await monitor[Symbol.asyncDispose]()
    await server.stop(0)
    rmSync(root, { recursive: true })
  })

  function attached(target: Partially<AttachRequest>['item'], signal?: AbortSignal) {
    const script = new Script().say(target)
    const seen: AttachResponse['item'][] = []
    const run = async (): Promise<void> => {
      for await (const { item } of client.attach(script.requests(), signal ? { signal } : {})) seen.push(item)
    }
    const done = run()
    done.catch(() => {})
    return { script, seen, done }
  }

  async function eventually(condition: () => boolean): Promise<void> {
    for (let tries = 0; tries < 400 && !condition(); tries += 1) await sleep(5)
    assert.ok(condition())
  }

  const outputOf = (items: readonly AttachResponse['item'][]): string =>
    items.map((item) => (item?.$case === 'output' ? item.value.data.toString() : '')).join('')

  test('gives output from now on, passes input, sizes and signals, and tells the end last', async () => {
    monitor.write('before\n')
    monitor.onStdin = (text) => text !== '' && monitor.write(`echo ${text}`)
    const { script, seen, done } = attached({ $case: 'target', value: { container: 'one', stdin: true } })
    await eventually(() => seen[0]?.$case === 'attached')
    assert.deepEqual(seen[0], { $case: 'attached', value: { id: container.id, tty: true } })
    script.say({ $case: 'stdin', value: Buffer.from('hello\n') })
    script.say({ $case: 'resize', value: { rows: 30, columns: 100 } })
    script.say({ $case: 'signal', value: 'SIGUSR1' })
    await eventually(() => outputOf(seen) === 'echo hello\n')
    script.say({ $case: 'stdinEnd', value: {} })
    await monitor.until(() => monitor.connections.some((connection) => connection.stdinClosed))
    assert.deepEqual(access.asked, ['resize 30x100', 'kill SIGUSR1'])
    monitor.log.out('last\n')
    await monitor.exit(7)
    await sleep(20)
    assert.notEqual(seen.at(-1)?.$case, 'exited')
    access.exit(container.id, someExit(7))
    await done
    assert.equal(outputOf(seen), 'echo hello\nlast\n')
    const last = seen.at(-1)
    assert.ok(last?.$case === 'exited' && last.value.exitCode === 7)
    assert.equal(access.held, 0)
  })

  test('begins with what was written when that is asked for', async () => {
    monitor.write('before\n')
    const { seen } = attached({ $case: 'target', value: { container: 'one', logs: true } })
    await eventually(() => outputOf(seen) === 'before\n')
  })

  test('leaves the container alone when the client goes away, and closes its input connection', async () => {
    const call = new AbortController()
    const { script, seen, done } = attached({ $case: 'target', value: { container: 'one', stdin: true } }, call.signal)
    await eventually(() => seen.length > 0)
    script.say({ $case: 'stdin', value: Buffer.from('x') })
    await monitor.until(() => monitor.connections.some((connection) => connection.stdin === 'x'))
    call.abort()
    await assert.rejects(done, { code: 'cancelled' })
    await monitor.until(() => monitor.connections.every((connection) => connection.closed))
    assert.equal(
      monitor.connections.some((connection) => connection.stdinClosed),
      false,
    )
    await eventually(() => access.held === 0)
    assert.deepEqual(access.asked, [])
  })

  test('starts a container and misses nothing of it', async () => {
    access.add(container, root, 'created')
    access.onStart = async () => {
      assert.equal(access.follower?.aborted, false)
      monitor.write('first words\n')
    }
    const { seen, done } = attached({ $case: 'target', value: { container: 'one', start: true } })
    await eventually(() => outputOf(seen) === 'first words\n')
    assert.equal(access.follower?.aborted, false, 'its output is followed')
    await monitor.exit(0)
    access.exit(container.id, someExit(0))
    await done
    assert.deepEqual(
      seen.map((item) => item?.$case),
      ['attached', 'output', 'exited'],
    )
  })

  test('tells that nobody follows what it started when its client goes before that', async () => {
    access.add(container, root, 'created')
    const call = new AbortController()
    access.onStart = async () => {
      call.abort()
      throw new CaissonError('cancelled', 'its client went away')
    }
    await assert.rejects(attached({ $case: 'target', value: { container: 'one', start: true } }, call.signal).done)
    await eventually(() => access.follower?.aborted === true)
  })

  test('refuses a container that does not run, and one that is not there', async () => {
    access.add(container, root, 'exited')
    await assert.rejects(attached({ $case: 'target', value: { container: 'one' } }).done, {
      code: 'conflict',
      reason: 'CONTAINER_NOT_RUNNING',
    })
    await assert.rejects(attached({ $case: 'target', value: { container: 'two' } }).done, {
      reason: 'CONTAINER_NOT_FOUND',
    })
    await assert.rejects(attached({ $case: 'stdin', value: Buffer.from('x') }).done, { code: 'invalid-argument' })
  })

  test('ends the call with the error of what the client said', async () => {
    const { script, seen, done } = attached({ $case: 'target', value: { container: 'one' } })
    await eventually(() => seen.length > 0)
    script.say({ $case: 'resize', value: { rows: 0, columns: 4 } })
    await assert.rejects(done, { code: 'invalid-argument' })
  })

  test('goes on giving output after the client said its last', async () => {
    const { script, seen, done } = attached({ $case: 'target', value: { container: 'one', stdin: true } })
    await eventually(() => seen.length > 0)
    script.end()
    await monitor.until(() => monitor.connections.some((connection) => connection.closed))
    monitor.write('still here\n')
    await eventually(() => outputOf(seen) === 'still here\n')
    await monitor.exit(0)
    access.exit(container.id, someExit(0))
    await done
  })

  test('puts small pieces of a log together, unless their times are wanted', async () => {
    for (let line = 0; line < 50; line += 1) monitor.write(`${line}\n`)
    monitor.write('oops\n', 'err')
    const read = async (times: boolean, extra = {}) => {
      const items = []
      for await (const { item } of client.logs({ container: 'one', times, ...extra })) items.push(item)
      return items
    }
    const few = await read(false)
    assert.equal(few.length, 2)
    assert.equal((await read(true)).length, 51)
    const [first] = few
    assert.ok(first?.$case === 'output')
    const rest = await read(false, { after: first.value.cursor })
    assert.equal(rest.length, 1)
    assert.equal((await read(true, { tail: 3 })).length, 3)
    await assert.rejects(read(false, { after: 'x' }), { code: 'invalid-argument' })
    await assert.rejects(read(false, { noStdout: true, noStderr: true }), { code: 'invalid-argument' })
  })

  test('follows the log of a container until it ends', async () => {
    const follow = async (): Promise<string> => {
      let text = ''
      for await (const { item } of client.logs({ container: 'one', follow: true }))
        if (item?.$case === 'output') text += item.value.data.toString()
      return text
    }
    const text = follow()
    await monitor.until(() => monitor.connections.some((connection) => connection.subscribed))
    monitor.write('a\n')
    await monitor.exit(0)
    assert.equal(await text, 'a\n')
  })

  test('refuses to read what is not kept', async () => {
    const { log: _log, ...spec } = container.spec
    access.add({ ...container, spec }, root)
    const read = client.logs({ container: 'one' })[Symbol.asyncIterator]().next()
    await assert.rejects(read, { code: 'failed-precondition', reason: 'LOGS_NOT_KEPT' })
  })

  test('sets the size of the terminal', async () => {
    await client.resize({ container: 'one', size: { rows: 50, columns: 132 } })
    assert.deepEqual(access.asked, ['resize 50x132'])
    await assert.rejects(client.resize({ container: 'one' }), { code: 'invalid-argument' })
  })
})
