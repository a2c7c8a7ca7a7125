import { once } from 'node:events'
import { closeSync, openSync, writeFileSync } from 'node:fs'
import { connect, createServer, type Server, type Socket } from 'node:net'
import { join } from 'node:path'
import { SegmentWriter } from '../log/segment-writer.fixture.ts'
import { MonitorClient } from './client.ts'
import { EXIT_RECORD_BYTES, type ExitRecord, encodeExitRecord } from './exit-record.ts'
import { encodeFrame, FrameDecoder } from './frame.ts'
import { ControlType } from './message.ts'

/** What a connection of a fake monitor has heard. */
export interface FakeConnection {
  readonly socket: Socket
  subscribed: boolean
  pinned: boolean
  acked: number
  stdin: string
  stdinClosed: boolean
  closed: boolean
}

/**
 * Speaks control.h for tests: a log that is written with `write`, an end that is recorded with `exit`, and everything that
 * clients said. No process is behind it.
 */
export class FakeMonitor implements AsyncDisposable {
  readonly stateDir: string
  readonly log: SegmentWriter
  readonly connections: FakeConnection[] = []
  readonly signals: number[] = []
  readonly sizes: [number, number][] = []
  started = false
  onStart: () => void = () => {}
  onStdin: (text: string) => void = () => {}
  onSignal: (signal: number) => void = () => {}
  readonly #server: Server
  /** Keeps a path to the socket that is short enough. */
  readonly #directory: number
  readonly #heard = new EventTarget()

  private constructor(stateDir: string, server: Server) {
    this.stateDir = stateDir
    this.#server = server
    this.#directory = openSync(stateDir, 'r')
    this.log = new SegmentWriter(join(stateDir, 'log'))
    this.log.raw(new Uint8Array(0))
    writeFileSync(join(stateDir, 'exit'), Buffer.alloc(EXIT_RECORD_BYTES))
  }

