import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmdirSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { placeContainer } from '../../src/cgroup/index.ts'
import { connectMonitor } from '../../src/monitor/client.ts'
import { LaunchStep } from '../../src/monitor/message.ts'
import { Bench, type SpecChange, skipReason } from './harness.fixture.ts'

const skip = skipReason()

const withTerminal: SpecChange = (spec) => {
  const { process } = spec
  if (!process) throw new Error('a spec without a process')
  return { ...spec, process: { ...process, terminal: true, consoleSize: { height: 30, width: 120 } } }
}

describe('a container', { skip, timeout: 120_000 }, () => {
  let bench: Bench
  before(async () => {
    bench = await Bench.open()
  })
  after(() => bench.close())

  const overlay = (name: string, extra: { upper?: boolean; lowers?: readonly string[] } = {}) => {
    const lower = bench.makeRoot()
    const snapshot = join(bench.folder, name)
    for (const folder of ['upper', 'work']) mkdirSync(join(snapshot, folder), { recursive: true })
    const writable = extra.upper !== false
    return {
      kind: 'overlay',
      lowerDirs: [...(extra.lowers ?? []), lower],
      upperDir: writable ? join(snapshot, 'upper') : '',
      workDir: writable ? join(snapshot, 'work') : '',
    } as const
  }

  test('runs a program and records its end before it tells of it', async () => {
    const container = bench.run({ args: ['sh', '-c', 'echo out; echo err >&2; exit 3'] })
    const record = await container.exited()
    assert.equal(record.exitCode, 3)
    assert.equal(record.signal, 0)
    assert.equal(container.output(1), 'out\n')
    assert.equal(container.output(2), 'err\n')
    assert.deepEqual(container.record(), record)
    assert.equal(await container.reap(), 0)
    assert.equal(existsSync(join(container.stateDir, 'control.sock')), false)
    for (const { directory } of placeContainer(bench.cgroups, container.id).v1)
      assert.equal(existsSync(directory), false, directory)
  })

  for (const monitor of ['caisson-monitor', 'caisson-monitor-names']) {
    test(`writes to an overlay as its own root, on disk as id 0 (${monitor})`, async (t) => {
      if (!existsSync(new URL(`../build/${monitor}`, import.meta.url))) return t.skip(`needs make ${monitor}`)
      const upper = join(bench.folder, `layer-${monitor}`)
      mkdirSync(join(upper, 'above'), { recursive: true })
      const root = overlay(`snap-${monitor}`, { lowers: [upper] })
      const script = 'echo x >/new && stat -c %u:%g /new /etc/passwd && ls -d /above && echo y >>/etc/passwd'
      const container = bench.run({ args: ['sh', '-c', script], settings: { root }, monitor })
      assert.equal((await container.exited()).exitCode, 0, container.output(2))
      assert.equal(container.output(), '0:0\n0:0\n/above\n')
      assert.equal(statSync(join(root.upperDir, 'new')).uid, 0)
    })
  }

  test('cannot write to a root that has no upper directory, of one layer or of many', async () => {
    const second = join(bench.folder, 'second-layer')
    mkdirSync(join(second, 'second'), { recursive: true })
    for (const lowers of [[], [second]]) {
      const root = overlay('none', { upper: false, lowers })
      const container = bench.run({
        args: ['sh', '-c', 'echo x >/tmp/new'],
        settings: { root },
        spec: (spec) => ({ ...spec, root: { path: '', readonly: true } }),
      })
      assert.equal((await container.exited()).exitCode, 1)
      assert.match(container.output(2), /Read-only file system/)
    }
  })

  test('mounts five hundred layers', async () => {
    const lowers = Array.from({ length: 499 }, (_, index) => {
      const folder = join(bench.folder, 'many', `layer-with-a-name-that-is-long-${index}`)
      mkdirSync(folder, { recursive: true })
      writeFileSync(join(folder, `file${index}`), '')
      return folder
    })
    for (const monitor of ['caisson-monitor', 'caisson-monitor-names']) {
      if (!existsSync(new URL(`../build/${monitor}`, import.meta.url))) continue
      const root = overlay(`many-${monitor}`, { lowers })
      const container = bench.run({
        args: ['sh', '-c', 'ls / | grep -c file || ls / | wc -l'],
        settings: { root },
        monitor,
      })
      await container.event('started')
      await container.exited()
    }
  })

  test('has three descriptors and nothing of the host', async () => {
    const container = bench.run({ args: ['sh', '-c', 'ls /proc/self/fd; cat /proc/self/status; ls /proc'] })
    await container.exited()
    const output = container.output()
    // 3 is the directory that ls has open.
    assert.match(output, /^0\n1\n2\n3\n/)
    assert.match(output, /SigIgn:\t0+\n/)
    assert.match(output, /SigBlk:\t0+\n/)
    assert.match(output, /NoNewPrivs:\t1\n/)
    assert.match(output, /CapBnd:\t00000000800405fb\n/)
    assert.match(output, /CapAmb:\t0+\n/)
    assert.doesNotMatch(output, /^2\d\d\d$/m)
  })

  test('tells not found (ENOENT) from not executable (EACCES)', async () => {
    const missing = await bench.run({ args: ['nowhere'] }).failed()
    assert.deepEqual([missing.step, missing.errno], [LaunchStep.EXEC, 2])
    const text = await bench.run({ args: ['/etc/passwd'] }).failed()
    assert.deepEqual([text.step, text.errno], [LaunchStep.EXEC, 13])
    const folder = await bench.run({ args: ['/etc'] }).failed()
    assert.deepEqual([folder.step, folder.errno], [LaunchStep.EXEC, 13])
  })

  test('leaves nothing behind when the launch fails', async () => {
    const container = bench.run({ args: ['nowhere'] })
    await container.failed()
    assert.equal(await container.reap(), 1)
    assert.equal(container.record(), undefined)
    assert.equal(existsSync(join(container.stateDir, 'control.sock')), false)
    const { v1, unified } = placeContainer(bench.cgroups, container.id)
    for (const directory of [...v1.map((place) => place.directory), unified ?? '/none'])
      assert.equal(existsSync(directory), false, directory)
    assert.equal(readFileSync('/proc/self/mountinfo', 'utf8').includes(bench.folder), false)
  })

  test('waits at the barrier until it is told to go', async () => {
    const container = bench.run({ args: ['echo', 'on'], settings: { hasBarrier: true } })
    const { pid } = await container.event('created')
    assert.match(readFileSync(`/proc/${pid}/stat`, 'utf8'), /caisson-monitor/)
    const other = await connectMonitor(container.stateDir)
    assert.equal(other.hello?.state, 'created')
    other.start()
    await container.event('started')
    assert.equal((await container.exited()).exitCode, 0)
    assert.equal(container.output(), 'on\n')
  })

  test('can be killed at the barrier', async () => {
    const container = bench.run({ settings: { hasBarrier: true } })
    await container.event('created')
    container.client.signal(9)
    assert.equal((await container.failed()).step, LaunchStep.INTERNAL)
    assert.equal(await container.reap(), 1)
  })

  test('runs below an init that reaps, forwards signals and passes the status on', async () => {
    const script = 'trap "echo term; exit 7" TERM; (sleep 0.01 &) ; echo ready; while :; do sleep 0.05; done'
    const container = bench.run({ args: ['sh', '-c', script], settings: { hasInit: true } })
    await container.event('started')
    container.client.subscribe()
    while (!container.output().includes('ready')) await container.next('log')
    assert.match(readFileSync(`/proc/${container.pid}/stat`, 'utf8'), /\(caisson-init\)/)
    container.client.signal(15)
    assert.equal((await container.exited()).exitCode, 7)
    assert.equal(container.output(), 'ready\nterm\n')
    const failed = await bench.run({ args: ['nowhere'], settings: { hasInit: true } }).failed()
    assert.deepEqual([failed.step, failed.errno], [LaunchStep.EXEC, 2])
  })

  test('takes signals for itself and for all of its processes', async () => {
    const child = 'trap "echo child; exit" USR1; echo ready; while :; do sleep 0.02; done'
    const script = `trap "echo main" USR1; sh -c '${child}' & wait; wait; echo end`
    const container = bench.run({ args: ['sh', '-c', script] })
    container.client.subscribe()
    while (!container.output().includes('ready')) await container.next('log')
    container.client.signal(10, true)
    const record = await container.exited()
    assert.equal(record.exitCode, 0)
    assert.deepEqual(container.output().trim().split('\n').sort(), ['child', 'end', 'main', 'ready'])
    const killed = bench.run({ args: ['sleep', '1000'] })
    await killed.event('started')
    killed.client.signal(9)
    const end = await killed.exited()
    assert.deepEqual([end.exitCode, end.signal, end.oomKilled], [137, 9, false])
  })

  test('reads its input, and its end', async () => {
    const container = bench.run({ args: ['cat'], settings: { stdin: 'once' } })
    await container.event('started')
    const big = Buffer.alloc(300_000, 'abcdefg\n')
    const writer = await connectMonitor(container.stateDir)
    await writer.stdin(big)
    writer.close()
    assert.equal((await container.exited()).exitCode, 0)
    assert.equal(container.output(), big.toString())
    const closed = bench.run({ args: ['cat'] })
    assert.equal((await closed.exited()).exitCode, 0)
  })

  test('has a terminal of its own, of the size that is asked for', async () => {
    const script =
      'ls -l /proc/self/fd/0; stty size 2>/dev/null; read line; echo "got $line"; ls -l /dev/console /dev/pts; cat /proc/self/stat'
    const container = bench.run({
      args: ['sh', '-c', script],
      settings: { stdin: 'open' },
      spec: withTerminal,
    })
    await container.event('started')
    container.client.resize(40, 100)
    await container.client.stdin(Buffer.from('hello\n'))
    assert.equal((await container.exited()).exitCode, 0)
    const output = container.output()
    assert.match(output, /-> \/dev\/pts\/0/)
    assert.match(output, /got hello/)
    assert.match(output, /crw[^\n]* \/dev\/console/)
    assert.equal(container.output(2), '')
  })

  test('sends Ctrl-C to the foreground of its terminal', async () => {
    for (const hasInit of [false, true]) {
      const container = bench.run({
        args: ['sh', '-c', 'trap "echo int; exit 9" INT; echo ready; while :; do sleep 0.02; done'],
        settings: { stdin: 'open', hasInit },
        spec: withTerminal,
      })
      container.client.subscribe()
      while (!container.output().includes('ready')) await container.next('log')
      await container.client.stdin(Buffer.from('\x03'))
      assert.equal((await container.exited()).exitCode, 9)
    }
  })

  test('runs as a user of its own passwd file, with its groups', async () => {
    const root = { kind: 'bind', path: bench.makeRoot() } as const
    const run = async (user: string) => {
      const container = bench.run({
        args: ['sh', '-c', 'id; echo $HOME; echo x >/dev/stdout'],
        settings: { root, user },
      })
      const outcome = await container.outcome()
      return 'step' in outcome ? ([outcome.step, outcome.errno] as const) : container.output()
    }
    assert.match(String(await run('alice')), /^uid=1000\(?.*gid=1000.*29.*\n\/home\/alice\nx\n/)
    assert.match(String(await run('1234:29')), /^uid=1234.*gid=29/)
    assert.deepEqual(await run('nobody-here'), [LaunchStep.USER, 2])
    for (const bad of ['-1', '4294967295', '4294967296', '2147483648', '0x0', ' 0', 'root:99999999999', '+1', '01'])
      assert.deepEqual(await run(bad), [LaunchStep.USER, 22], bad)
  })

  test('joins a program that runs, and is left by it', async () => {
    const container = bench.run({ args: ['sleep', '1000'] })
    await container.event('started')
    const exec = bench.exec(container, [
      'sh',
      '-c',
      'echo in; cat /proc/self/cgroup; ls /proc/self/fd; cat /proc/1/cmdline; exit 5',
    ])
    const record = await exec.exited()
    assert.equal(record.exitCode, 5)
    const output = exec.output()
    assert.match(output, /^in\n/)
    assert.match(output, /memory:\/\n/)
    assert.match(output, /0::\/\n/)
    assert.match(output, /0\n1\n2\n3\nsleep/)
    assert.equal(await exec.reap(), 0)
    container.client.signal(9)
    await container.exited()
    await container.reap()
    const late = bench.exec(container, ['true'])
    assert.equal((await late.failed()).step, LaunchStep.TARGET)
  })

  test('ends an exec without waiting for what it left in the background', async () => {
    const container = bench.run({ args: ['sleep', '1000'] })
    await container.event('started')
    const exec = bench.exec(container, ['sh', '-c', 'sleep 500 & echo done'])
    assert.equal((await exec.exited()).exitCode, 0)
    assert.equal(exec.output(), 'done\n')
  })

  test('is told apart as killed for memory', async () => {
    const container = bench.run({
      args: ['sh', '-c', 'exec tail /dev/zero'],
      spec: (spec) => ({ ...spec, linux: { ...spec.linux, resources: { memory: { limit: 8 << 20 } } } }),
    })
    const record = await container.exited()
    assert.deepEqual([record.exitCode, record.oomKilled], [137, true])
    assert.ok(record.oomKills >= 1)
    assert.ok((record.memoryPeak ?? 0) > 4 << 20)
  })

  test('tells subscribers of a kill for memory while it goes on', async () => {
    const container = bench.run({
      args: ['sh', '-c', 'tail /dev/zero; echo "ended $?"; sleep 0.2; exit 0'],
      spec: (spec) => ({ ...spec, linux: { ...spec.linux, resources: { memory: { limit: 8 << 20 } } } }),
    })
    container.client.subscribe()
    assert.deepEqual(await container.event('oom'), { type: 'oom', kills: 1 })
    const record = await container.exited()
    assert.deepEqual([record.exitCode, record.oomKilled, record.oomKills], [0, false, 1])
    assert.equal(container.output(), 'ended 137\n')
  })

  test('cannot be disturbed by a second monitor in its directory', async () => {
    const container = bench.run({ args: ['sleep', '1000'] })
    await container.event('started')
    const second = bench.run({ id: container.id, stateDir: container.stateDir })
    const failed = await second.failed()
    assert.deepEqual([failed.step, failed.errno], [LaunchStep.STATE, 16])
    await second.reap()
    const client = await connectMonitor(container.stateDir)
    assert.equal(client.hello?.state, 'running')
    client.close()
    container.client.signal(9)
    assert.equal((await container.exited()).exitCode, 137)
  })

  test('says what a plan is that it cannot read, and starts nothing', async () => {
    const container = bench.run({ records: (records) => [...records, { type: 'mask', path: 'relative' }] })
    assert.equal((await container.failed()).step, LaunchStep.PLAN)
    assert.equal(await container.reap(), 1)
  })

  test('makes its working directory, also in a root that is read-only', async () => {
    const container = bench.run({
      args: ['sh', '-c', 'pwd'],
      settings: { makesWorkingDir: true },
      spec: (spec) => ({
        ...spec,
        root: { path: '', readonly: true },
        process: { ...spec.process, args: ['sh', '-c', 'pwd'], cwd: '/made/here' },
      }),
    })
    assert.equal((await container.exited()).exitCode, 0)
    assert.equal(container.output(), '/made/here\n')
    const missing = await bench
      .run({ spec: (spec) => ({ ...spec, process: { ...spec.process, args: ['true'], cwd: '/nowhere' } }) })
      .failed()
    assert.deepEqual([missing.step, missing.errno], [LaunchStep.CWD, 2])
  })

  test('keeps its last segments, and those that a pinned reader still needs', async () => {
    const log = { segmentBytes: 4096, segments: 2 }
    const script = 'seq 1 20000; sleep 0.3'
    const container = bench.run({ args: ['sh', '-c', script], settings: { log, hasBarrier: true } })
    await container.event('created')
    const reader = await connectMonitor(container.stateDir)
    const seen = new Set<number>()
    let most = 0
    reader.subscribe(true)
    reader.on((event) => {
      if (event.type !== 'log') return
      most = Math.max(most, readdirSync(join(container.stateDir, 'log')).length)
      seen.add(event.segment)
      setTimeout(() => reader.ack(event.segment), 2)
    })
    container.client.start()
    const record = await container.exited()
    assert.equal(record.exitCode, 0)
    // Held back, it never was a whole log ahead of its reader.
    assert.ok(most <= 2, `${most} segments`)
    for (let segment = 1; segment < record.logSegment - 1; segment++) assert.ok(seen.has(segment), `segment ${segment}`)
    assert.match(container.output(), /\n20000\n$/)
  })

  test('refuses a root that leads its kernel paths elsewhere', async () => {
    for (const name of ['proc', 'sys']) {
      for (const target of ['/tmp', 'tmp', '/nowhere', '../../../../tmp']) {
        const path = bench.makeRoot()
        rmdirSync(join(path, name))
        symlinkSync(target, join(path, name))
        const failed = await bench.run({ settings: { root: { kind: 'bind', path } } }).failed()
        assert.equal(failed.step, LaunchStep.UNSAFE, `${name} -> ${target}: ${failed.message}`)
      }
    }
  })

  test('makes /dev inside the root when it is a link', async () => {
    for (const target of ['/tmp/inner', 'tmp', '../../../../../tmp/x', '/etc/../work']) {
      const path = bench.makeRoot()
      rmdirSync(join(path, 'dev'))
      symlinkSync(target, join(path, 'dev'))
      const container = bench.run({
        args: ['sh', '-c', 'echo x >/dev/null && ls /dev/null'],
        settings: { root: { kind: 'bind', path } },
      })
      assert.equal((await container.exited()).exitCode, 0, target)
    }
  })

  test('refuses a passwd file that is no file', async () => {
    for (const make of [
      (file: string) => symlinkSync('/dev/zero', file),
      (file: string) => execFileSync('mkfifo', [file]),
      (file: string) => mkdirSync(file),
      (file: string) => symlinkSync('/proc/kmsg', file),
      (file: string) => execFileSync('truncate', ['-s', '1G', file]),
      (file: string) => writeFileSync(file, 'x\n'.repeat(70_000)),
    ]) {
      const path = bench.makeRoot()
      rmSync(join(path, 'etc/passwd'))
      make(join(path, 'etc/passwd'))
      const failed = await bench.run({ settings: { root: { kind: 'bind', path }, user: 'alice' } }).failed()
      assert.ok(failed.step === LaunchStep.UNSAFE || failed.step === LaunchStep.USER, failed.message)
    }
  })
})
