import assert from 'node:assert/strict'
import { readdirSync, readFileSync, readlinkSync } from 'node:fs'
import { after, before, describe, test } from 'node:test'
import { inspect } from 'node:util'
import type { RuntimeSpec } from '@caisson/oci'
import { placeContainer } from '../../src/cgroup/index.ts'
import { LAUNCH_FLAG } from '../../src/launch/plan-format.ts'
import { LaunchStep } from '../../src/monitor/message.ts'
import { Bench, skipReason } from './harness.fixture.ts'

const skip = skipReason()

describe('an exec', { skip, timeout: 120_000 }, () => {
  let bench: Bench
  before(async () => {
    bench = await Bench.open()
  })
  after(() => bench.close())

  const withTracing = (spec: RuntimeSpec): RuntimeSpec => {
    const { process } = spec
    if (!process) throw new Error('a spec without a process')
    const all = [...(process.capabilities?.bounding ?? []), 'CAP_SYS_PTRACE', 'CAP_SYS_ADMIN']
    const capabilities = { bounding: all, effective: all, permitted: all, inheritable: [], ambient: [] }
    return { ...spec, process: { ...process, capabilities } }
  }

  test('is in every control group and namespace of its container before its program runs', async () => {
    const container = bench.run({ args: ['sleep', '1000'] })
    await container.event('started')
    const exec = bench.exec(container, ['true'], (records) =>
      records.map((record) =>
        record.type === 'launch' ? { ...record, flags: record.flags | LAUNCH_FLAG.barrier } : record,
      ),
    )
    const { pid } = await exec.event('created')
    const { v1, unified } = placeContainer(bench.cgroups, container.id)
    const groups = readFileSync(`/proc/${pid}/cgroup`, 'utf8').trim().split('\n')
    assert.ok(groups.length > 1)
    for (const group of groups) assert.ok(group.endsWith(`/${container.id}`), group)
    for (const directory of [...v1.map((place) => place.directory), unified ?? ''])
      assert.ok(readFileSync(`${directory}/cgroup.procs`, 'utf8').split('\n').includes(String(pid)), directory)
    for (const name of ['mnt', 'net', 'pid', 'ipc', 'uts', 'user', 'cgroup'])
      assert.equal(readlinkSync(`/proc/${pid}/ns/${name}`), readlinkSync(`/proc/${container.pid}/ns/${name}`), name)
    // It holds the socket that it waits on, and what becomes its standard descriptors.
    for (const fd of readdirSync(`/proc/${pid}/fd`))
      assert.match(readlinkSync(`/proc/${pid}/fd/${fd}`), /^(socket:|pipe:|\/dev\/null|\/$)/, fd)
    exec.client.start()
    assert.equal((await exec.exited()).exitCode, 0)
  })

  test('cannot be looked into by who may trace in its container', async () => {
    const script = [
      'echo ready; while [ ! -e /tmp/stop ]; do',
      'ls -l /proc/*/exe /proc/*/fd /proc/*/cwd /proc/*/root 2>/dev/null',
      'cat /proc/*/environ /proc/*/maps 2>/dev/null; done | grep -a -E "caisson|memfd"; echo done',
    ].join('\n')
    const container = bench.run({ args: ['sh', '-c', script], spec: withTracing })
    container.client.subscribe()
    while (!container.output().includes('ready')) await container.next('log')
    for (let round = 0; round < 60; round++) {
      const execs = [1, 2, 3].map(() => bench.exec(container, ['true']))
      for (const exec of execs) {
        const end = await exec.outcome()
        assert.ok(
          'exitCode' in end && end.exitCode === 0,
          `${inspect(end)} ${container.output()} ${container.output(2)}`,
        )
      }
    }
    await bench.exec(container, ['sh', '-c', 'echo >/tmp/stop']).exited()
    assert.equal((await container.exited()).exitCode, 0)
    assert.equal(container.output(), 'ready\ndone\n')
  })

  test('runs and is killed, or finds its container gone, when both happen at once', async () => {
    for (let round = 0; round < 10; round++) {
      const container = bench.run({ args: ['sleep', '1000'] })
      await container.event('started')
      const execs = Array.from({ length: 10 }, () => bench.exec(container, ['sleep', '1000']))
      await new Promise((resolve) => setTimeout(resolve, round * 2))
      container.client.signal(9)
      assert.equal((await container.exited()).exitCode, 137)
      assert.equal(await container.reap(), 0)
      for (const exec of execs) {
        const end = await exec.outcome()
        if ('exitCode' in end) assert.equal(end.exitCode, 137)
        else assert.equal(end.step, LaunchStep.TARGET, `${end.step} ${end.errno} ${end.message}`)
        await exec.reap()
      }
      const { v1, unified } = placeContainer(bench.cgroups, container.id)
      for (const directory of [...v1.map((place) => place.directory), unified ?? ''])
        assert.throws(() => readdirSync(directory), { code: 'ENOENT' })
    }
  })

  test('refuses a target whose pid was given to another process', async () => {
    const container = bench.run({ args: ['sleep', '1000'] })
    await container.event('started')
    const exec = bench.exec(container, ['true'], (records) =>
      records.map((record) =>
        record.type === 'execTarget' ? { ...record, startTime: record.startTime + 1n } : record,
      ),
    )
    assert.equal((await exec.failed()).step, LaunchStep.TARGET)
  })

  test('gives no way to the monitor through its own program', async () => {
    const container = bench.run({ args: ['sleep', '1000'], spec: withTracing })
    await container.event('started')
    const script = 'for i in 1 2 3; do echo x >/proc/self/exe; echo x >/proc/1/exe; done; echo end'
    const direct = bench.exec(container, ['/proc/self/exe'])
    // The monitor's own program without anything that it needs: it ends.
    assert.ok('exitCode' in (await direct.outcome()))
    const exec = bench.exec(container, ['sh', '-c', script])
    await exec.exited()
    assert.equal(exec.output(), 'end\n')
    assert.match(exec.output(2), /Text file busy|Permission denied|Read-only/)
  })
})
