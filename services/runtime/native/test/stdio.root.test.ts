import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { connectMonitor } from '../../src/monitor/client.ts'
import { Bench, type SpecChange, skipReason } from './harness.fixture.ts'

const skip = skipReason()
const sleep = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms))

const withTerminal: SpecChange = (spec) => {
  const { process } = spec
  if (!process) throw new Error('a spec without a process')
  return { ...spec, process: { ...process, terminal: true } }
}

describe('output and input of a container', { skip, timeout: 120_000 }, () => {
  let bench: Bench
  before(async () => {
    bench = await Bench.open()
  })
  after(() => bench.close())

  test('holds a program back while the disk is full, and loses nothing', async () => {
    const small = join(bench.folder, 'small')
    mkdirSync(small)
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=256k,mode=700', 'none', small])
    try {
      const ballast = join(small, 'ballast')
      writeFileSync(ballast, Buffer.alloc(150_000))
      const container = bench.run({ args: ['sh', '-c', 'seq 1 40000; echo end'], stateDir: join(small, 'state') })
      await container.event('started')
      await sleep(300)
      // It writes more than fits and waits in its write.
      assert.equal(
        container.events.some(({ type }) => type === 'exited'),
        false,
      )
      rmSync(ballast)
      execFileSync('mount', ['-o', 'remount,size=4m', small])
      const record = await container.exited()
      assert.equal(record.exitCode, 0)
      assert.equal(record.droppedBytes, 0)
      const expected = `${Array.from({ length: 40_000 }, (_, index) => index + 1).join('\n')}\nend\n`
      assert.equal(container.output(), expected)
      await container.reap()
    } finally {
      execFileSync('umount', ['-l', small])
    }
  })

  test('says how much it could not keep when the disk stays full', async () => {
    const small = join(bench.folder, 'full')
    mkdirSync(small)
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=128k,mode=700', 'none', small])
    try {
      writeFileSync(join(small, 'ballast'), Buffer.alloc(80_000))
      const container = bench.run({ args: ['sh', '-c', 'head -c 60000 /dev/zero'], stateDir: join(small, 'state') })
      const record = await container.exited()
      assert.equal(record.exitCode, 0)
      assert.ok(record.droppedBytes > 0)
      assert.equal(record.droppedBytes + container.output().length, 60_000)
      assert.deepEqual(container.record(), record)
      const gap = container.gap()
      assert.equal(Number(gap?.readBigUInt64LE(0)), record.droppedBytes)
      assert.equal(gap?.readUInt32LE(12), 28)
      await container.reap()
    } finally {
      execFileSync('umount', ['-l', small])
    }
  })

  test('keeps every byte of a fast writer that is read to its end', async () => {
    const container = bench.run({
      args: ['sh', '-c', 'seq 1 200000; printf last'],
      settings: { log: { segmentBytes: 1 << 20, segments: 50 } },
    })
    const record = await container.exited()
    const expected = `${Array.from({ length: 200_000 }, (_, index) => index + 1).join('\n')}\nlast`
    assert.equal(container.output(), expected)
    const last = readdirSync(join(container.stateDir, 'log')).sort().at(-1) ?? ''
    assert.equal(record.logSegment, Number(last))
    assert.equal(readFileSync(join(container.stateDir, 'log', last)).length, record.logBytes)
  })

  test('keeps what a fast writer wrote before its reader comes, when its log is held', async () => {
    const container = bench.run({
      args: ['sh', '-c', 'seq 1 200000; printf last'],
      settings: { log: { segmentBytes: 1 << 16, segments: 2, isHeld: true } },
    })
    await container.event('started')
    await sleep(300)
    assert.ok(container.events.every(({ type }) => type !== 'exited'))
    assert.ok(container.output().startsWith('1\n2\n3\n'))
    container.client.letGo()
    await container.exited()
  })

  test('goes on without its reader when whoever holds its log goes away', async () => {
    const container = bench.run({
      args: ['sh', '-c', 'seq 1 200000; exit 3'],
      settings: { log: { segmentBytes: 1 << 16, segments: 2, isHeld: true } },
    })
    await container.event('started')
    container.client.close()
    await container.reap()
    const record = container.record()
    assert.ok(typeof record === 'object')
    assert.equal(record.exitCode, 3)
  })

  test('does not notice that all of its connections are gone', async () => {
    const container = bench.run({ args: ['sh', '-c', 'sleep 0.3; echo late; exit 4'] })
    await container.event('started')
    container.client.close()
    const stray = await connectMonitor(container.stateDir)
    stray.subscribe()
    stray.close()
    await container.reap()
    assert.equal(container.output(), 'late\n')
    const record = container.record()
    assert.ok(typeof record === 'object')
    assert.equal(record.exitCode, 4)
  })

  test('ignores signals that end other programs', async () => {
    const container = bench.run({ args: ['sh', '-c', 'sleep 0.3; echo alive'] })
    await container.event('started')
    for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP', 'SIGPIPE', 'SIGQUIT', 'SIGUSR1'] as const)
      process.kill(container.monitorPid, signal)
    assert.equal((await container.exited()).exitCode, 0)
    assert.equal(container.output(), 'alive\n')
  })

  test('has a terminal for an exec too, which is its own', async () => {
    const container = bench.run({ args: ['sleep', '1000'] })
    await container.event('started')
    const exec = bench.exec(
      container,
      ['sh', '-c', 'readlink /proc/self/fd/0; read line; echo "got $line"'],
      (records) =>
        records.map((record) => (record.type === 'stdio' ? { ...record, flags: 3, rows: 20, columns: 60 } : record)),
    )
    await exec.event('started')
    await exec.client.stdin(Buffer.from('word\n'))
    assert.equal((await exec.exited()).exitCode, 0)
    assert.match(exec.output(), /\/dev\/pts\/0\r\n/)
    assert.match(exec.output(), /got word\r\n$/)
  })

  test('ends a terminal whose program ignores its hang-up when the program ends', async () => {
    const container = bench.run({
      args: ['sh', '-c', 'trap "" HUP; echo one; sleep 0.1; echo two; exit 6'],
      spec: withTerminal,
      settings: { stdin: 'open' },
    })
    assert.equal((await container.exited()).exitCode, 6)
    assert.equal(container.output(), 'one\r\ntwo\r\n')
  })

  test('sends the end of input to a terminal as its character', async () => {
    const container = bench.run({ args: ['cat'], spec: withTerminal, settings: { stdin: 'open' } })
    await container.event('started')
    await container.client.stdin(Buffer.from('text\n'))
    container.client.stdinClose()
    assert.equal((await container.exited()).exitCode, 0)
    assert.match(container.output(), /text\r\n/)
  })

  test('can be written by a program that is not root, also by name', async () => {
    const container = bench.run({
      args: ['sh', '-c', 'echo by name >/dev/stdout; echo error >/dev/stderr'],
      settings: { user: '1000' },
    })
    assert.equal((await container.exited()).exitCode, 0, container.output(2))
    assert.equal(container.output(), 'by name\n')
    assert.equal(container.output(2), 'error\n')
  })

  test('runs without keeping anything', async () => {
    const container = bench.run({
      args: ['sh', '-c', 'readlink /proc/self/fd/1; exit 2'],
      records: (records) => records.filter(({ type }) => type !== 'log'),
    })
    assert.equal((await container.exited()).exitCode, 2)
    assert.equal(container.output(), '')
  })
})
