import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { setTimeout } from 'node:timers/promises'
import { layoutOf } from '@caisson/api/layout'
import { runningSupervisor } from '../src/supervisor/pid-file.ts'
import { identify, type ProcessIdentity, runs, signalProcess } from '../src/supervisor/process-identity.ts'
import { readState } from '../src/supervisor/state-file.ts'

const CAISSON = join(import.meta.dirname, 'fixtures/caisson.ts')
const skip = process.geteuid?.() === 0 ? false : 'starting an engine needs root'

interface Result {
  readonly code: number | null
  readonly out: string
  readonly err: string
}

function caisson(root: string, ...args: string[]): Promise<Result> {
  const env = { ...process.env, NODE_OPTIONS: '', SECRET: 'of the user', NO_COLOR: '1' }
  const child = spawn(process.execPath, [CAISSON, '--root', root, ...args], { env, stdio: ['ignore', 'pipe', 'pipe'] })
  let [out, err] = ['', '']
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    out += text
  })
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    err += text
  })
  return new Promise((resolve) => child.once('close', (code) => resolve({ code, out, err })))
}

function newRoot(t: TestContext): string {
  const root = mkdtempSync(join(tmpdir(), 'csn-cli-'))
  t.after(async () => {
    await caisson(root, 'down')
    for (const process of processes(root).values()) signalProcess(process, 'SIGKILL')
    rmSync(root, { recursive: true, force: true })
  })
  return root
}

function processes(root: string): Map<string, ProcessIdentity> {
  const running = readState(layoutOf(root)).services.filter((service) => service.process)
  return new Map(running.flatMap(({ name, process }) => (process ? [[name, process]] : [])))
}

async function until(what: string, condition: () => boolean): Promise<void> {
  const deadline = Date.now() + 10_000
  while (!condition()) {
    assert.ok(Date.now() < deadline, `not within ten seconds: ${what}`)
    await setTimeout(20)
  }
}

test('starts every service, tells of their health, and stops them', { skip }, async (t) => {
  const root = newRoot(t)
  const up = await caisson(root, 'up', '-d')
  assert.equal(up.code, 0, up.err)
  for (const service of ['image-store', 'network', 'runtime']) assert.match(up.out, new RegExp(`${service} +serving`))
  const status = await caisson(root, 'status', '--format', 'json')
  assert.equal(status.code, 0)
  const { services } = JSON.parse(status.out)
  assert.deepEqual(
    services.map((one: { service: string; health: string; version: string }) => [one.service, one.health, one.version]),
    ['image-store', 'network', 'runtime'].map((name) => [name, 'serving', '7.8.9']),
  )
  const started = [...processes(root).values()]
  const down = await caisson(root, 'down')
  assert.equal(down.code, 0)
  assert.match(down.out, /the engine is stopped/)
  assert.deepEqual(started.filter(runs), [])
  assert.equal((await caisson(root, 'status')).code, 1)
})

test('gives services a bare environment, a session of their own and a strict mask', { skip }, async (t) => {
  const root = newRoot(t)
  await caisson(root, 'up', '-d')
  const { env } = JSON.parse(readFileSync(join(root, 'runtime.starts'), 'utf8').split('\n')[0] ?? '')
  assert.equal(env.SECRET, undefined)
  assert.equal(env.NODE_OPTIONS, undefined)
  const pid = processes(root).get('runtime')?.pid
  const stat = readFileSync(`/proc/${pid}/stat`, 'latin1')
  assert.equal(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[3], String(pid))
  assert.match(readFileSync(`/proc/${pid}/status`, 'latin1'), /^Umask:\t0077$/m)
  assert.equal(readFileSync(`/proc/${pid}/oom_score_adj`, 'latin1').trim(), '0')
  assert.match(readFileSync(`/proc/${pid}/cmdline`, 'latin1'), /--disable-sigusr1/)
})

test('starts a service again that was killed, and counts it', { skip }, async (t) => {
  const root = newRoot(t)
  await caisson(root, 'up', '-d')
  const before = processes(root).get('network')
  assert.ok(before && signalProcess(before, 'SIGKILL'))
  await until('another process', () => ![undefined, before.pid].includes(processes(root).get('network')?.pid))
  const record = readState(layoutOf(root)).services.find(({ name }) => name === 'network')
  assert.deepEqual([record?.restarts, record?.lastEnd], [1, 'signal SIGKILL'])
  const { out } = await caisson(root, 'status')
  assert.match(out, /network .* 1 \(signal SIGKILL\)/)
})

