import assert from 'node:assert/strict'
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { createServer, type Server, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, test } from 'node:test'
import { CaissonError } from '@caisson/api'
import { connectMonitor } from './client.ts'
import { type ExitRecord, encodeExitRecord } from './exit-record.ts'
import { encodeFrame, FrameDecoder } from './frame.ts'
import { ControlType, type MonitorEvent } from './message.ts'

const record: ExitRecord = {
  exitCode: 137,
  signal: 9,
  oomKilled: true,
  coreDumped: false,
  logSegment: 3,
  logBytes: 4_096,
  startedNs: 1_700_000_000_000_000_000n,
  finishedNs: 1_700_000_001_000_000_000n,
  runNs: 1_000_000_000n,
  cpuNs: 5n,
  memoryPeak: 1 << 20,
  oomKills: 1,
  droppedBytes: 0,
}

function hello(state: number, pid = 42): Buffer {
  const payload = Buffer.alloc(48)
  payload.writeUInt32LE(1, 0)
  payload.writeUInt32LE(state, 4)
  payload.writeInt32LE(pid, 8)
  payload.writeBigUInt64LE(77n, 16)
  payload.writeBigUInt64LE(record.startedNs, 24)
  payload.writeUInt32LE(1, 32)
  payload.writeBigUInt64LE(10n, 40)
  return encodeFrame(ControlType.HELLO, payload)
}

/** The next events up to `closed`. */
function all(client: Awaited<ReturnType<typeof connectMonitor>>): Promise<MonitorEvent[]> {
  return new Promise((resolve) => {
    const events: MonitorEvent[] = []
    client.on((event) => {
      events.push(event)
      if (event.type === 'closed') resolve(events)
    })
  })
}

describe('a monitor connection', () => {
  let root: string
  let stateDir: string
  let server: Server
  let greet: (socket: Socket) => void

  beforeEach(async () => {
    root = mkdtempSync(join(tmpdir(), 'caisson-monitor-'))
    // Longer than a socket's path may be.
    stateDir = join(root, 'd'.repeat(200))
    mkdirSync(stateDir)
    server = createServer((socket) => greet(socket))
    const before = process.cwd()
    process.chdir(stateDir)
    await new Promise<void>((resolve) => server.listen('control.sock', resolve))
    process.chdir(before)
  })
  afterEach(() => {
    server.close()
    rmSync(root, { recursive: true })
  })

  test('keeps events that come with the hello for the first listener', async () => {
    greet = (socket) => {
      socket.write(Buffer.concat([hello(3), encodeFrame(ControlType.EXITED, encodeExitRecord(record))]))
      socket.end()
    }
    const client = await connectMonitor(stateDir)
    assert.equal(client.hello?.state, 'running')
    assert.equal(client.hello?.startTime, 77n)
    const events = await all(client)
    assert.deepEqual(
      events.map(({ type }) => type),
      ['hello', 'exited', 'closed'],
    )
    assert.deepEqual(events[1], { type: 'exited', record })
  })

  test('reads frames that come in pieces, and skips types it does not know', async () => {
    const stream = Buffer.concat([
      hello(2),
      encodeFrame(9_999, Buffer.from('x')),
      encodeFrame(ControlType.OOM, Buffer.from([2, 0, 0, 0, 0, 0, 0, 0])),
    ])
    greet = async (socket) => {
      for (const byte of stream) {
        socket.write(Buffer.from([byte]))
        await new Promise((resolve) => setImmediate(resolve))
      }
      socket.end()
    }
    const events = await all(await connectMonitor(stateDir))
    assert.deepEqual(events.slice(1), [{ type: 'oom', kills: 2 }, { type: 'closed' }])
  })

  test('ends with an error when a frame breaks its shape', async () => {
    greet = (socket) => {
      socket.write(Buffer.concat([hello(3), encodeFrame(ControlType.LOG, Buffer.alloc(3))]))
    }
    const events = await all(await connectMonitor(stateDir))
    const last = events.at(-1)
    assert.ok(last?.type === 'closed' && last.error?.name === 'FrameError')
  })

  test('sends commands as frames, and cuts long input', async () => {
    const decoder = new FrameDecoder()
    const frames: { type: number; length: number }[] = []
    const done = Promise.withResolvers<void>()
    greet = (socket) => {
      socket.write(hello(3))
      socket.on('data', (chunk) => {
        for (const { type, payload } of decoder.push(chunk as Buffer)) frames.push({ type, length: payload.length })
      })
      socket.on('end', () => done.resolve())
    }
    const client = await connectMonitor(stateDir)
    client.signal(15, true)
    client.resize(30, 120)
    client.subscribe(true)
    client.ack(4)
    client.letGo()
    await client.stdin(Buffer.alloc(70_000))
    client.stdinClose()
    client.close()
    await done.promise
    assert.deepEqual(frames, [
      { type: ControlType.SIGNAL, length: 8 },
      { type: ControlType.RESIZE, length: 4 },
      { type: ControlType.SUBSCRIBE, length: 4 },
      { type: ControlType.ACK, length: 4 },
      { type: ControlType.LET_GO, length: 0 },
      { type: ControlType.STDIN, length: 65_536 },
      { type: ControlType.STDIN, length: 70_000 - 65_536 },
      { type: ControlType.STDIN_CLOSE, length: 0 },
    ])
  })

  test('says that the monitor is gone when nobody listens', async () => {
    await assert.rejects(
      connectMonitor(root),
      (error) => error instanceof CaissonError && error.reason === 'MONITOR_GONE',
    )
    await assert.rejects(
      connectMonitor(join(root, 'missing')),
      (error) => error instanceof CaissonError && error.reason === 'MONITOR_GONE',
    )
  })

  test('gives up when the monitor hangs up before its hello, and when it is told to', async () => {
    greet = (socket) => socket.end()
    await assert.rejects(connectMonitor(stateDir), { reason: 'MONITOR_GONE' })
    greet = () => {}
    await assert.rejects(connectMonitor(stateDir, AbortSignal.timeout(20)), { name: 'TimeoutError' })
  })
})
