import assert from 'node:assert/strict'
import { existsSync, mkdirSync } from 'node:fs'
import { constants } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { CaissonError } from '@caisson/api'
import type { AttachInput } from '../attach/input.ts'
import { someContainer } from '../fake-access.fixture.ts'
import { FakeMonitor } from '../monitor/fake-monitor.fixture.ts'
import { LaunchStep } from '../monitor/message.ts'
import type { Exec, ExecSpec } from './exec.ts'
import { ExecsFixture, RUNNING } from './execs.fixture.ts'
import type { ExecStep, ExecTarget } from './execs.ts'

const process = { ...RUNNING.spec.process, cmd: ['true', 'secret'] }
const spec: ExecSpec = { process, privileged: false, endWithClient: false }
const live = new AbortController().signal

async function* silent(): AsyncGenerator<AttachInput> {}

async function eventually(condition: () => boolean): Promise<void> {
  for (let tries = 0; tries < 400 && !condition(); tries += 1) await sleep(5)
  assert.ok(condition())
}

const outputOf = (steps: readonly ExecStep[]): string =>
  steps
    .flatMap((step) => (step.kind === 'entries' ? step.entries : []))
    .map((entry) => (entry.kind === 'chunk' ? entry.data.toString() : '<gap>'))
    .join('')