  /** Listens in a state directory. */
  static async listen(stateDir: string): Promise<FakeMonitor> {
    const monitor = FakeMonitor.spawn(stateDir)
    await once(monitor.#server, 'listening')
    return monitor
  }

  /** The same, at once. */
  static spawn(stateDir: string): FakeMonitor {
    const server = createServer()
    const monitor = new FakeMonitor(stateDir, server)
    server.on('connection', (socket) => monitor.#accept(socket))
    server.listen(monitor.#socketPath)
    return monitor
  }

  /** Connects as the one who spawned it. */
  client(): MonitorClient {
    return new MonitorClient(connect(this.#socketPath))
  }

  /** Tells everybody that it waits to be let go. */
  sayCreated(): void {
    const payload = Buffer.alloc(16)
    payload.writeInt32LE(4_242, 0)
    payload.writeBigUInt64LE(77n, 8)
    this.#sayAll(encodeFrame(ControlType.CREATED, payload))
  }

  /** Tells everybody that the program was executed. */
  sayStarted(): void {
    const payload = Buffer.alloc(24)
    payload.writeInt32LE(4_242, 0)
    payload.writeBigUInt64LE(77n, 8)
    payload.writeBigUInt64LE(1_700_000_000_000_000_000n, 16)
    this.#sayAll(encodeFrame(ControlType.STARTED, payload))
  }

  /** Tells everybody that the launch failed, and ends. */
  async fail(step: number, errno: number, message: string): Promise<void> {
    const payload = Buffer.alloc(8)
    payload.writeUInt32LE(step, 0)
    payload.writeInt32LE(errno, 4)
    this.#sayAll(encodeFrame(ControlType.FAILED, Buffer.concat([payload, Buffer.from(`${message}\0`)])))
    for (const { socket } of this.connections) socket.end()
    await this.#close()
  }

  /** Adds to the log and tells the subscribers. */
  write(text: string | Uint8Array, stream: 'out' | 'err' = 'out'): void {
    this.log[stream](text)
    this.tell()
  }

  /** Tells subscribers where the log ends. */
  tell(): void {
    for (const connection of this.connections) if (connection.subscribed) this.#tellOne(connection)
  }

  /** Records the end, tells everybody, and stops listening. */
  async exit(exitCode: number): Promise<void> {
    const record = encodeExitRecord(exitRecord(exitCode, this.log.end))
    writeFileSync(join(this.stateDir, 'exit'), record)
    for (const { socket } of this.connections)
      if (!socket.destroyed) socket.end(encodeFrame(ControlType.EXITED, record))
    await this.#close()
  }

  /** Ends without a word, as a killed monitor does. */
  async [Symbol.asyncDispose](): Promise<void> {
    for (const { socket } of this.connections) socket.destroy()
    await this.#close()
  }

  /** Drops every connection, and goes on listening. */
  hangUp(): void {
    for (const { socket } of this.connections.splice(0)) socket.destroy()
  }

  /** Resolves once what was heard fulfils a condition. */
  async until(condition: () => boolean): Promise<void> {
    while (!condition())
      await new Promise<void>((resolve) => this.#heard.addEventListener('heard', () => resolve(), { once: true }))
  }

  #sayAll(frame: Buffer): void {
    for (const { socket } of this.connections) if (!socket.destroyed) socket.write(frame)
  }

  get #socketPath(): string {
    return `/proc/self/fd/${this.#directory}/control.sock`
  }

  async #close(): Promise<void> {
    if (!this.#server.listening) return
    await new Promise<void>((resolve) => this.#server.close(() => resolve()))
    closeSync(this.#directory)
  }

  #accept(socket: Socket): void {
    const connection: FakeConnection = {
      socket,
      subscribed: false,
      pinned: false,
      acked: 0,
      stdin: '',
      stdinClosed: false,
      closed: false,
    }
    this.connections.push(connection)
    const decoder = new FrameDecoder()
    socket.on('data', (chunk) => {
      for (const frame of decoder.push(chunk as Buffer)) this.#hear(connection, frame.type, frame.payload)
    })
    socket.on('error', () => {})
    socket.on('close', () => {
      connection.closed = true
      this.#heard.dispatchEvent(new Event('heard'))
    })
    socket.write(this.#hello())
    this.#heard.dispatchEvent(new Event('heard'))
  }

  #hear(connection: FakeConnection, type: number, payload: Buffer): void {
    if (type === ControlType.START) {
      this.started = true
      this.onStart()
    } else if (type === ControlType.SIGNAL) {
      this.signals.push(payload.readUInt32LE(0))
      this.onSignal(payload.readUInt32LE(0))
    } else if (type === ControlType.RESIZE) this.sizes.push([payload.readUInt16LE(0), payload.readUInt16LE(2)])
    else if (type === ControlType.SUBSCRIBE) {
      connection.subscribed = true
      connection.pinned = payload.readUInt32LE(0) === 1
      this.#tellOne(connection)
    } else if (type === ControlType.ACK) connection.acked = payload.readUInt32LE(0)
    else if (type === ControlType.STDIN_CLOSE) connection.stdinClosed = true
    else if (type === ControlType.STDIN) {
      connection.stdin += payload.toString()
      this.onStdin(payload.toString())
    }
    this.#heard.dispatchEvent(new Event('heard'))
  }

  #tellOne(connection: FakeConnection): void {
    const { segment, offset } = this.log.end
    const payload = Buffer.alloc(16)
    payload.writeUInt32LE(segment, 0)
    payload.writeBigUInt64LE(BigInt(offset), 8)
    if (!connection.socket.destroyed) connection.socket.write(encodeFrame(ControlType.LOG, payload))
  }

  #hello(): Buffer {
    const payload = Buffer.alloc(48)
    payload.writeUInt32LE(1, 0)
    payload.writeUInt32LE(3, 4)
    payload.writeInt32LE(4_242, 8)
    payload.writeBigUInt64LE(77n, 16)
    payload.writeUInt32LE(this.log.end.segment, 32)
    payload.writeBigUInt64LE(BigInt(this.log.end.offset), 40)
    return encodeFrame(ControlType.HELLO, payload)
  }
}

/** A record of an end, with the log's last place. */
export function exitRecord(exitCode: number, end: { segment: number; offset: number }): ExitRecord {
  return {
    exitCode,
    signal: exitCode > 128 ? exitCode - 128 : 0,
    oomKilled: false,
    coreDumped: false,
    logSegment: end.segment,
    logBytes: end.offset,
    startedNs: 1_700_000_000_000_000_000n,
    finishedNs: 1_700_000_001_000_000_000n,
    runNs: 1_000_000_000n,
    cpuNs: 5n,
    memoryPeak: 1 << 20,
    oomKills: 0,
    droppedBytes: 0,
  }
}
