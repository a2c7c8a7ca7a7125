import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync, writeSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { SERVICES } from '@caisson/api/address'
import { layoutOf } from '@caisson/api/layout'
import { Backoff } from './backoff.ts'
import { lastWords } from './last-words.ts'
import { LogFile } from './log-file.ts'
import { claimSupervisor, runningSupervisor } from './pid-file.ts'
import { identify, runs, signalProcess } from './process-identity.ts'
import { serviceEnvironment } from './service-environment.ts'
import { findServicePrograms } from './service-program.ts'

function folder(t: TestContext): string {
  const path = mkdtempSync(join(tmpdir(), 'cli-supervisor-'))
  t.after(() => rmSync(path, { recursive: true, force: true }))
  return path
}

test('waits longer with each end, up to a limit, and from the start after a calm time', () => {
  const backoff = new Backoff({ firstMs: 100, mostMs: 1_000, calmMs: 10_000 })
  assert.deepEqual(
    [1, 1, 1, 1, 1, 1].map((upMs) => backoff.after(upMs)),
    [100, 200, 400, 800, 1_000, 1_000],
  )
  assert.equal(backoff.after(10_000), 100)
  assert.equal(backoff.after(9_999), 200)
})

test('rotates a log that writers keep open, and keeps no more files than allowed', (t) => {
  const path = join(folder(t), 'log', 'x.log')
  using log = new LogFile(path, { maxBytes: 10, files: 3 })
  for (const text of ['first entry\n', 'second entry\n', 'third entry\n', 'fourth entry\n']) {
    writeSync(log.fd, text)
    log.rotateIfFull()
  }
  writeSync(log.fd, 'fifth\n')
  log.rotateIfFull()
  assert.equal(readFileSync(path, 'utf8'), 'fifth\n')
  assert.equal(readFileSync(`${path}.1`, 'utf8'), 'fourth entry\n')
  assert.equal(readFileSync(`${path}.2`, 'utf8'), 'third entry\n')
  assert.equal(existsSync(`${path}.3`), false)
})

test('knows a process by more than its number', async () => {
  const self = identify(process.pid)
  assert.ok(self && runs(self))
  assert.equal(runs({ ...self, startTime: '1' }), false)
  assert.equal(runs({ ...self, bootId: 'another' }), false)
  assert.equal(signalProcess({ ...self, startTime: '1' }, 'SIGKILL'), false)
  const child = spawn('sleep', ['60'])
  const identity = identify(child.pid ?? 0)
  assert.ok(identity && signalProcess(identity, 'SIGKILL'))
  await new Promise((resolve) => child.once('exit', resolve))
  assert.equal(runs(identity), false)
  assert.equal(signalProcess(identity, 'SIGKILL'), false)
})

test('lets one supervisor have an engine, and another only when that one is gone', (t) => {
  const layout = layoutOf(folder(t))
  const claim = claimSupervisor(layout)
  assert.equal(runningSupervisor(layout)?.pid, process.pid)
  assert.throws(() => claimSupervisor(layout), { reason: 'ALREADY_RUNNING' })
  claim[Symbol.dispose]()
  assert.equal(runningSupervisor(layout), undefined)
})

test('takes over from a dead supervisor, also when its number is given out again', (t) => {
  const layout = layoutOf(folder(t))
  mkdirSync(layout.runDir)
  const left = join(layout.runDir, 'supervisor.pid')
  for (const text of ['', 'nonsense', JSON.stringify({ ...identify(process.pid), startTime: '1' })]) {
    writeFileSync(left, text)
    assert.equal(runningSupervisor(layout), undefined)
    claimSupervisor(layout)[Symbol.dispose]()
    assert.equal(existsSync(left), false)
  }
})

test('hands on few variables, and none that changes what a service runs', () => {
  const env = serviceEnvironment({
    PATH: '/evil',
    NODE_OPTIONS: '--require /evil.js',
    LD_PRELOAD: '/evil.so',
    NODE_PATH: '/evil',
    HTTPS_PROXY: 'http://proxy',
    TZ: 'UTC',
    TZDIR: undefined,
  })
  assert.deepEqual(env, {
    PATH: '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin',
    TZ: 'UTC',
    HTTPS_PROXY: 'http://proxy',
  })
})

test('prefers built services to sources, and names one that is missing', (t) => {
  const dir = folder(t)
  for (const service of ['image-store', 'network', 'runtime']) {
    mkdirSync(join(dir, service, 'src'), { recursive: true })
    writeFileSync(join(dir, service, 'package.json'), '{"version":"1.2.3"}')
    writeFileSync(join(dir, service, 'src/main.ts'), '')
  }
  mkdirSync(join(dir, 'network/dist'))
  writeFileSync(join(dir, 'network/dist/main.js'), '')
  assert.deepEqual(
    findServicePrograms(dir, SERVICES).map(({ args, version }) => [args.at(-1)?.slice(dir.length), version]),
    [
      ['/image-store/src/main.ts', '1.2.3'],
      ['/network/dist/main.js', '1.2.3'],
      ['/runtime/src/main.ts', '1.2.3'],
    ],
  )
  rmSync(join(dir, 'runtime/src'), { recursive: true })
  assert.throws(() => findServicePrograms(dir, SERVICES), /service runtime is not installed/)
})

test('finds what a service said last about its failure', (t) => {
  const file = join(folder(t), 'x.log')
  assert.equal(lastWords(file), '')
  writeFileSync(file, 'node:internal\nTypeError [ERR_X]: broken\n    at x\n')
  assert.equal(lastWords(file), 'TypeError [ERR_X]: broken')
  writeFileSync(file, `${'x'.repeat(50_000)}\n{"level":"fatal","msg":"no disk"}\n{"level":"info","msg":"bye"}\n`)
  assert.equal(lastWords(file), 'no disk')
  const unexpected = { level: 'fatal', reason: 'INTERNAL', msg: 'internal error', cause: 'TypeError: x is y\n    at z' }
  writeFileSync(file, `${JSON.stringify(unexpected)}\n`)
  assert.equal(lastWords(file), 'TypeError: x is y')
})