describe('execs', () => {
  let host: ExecsFixture
  beforeEach(() => {
    host = new ExecsFixture()
  })
  afterEach(() => host[Symbol.asyncDispose]())

  function attach(target: ExecTarget, inputs = silent(), signal = live) {
    const steps: ExecStep[] = []
    const run = async (): Promise<void> => {
      for await (const step of host.execs.attach(target, undefined, inputs, signal)) steps.push(step)
    }
    const done = run()
    done.catch(() => {})
    return { steps, done }
  }

  async function started(): Promise<Exec> {
    return host.execs.start(host.execs.create('one', spec, '').id)
  }

  test('are made, started and ended in one go, with all output before the end', async () => {
    host.script = (monitor) => {
      monitor.sayStarted()
      monitor.log.out('hello\n').err('oops\n')
      void monitor.exit(3)
    }
    const { steps, done } = attach({ kind: 'new', container: 'one', spec })
    await done
    assert.deepEqual(
      steps.map((step) => step.kind),
      ['attached', 'entries', 'exited'],
    )
    assert.equal(outputOf(steps), 'hello\noops\n')
    const last = steps.at(-1)
    assert.ok(last?.kind === 'exited' && last.exit?.exitCode === 3)
    const [exec] = host.execs.list('one')
    assert.equal(exec?.state, 'exited')
    assert.equal(exec?.exit?.exitCode, 3)
    assert.equal(exec?.process, undefined)
    assert.deepEqual(host.eventTypes(), ['exec.created', 'exec.started', 'exec.exited'])
    await eventually(() => !existsSync(host.monitor.stateDir))
    assert.equal(host.launches[0]?.isAttached, true)
  })

  test('are made first and started later, by someone who is not connected', async () => {
    const made = host.execs.create('one', spec, 'request')
    assert.equal(host.execs.create('one', spec, 'request').id, made.id)
    assert.throws(() => host.execs.create('one', { ...spec, privileged: true }, 'request'), {
      reason: 'REQUEST_ID_REUSED',
    })
    const running = await host.execs.start(made.id)
    assert.equal(running.state, 'running')
    assert.equal(host.execs.get(made.id).process?.pid, 4_242)
    assert.equal(host.launches[0]?.isAttached, false)
    await assert.rejects(host.execs.start(made.id), { reason: 'EXEC_STARTED' })
    host.execs.kill(made.id, 'TERM')
    await host.monitor.until(() => host.monitor.signals.includes(15))
    assert.throws(() => host.execs.resize(made.id, { rows: 1, columns: 1 }), { reason: 'NO_TERMINAL' })
    await host.monitor.exit(143)
    await eventually(() => host.execs.get(made.id).state === 'exited')
    assert.throws(() => host.execs.kill(made.id, ''), { reason: 'EXEC_NOT_RUNNING' })
  })

  test('are started once, however many try', async () => {
    const { id } = host.execs.create('one', spec, '')
    const tries = await Promise.allSettled([host.execs.start(id), host.execs.start(id), host.execs.start(id)])
    assert.equal(tries.filter(({ status }) => status === 'fulfilled').length, 1)
    assert.equal(host.launches.length, 1)
  })

  test('pass input on, and outlive a client that goes away, their input closed', async () => {
    const call = new AbortController()
    const typing = Promise.withResolvers<void>()
    async function* inputs(): AsyncGenerator<AttachInput> {
      yield { kind: 'stdin', data: Buffer.from('typed') }
      yield { kind: 'signal', signal: 'INT' }
      await typing.promise
    }
    const interactive = { ...spec, process: { ...process, stdin: true } }
    const { done } = attach({ kind: 'new', container: 'one', spec: interactive }, inputs(), call.signal)
    await eventually(() => host.monitors.length > 0)
    await host.monitor.until(() => host.monitor.connections.some(({ stdin }) => stdin === 'typed'))
    await host.monitor.until(() => host.monitor.signals.includes(2))
    call.abort(new Error('gone'))
    await assert.rejects(done, /gone/)
    await host.monitor.until(() => host.monitor.connections.some(({ stdinClosed }) => stdinClosed))
    assert.deepEqual(host.monitor.signals, [2])
    assert.equal(host.execs.list('one')[0]?.state, 'running')
    typing.resolve()
  })

  test('end with their client when that is asked for', async () => {
    const call = new AbortController()
    const target = { kind: 'new', container: 'one', spec: { ...spec, endWithClient: true } } as const
    const { steps, done } = attach(target, silent(), call.signal)
    await eventually(() => steps.length > 0)
    call.abort(new Error('gone'))
    await assert.rejects(done, /gone/)
    await host.monitor.until(() => host.monitor.signals.includes(9))
  })

  test('say why they could not be started, and leave nothing behind', async () => {
    const cases = [
      [LaunchStep.EXEC, constants.errno.ENOENT, 'COMMAND_NOT_FOUND', 127],
      [LaunchStep.EXEC, constants.errno.EACCES, 'COMMAND_NOT_EXECUTABLE', 126],
      [LaunchStep.TARGET, constants.errno.ESRCH, 'CONTAINER_NOT_RUNNING', 125],
      [LaunchStep.USER, 0, 'NO_SUCH_USER', 125],
    ] as const
    for (const [step, errno, reason, exitCode] of cases) {
      host.script = (monitor) => void monitor.fail(step, errno, 'the reason')
      const { done } = attach({ kind: 'new', container: 'one', spec })
      await assert.rejects(done, { reason })
      const { id } = host.execs.create('one', spec, '')
      await assert.rejects(host.execs.start(id), { reason })
      assert.equal(host.execs.get(id).exit?.exitCode, exitCode)
      assert.equal(host.execs.get(id).state, 'exited')
    }
    assert.equal(host.execs.list('one').length, cases.length)
    await eventually(() => host.monitors.every(({ stateDir }) => !existsSync(stateDir)))
  })

  test('give the error of a plan that cannot be made', async () => {
    host.refusal = new CaissonError('invalid-argument', 'no', { reason: 'PROCESS_INVALID' })
    const { id } = host.execs.create('one', spec, '')
    await assert.rejects(host.execs.start(id), { reason: 'PROCESS_INVALID' })
    assert.equal(host.execs.get(id).exit?.exitCode, 125)
  })

  test('are refused when the container does not run, is paused, or is not there', () => {
    host.add(someContainer('two', { state: 'exited', id: '2'.repeat(64) }))
    host.add({ ...RUNNING, name: 'three', state: 'paused', id: '3'.repeat(64) })
    assert.throws(() => host.execs.create('two', spec, ''), { code: 'conflict', reason: 'CONTAINER_NOT_RUNNING' })
    assert.throws(() => host.execs.create('three', spec, ''), { code: 'conflict', reason: 'CONTAINER_PAUSED' })
    assert.throws(() => host.execs.create('four', spec, ''), { code: 'not-found' })
    assert.throws(() => host.execs.get('0'.repeat(64)), { reason: 'EXEC_NOT_FOUND' })
  })

  test('are gone with their container', async () => {
    const { id } = host.execs.create('one', spec, '')
    host.containers.delete(RUNNING.id)
    assert.throws(() => host.execs.get(id), { reason: 'EXEC_NOT_FOUND' })
  })

  test('keep words that may be secret out of events', async () => {
    host.execs.create('one', spec, '')
    const [event] = host.events.read(undefined, 1).events
    assert.ok(!JSON.stringify(event).includes('secret'))
    assert.equal(event?.attributes['program'], 'true')
  })

  test('are ended when their monitor is killed', async () => {
    const { steps, done } = attach({ kind: 'new', container: 'one', spec })
    await eventually(() => steps.length > 0)
    await host.monitor[Symbol.asyncDispose]()
    await done
    const last = steps.at(-1)
    assert.ok(last?.kind === 'exited' && last.exit?.exitCode === -1)
  })

  test('are listened to again when the connection breaks', async () => {
    const { id } = await started()
    host.monitor.hangUp()
    await host.monitor.until(() => host.monitor.connections.length > 0)
    await host.monitor.exit(4)
    await eventually(() => host.execs.get(id).exit?.exitCode === 4)
  })

  describe('after the service was killed', () => {
    test('are listened to again', async () => {
      const { id } = await started()
      await host.restart()
      host.execs.kill(id, 'HUP')
      await host.monitor.until(() => host.monitor.signals.includes(1))
      await host.monitor.exit(5)
      await eventually(() => host.execs.get(id).exit?.exitCode === 5)
      assert.deepEqual(host.monitor.signals, [1])
    })

    test('have the exit code that was recorded meanwhile', async () => {
      const { id } = await started()
      await host.restart(() => host.monitor.exit(6))
      assert.equal(host.execs.get(id).exit?.exitCode, 6)
    })

    test('are ended when their monitor is gone, and nobody says 0', async () => {
      const { id } = await started()
      await host.restart(() => host.monitor[Symbol.asyncDispose]())
      const { exit } = host.execs.get(id)
      assert.equal(exit?.exitCode, -1)
      assert.notEqual(exit?.error, '')
      assert.deepEqual(host.killed, [4_242])
    })

    test('have lost their client: their input is closed, and those that end with it are ended', async () => {
      const wanted = { ...spec, endWithClient: true, process: { ...process, stdin: true } }
      const call = new AbortController()
      const { steps } = attach({ kind: 'new', container: 'one', spec: wanted }, silent(), call.signal)
      await eventually(() => steps.length > 0)
      await host.restart()
      await host.monitor.until(() => host.monitor.signals.includes(9))
      await host.monitor.until(() => host.monitor.connections.some(({ stdinClosed }) => stdinClosed))
      call.abort()
    })

    test('are killed when they were never written down', async () => {
      const stray = join(host.root, 'containers', RUNNING.id, 'exec', 'f'.repeat(64))
      mkdirSync(stray, { recursive: true })
      const monitor = FakeMonitor.spawn(stray)
      host.monitors.push(monitor)
      await host.supervisor.recover()
      await monitor.until(() => monitor.signals.includes(9))
      await eventually(() => !existsSync(stray))
    })
  })
})
