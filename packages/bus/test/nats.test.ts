import assert from 'node:assert/strict'
import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { connect, createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { type BusConfig, type BusItem, busConfig, connectNats, natsBus, startRelay } from '@caisson/bus'
import { EventLog, eventMigrations, Store } from '@caisson/service-kit'

const missing = spawnSync('nats-server', ['--version']).error ? "needs Debian's package nats-server" : false

let dir: string
let port: number
let config: BusConfig
let server: ChildProcess | undefined
let log: EventLog
let stack: AsyncDisposableStack

async function freePort(): Promise<number> {
  const probe = createServer().listen(0, '127.0.0.1')
  await once(probe, 'listening')
  const address = probe.address()
  probe.close()
  if (address === null || typeof address === 'string') throw new Error('no port')
  return address.port
}

async function startServer(): Promise<void> {
  server = spawn('nats-server', ['-a', '127.0.0.1', '-p', String(port), '-js', '-sd', join(dir, 'nats')], {
    stdio: 'ignore',
  })
  for (let i = 0; i < 200; i++) {
    const up = await new Promise<boolean>((resolve) => {
      const socket = connect(port, '127.0.0.1', () => {
        socket.destroy()
        resolve(true)
      }).on('error', () => resolve(false))
    })
    if (up) return
    await sleep(25)
  }
  throw new Error('nats-server does not answer')
}

async function killServer(): Promise<void> {
  if (!server) return
  const gone = once(server, 'exit')
  server.kill('SIGKILL')
  await gone
  server = undefined
}

beforeEach(async () => {
  stack = new AsyncDisposableStack()
  dir = mkdtempSync(join(tmpdir(), 'csn-bus-'))
  stack.defer(() => rmSync(dir, { recursive: true, force: true }))
  stack.defer(killServer)
  port = await freePort()
  config = busConfig.unwrap().parse({ servers: [`127.0.0.1:${port}`] })
  log = openLog('a.db')
})

afterEach(() => stack.disposeAsync())

function openLog(file: string): EventLog {
  const store = stack.use(new Store(join(dir, file), eventMigrations))
  return new EventLog(store, { service: 'runtime', hostName: 'host.a', retention: 10_000 })
}

function relay(): AsyncDisposable {
  return stack.use(startRelay(config, log, { failed: () => {} }))
}

function append(count: number): void {
  for (let i = 0; i < count; i++) log.append({ type: 'container.started', subject: { kind: 'container', id: 'c1' } })
}

async function read(count: number, since?: { log: string; sequence: number }): Promise<number[]> {
  const connection = await connectNats(config)
  const sequences: number[] = []
  try {
    const options = {
      from: 'oldest',
      signal: AbortSignal.timeout(15_000),
      ...(since ? { since: [since] } : {}),
    } as const
    for await (const item of natsBus(connection, config).watch(options)) {
      sequences.push(sequenceOf(item))
      if (sequences.length === count) break
    }
  } finally {
    await connection.close()
  }
  return sequences
}

function sequenceOf(item: BusItem): number {
  return 'event' in item ? item.event.sequence : -1
}

function upTo(count: number): number[] {
  return Array.from({ length: count }, (_, index) => index + 1)
}

test('publishes a log in order, what was there and what comes', { skip: missing, timeout: 30_000 }, async () => {
  await startServer()
  append(100)
  relay()
  assert.deepEqual(await read(100), upTo(100))
  append(50)
  assert.deepEqual(await read(150), upTo(150))
})

test('starts without NATS, queues, and delivers when it comes', { skip: missing, timeout: 30_000 }, async () => {
  relay()
  append(20)
  await sleep(300)
  await startServer()
  assert.deepEqual(await read(20), upTo(20))
})

test('loses and doubles nothing when NATS is killed again and again', { skip: missing, timeout: 60_000 }, async () => {
  await startServer()
  relay()
  for (let round = 0; round < 3; round++) {
    append(100)
    await sleep(30)
    await killServer()
    append(100)
    await startServer()
  }
  assert.deepEqual(await read(600), upTo(600))
})

test('goes on behind what is stored when the relay is started again', { skip: missing, timeout: 30_000 }, async () => {
  await startServer()
  append(10)
  const first = relay()
  await read(10)
  await first[Symbol.asyncDispose]()
  append(10)
  relay()
  assert.deepEqual(await read(20), upTo(20))
})

test('lets a reader go on from its cursor', { skip: missing, timeout: 30_000 }, async () => {
  await startServer()
  append(10)
  relay()
  await read(10)
  assert.deepEqual(await read(3, { log: log.name, sequence: 7 }), [8, 9, 10])
})
