import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { after, before, describe, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Partially } from '@caisson/api'
import { type AttachResponse, ContainerState, type Process } from '@caisson/api/container'
import type { ExecAttachRequest, ExecSpec } from '@caisson/api/exec'
import { needsRealHost, RealHost } from './real-host.ts'

const skip = needsRealHost()

describe('execs in real containers', { skip }, () => {
  let host: RealHost
  before(async () => {
    host = await RealHost.start()
    await host.started('box', { ...host.spec(['sleep', '1000']), hostname: 'boxhost' })
  })
  after(async () => {
    await host[Symbol.asyncDispose]()
  })

  /** Runs a command to its end. `input` is given to it and closed. */
  async function exec(
    cmd: readonly string[],
    process: Partially<Process> = {},
    input?: string,
    change: Partially<ExecSpec> = {},
  ): Promise<{ code: number; text: string; ms: number }> {
    const spec = {
      container: 'box',
      process: { ...process, cmd: { values: cmd }, stdin: input !== undefined },
      ...change,
    }
    async function* requests(): AsyncGenerator<Partially<ExecAttachRequest>> {
      yield { item: { $case: 'target', value: { exec: { $case: 'spec', value: spec } } } }
      if (input === undefined) return
      yield { item: { $case: 'stdin', value: Buffer.from(input) } }
      yield { item: { $case: 'stdinEnd', value: {} } }
    }
    const began = performance.now()
    let text = ''
    let code = -2
    for await (const { item } of host.execs.attach(requests())) {
      if (item?.$case === 'output') text += item.value.data
      if (item?.$case === 'exited') code = item.value.exitCode
    }
    return { code, text, ms: performance.now() - began }
  }

  test('give exit codes, and the reasons why a program cannot run', async () => {
    assert.equal((await exec(['true'])).code, 0)
    assert.equal((await exec(['sh', '-c', 'exit 42'])).code, 42)
    assert.equal((await exec(['sh', '-c', 'kill -TERM $$'])).code, 143)
    await assert.rejects(exec(['no-such-program']), { code: 'not-found', reason: 'COMMAND_NOT_FOUND' })
    await assert.rejects(exec(['/etc/not-a-program']), {
      code: 'failed-precondition',
      reason: 'COMMAND_NOT_EXECUTABLE',
    })
    await assert.rejects(exec(['true'], { user: 'nobody-there' }), { reason: 'NO_SUCH_USER' })
    await assert.rejects(exec(['true'], { workingDir: '/not/there' }), { reason: 'WORKING_DIR' })
  })

  test('run inside every namespace and control group of the container', async () => {
    const { text } = await exec([
      'sh',
      '-c',
      'hostname; cat /proc/1/cmdline | tr "\\0" " "; echo; cat /proc/self/cgroup',
    ])
    const [hostname, first, ...groups] = text.trim().split('\n')
    assert.equal(hostname, 'boxhost')
    assert.match(first ?? '', /^sleep 1000/)
    // Seen from inside, its groups are the roots of their hierarchies.
    for (const group of groups) assert.match(group, /:\/$/)
    const { pid } = await host.containers.get({ container: 'box' })
    const links = ['mnt', 'pid', 'net', 'ipc', 'uts', 'user', 'cgroup']
    const inside = await exec(['sh', '-c', `for n in ${links.join(' ')}; do readlink /proc/self/ns/$n; done`])
    const { readlinkSync } = await import('node:fs')
    assert.deepEqual(
      inside.text.trim().split('\n'),
      links.map((name) => readlinkSync(`/proc/${pid}/ns/${name}`)),
    )
  })

  test('have the rights of the container and no more', async () => {
    const wanted = /^(Cap\w+|NoNewPrivs|Seccomp):.*/gm
    const { pid } = await host.containers.get({ container: 'box' })
    const own = readFileSync(`/proc/${pid}/status`, 'utf8').match(wanted)
    const its = (await exec(['cat', '/proc/self/status'])).text.match(wanted)
    assert.deepEqual(its, own)
    const fds = await exec(['sh', '-c', 'ls /proc/$$/fd; true'])
    assert.deepEqual(fds.text.trim().split('\n'), ['0', '1', '2'])
    const privileged = await exec(['cat', '/proc/self/status'], {}, undefined, { privileged: true })
    assert.notEqual(/CapEff:\s(.*)/.exec(privileged.text)?.[1], /CapEff:\s(.*)/.exec(own?.join('\n') ?? '')?.[1])
  })

  test('take environment, user and working directory, or those of the container', async () => {
    const { text } = await exec(['sh', '-c', 'echo $A $FROM_IMAGE $HOME; id -u; id -g; pwd'], {
      env: ['A=1'],
      user: 'user',
      workingDir: '/tmp',
    })
    assert.equal(text, '1 1 /home/user\n1000\n1000\n/tmp\n')
    assert.equal((await exec(['sh', '-c', 'echo $FROM_IMAGE; id -u; pwd'])).text, '1\n0\n/\n')
  })

  test('take input to its end, and give all output', async () => {
    const input = 'line\n'.repeat(200_000)
    const { text, code } = await exec(['cat'], {}, input)
    assert.equal(code, 0)
    assert.ok(text === input)
    assert.equal((await exec(['sh', '-c', 'cat | wc -c'], {}, 'abc')).text.trim(), '3')
    // Without input of its own it reads nothing.
    assert.equal((await exec(['cat'])).text, '')
  })

  test('have a terminal of the size that is asked for', async () => {
    const { text, code } = await exec(['sh', '-c', 'tty; stty size; exit 3'], {
      tty: true,
      terminalSize: { rows: 12, columns: 34 },
    })
    assert.equal(code, 3)
    assert.match(text, /\/dev\/pts\/\d+\r\n12 34\r\n/)
  })

  test('run many at once', async () => {
    const all = await Promise.all(Array.from({ length: 25 }, (_, n) => exec(['sh', '-c', `echo ${n}; exit ${n}`])))
    assert.deepEqual(
      all.map(({ code, text }) => [code, text]),
      Array.from({ length: 25 }, (_, n) => [n, `${n}\n`]),
    )
  })

  test('are started by nobody in particular, and are killed', async () => {
    const spec = { container: 'box', process: { cmd: { values: ['sleep', '500'] } } }
    const { id } = await host.execs.create({ spec })
    const { pid } = await host.execs.start({ id })
    const { processes } = await host.containers.top({ container: 'box' })
    const seen = processes.find((process) => process.pid === pid)
    assert.equal(seen?.command, 'sleep 500')
    assert.equal(seen?.uid, 0)
    assert.ok((seen?.innerPid ?? 0) > 1)
    await host.execs.kill({ id, signal: 'TERM' })
    const exited = await ended(id)
    assert.equal(exited.exit?.exitCode, 143)
  })

  test('are gone on with by the next service', async () => {
    const script = 'sleep 1; exit 9'
    const spec = { container: 'box', process: { cmd: { values: ['sh', '-c', script] } } }
    const early = await host.execs.create({ spec })
    await host.execs.start({ id: early.id })
    const late = await host.execs.create({
      spec: { ...spec, process: { cmd: { values: ['sh', '-c', `sleep 2; ${script}`] } } },
    })
    await host.execs.start({ id: late.id })
    await host.halt()
    await sleep(1_500)
    await host.boot()
    assert.equal((await ended(early.id)).exit?.exitCode, 9)
    assert.equal((await host.execs.get({ id: late.id })).running, true)
    assert.equal((await ended(late.id)).exit?.exitCode, 9)
  })

  test('are refused while it is paused, and end with it', async () => {
    await host.started('short', host.spec(['sleep', '1000']))
    const spec = { container: 'short', process: { cmd: { values: ['sleep', '500'] } } }
    const { id } = await host.execs.create({ spec })
    await host.execs.start({ id })
    await host.containers.pause({ container: 'short' })
    await assert.rejects(host.execs.create({ spec }), { reason: 'CONTAINER_PAUSED' })
    await host.containers.resume({ container: 'short' })
    await host.containers.kill({ container: 'short' })
    assert.equal((await ended(id)).exit?.exitCode, 137)
    // The kernel ends a container's other processes before its first one is reaped.
    await host.containers.wait({ container: 'short' })
    const { state } = await host.containers.get({ container: 'short' })
    assert.equal(state, ContainerState.EXITED)
    await assert.rejects(host.execs.create({ spec }), { reason: 'CONTAINER_NOT_RUNNING' })
    await host.containers.remove({ container: 'short' })
    await assert.rejects(host.execs.get({ id }), { reason: 'EXEC_NOT_FOUND' })
  })

  test('are killed with their client when that is asked for', async () => {
    const spec = { container: 'box', process: { cmd: { values: ['sleep', '700'] } }, endWithClient: true }
    async function* requests(): AsyncGenerator<Partially<ExecAttachRequest>> {
      yield { item: { $case: 'target', value: { exec: { $case: 'spec', value: spec } } } }
    }
    const seen: AttachResponse['item'][] = []
    for await (const { item } of host.execs.attach(requests())) {
      seen.push(item)
      break
    }
    const [first] = seen
    assert.ok(first?.$case === 'attached')
    assert.equal((await ended(first.value.id)).exit?.exitCode, 137)
  })

  test('that race with its end are run and killed, or refused, and leave nothing running', async () => {
    for (let round = 0; round < 4; round += 1) {
      const name = `race${round}`
      const container = await host.started(name, host.spec(['sleep', '1000']))
      const tries = Array.from({ length: 30 }, async (_, n) => {
        await sleep(n * 3)
        return exec(['sleep', '1000'], {}, undefined, { container: name })
      })
      const settled = Promise.allSettled(tries)
      await sleep(40)
      await host.containers.kill({ container: name })
      await host.containers.wait({ container: name })
      for (const result of await settled)
        if (result.status === 'fulfilled') assert.equal(result.value.code, 137)
        else assert.match(String(result.reason.reason), /^(CONTAINER_NOT_RUNNING|CONTAINER_NOT_FOUND)$/)
      const { execs } = await host.execs.list({ container })
      assert.ok(execs.every((one) => !one.running))
      await host.containers.remove({ container })
    }
  })

  test('take a few milliseconds', async (t) => {
    for (let warm = 0; warm < 10; warm += 1) await exec(['true'])
    const times: number[] = []
    for (let count = 0; count < 50; count += 1) times.push((await exec(['true'])).ms)
    times.sort((a, b) => a - b)
    const [least, median] = [times[0] ?? 0, times[25] ?? 0]
    t.diagnostic(`exec true over the API: least ${least.toFixed(1)} ms, median ${median.toFixed(1)} ms`)
    assert.equal(times.length, 50)
  })

  test('leave no directory behind', async () => {
    const { readdirSync } = await import('node:fs')
    const { join } = await import('node:path')
    const { id } = await host.containers.get({ container: 'box' })
    for (let tries = 0; tries < 200; tries += 1) {
      if (readdirSync(join(host.dir, 'containers', id, 'exec')).length === 0) return
      await sleep(10)
    }
    assert.fail('directories of execs are left')
  })

  async function ended(id: string) {
    for (let tries = 0; tries < 1_000; tries += 1) {
      const exec = await host.execs.get({ id })
      if (exec.exit) return exec
      await sleep(10)
    }
    return assert.fail('it did not end')
  }
})