test('is content when the engine runs already', { skip }, async (t) => {
  const root = newRoot(t)
  await caisson(root, 'up', '-d')
  const before = runningSupervisor(layoutOf(root))
  const again = await caisson(root, 'up', '-d')
  assert.equal(again.code, 0)
  assert.match(again.out, /running already/)
  assert.deepEqual(runningSupervisor(layoutOf(root)), before)
})

test('gives a start up that has no hope, says why, and leaves nothing running', { skip }, async (t) => {
  const root = newRoot(t)
  writeFileSync(join(root, 'runtime.fail'), 'the moon is in the wrong place')
  const up = await caisson(root, 'up', '-d')
  assert.equal(up.code, 125)
  assert.match(
    up.err,
    /caisson: the service runtime ended with exit code 1: .*the moon is in the wrong place: see .*runtime\.log/,
  )
  assert.equal(runningSupervisor(layoutOf(root)), undefined)
  assert.deepEqual([...processes(root)], [])
  const starts = ['image-store', 'network', 'runtime'].flatMap((name) =>
    readFileSync(join(root, `${name}.starts`), 'utf8')
      .trim()
      .split('\n'),
  )
  assert.deepEqual(starts.map((line) => identify(JSON.parse(line).pid)).filter(Boolean), [])
})

test('refuses a root that cannot be one, and starts nothing', { skip }, async (t) => {
  const root = newRoot(t)
  writeFileSync(join(root, 'file'), '')
  for (const [place, message] of [
    [join(root, 'x'.repeat(100)), /longer than 107 bytes: choose a shorter --root/],
    ['/proc/nowhere', /cannot make the directory \/proc\/nowhere: .*choose another --root/],
    [join(root, 'file'), /cannot make the directory .*file: .*choose another --root/],
  ] as const) {
    const up = await caisson(place, 'up', '-d')
    assert.equal(up.code, 125, place)
    assert.match(up.err, message)
    assert.equal(runningSupervisor(layoutOf(place)), undefined)
  }
})

test('takes over after its supervisor was killed', { skip }, async (t) => {
  const root = newRoot(t)
  await caisson(root, 'up', '-d')
  const left = [...processes(root).values()]
  const supervisor = runningSupervisor(layoutOf(root))
  assert.ok(supervisor && signalProcess(supervisor, 'SIGKILL'))
  await until('the supervisor is gone', () => !runs(supervisor))
  assert.equal(left.filter(runs).length, 3)
  const up = await caisson(root, 'up', '-d')
  assert.equal(up.code, 0, up.err)
  assert.deepEqual(left.filter(runs), [])
  assert.equal([...processes(root).values()].filter(runs).length, 3)
})

test('stops the services of a supervisor that was killed', { skip }, async (t) => {
  const root = newRoot(t)
  await caisson(root, 'up', '-d')
  const left = [...processes(root).values()]
  const supervisor = runningSupervisor(layoutOf(root))
  assert.ok(supervisor && signalProcess(supervisor, 'SIGKILL'))
  await until('the supervisor is gone', () => !runs(supervisor))
  const down = await caisson(root, 'down')
  assert.match(down.out, /the engine is stopped/)
  assert.deepEqual(left.filter(runs), [])
})

test('keeps engines side by side apart', { skip }, async (t) => {
  const [one, two] = [newRoot(t), newRoot(t)]
  await Promise.all([caisson(one, 'up', '-d'), caisson(two, 'up', '-d')])
  await caisson(one, 'down')
  assert.equal((await caisson(one, 'status')).code, 1)
  assert.equal((await caisson(two, 'status')).code, 0)
})

test('runs in the foreground until it is asked to end', { skip }, async (t) => {
  const root = newRoot(t)
  const ended = caisson(root, 'up')
  await until('three services', () => processes(root).size === 3)
  const started = [...processes(root).values()]
  const supervisor = runningSupervisor(layoutOf(root))
  assert.ok(supervisor && signalProcess(supervisor, 'SIGINT'))
  const { code, out } = await ended
  assert.equal(code, 0)
  assert.match(out, /runtime: pid \d+/)
  assert.deepEqual(started.filter(runs), [])
})
