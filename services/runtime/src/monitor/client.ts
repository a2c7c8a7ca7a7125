import { closeSync, constants, openSync } from 'node:fs'
import { connect, Socket } from 'node:net'
import { CaissonError, unavailable } from '@caisson/api'
import { FrameDecoder, MAX_PAYLOAD } from './frame.ts'
import { CONTROL_VERSION, commands, decodeMessage, type MonitorEvent, type MonitorHello } from './message.ts'

/** Why a monitor cannot be talked to: nobody listens any more. */
export const MONITOR_GONE = 'MONITOR_GONE'

/** Milliseconds a monitor has to say hello. */
const HELLO_TIMEOUT_MS = 5_000

/**
 * One control connection to the monitor of a container or of an exec. Several may be open at once; none of them can
 * disturb the container.
 *
 * Events that come before the first listener are kept for it. `closed` is always the last event, and comes exactly once.
 * A method called on a closed connection does nothing: who needs an answer waits for the event.
 */
export class MonitorClient {
  readonly #socket: Socket
  readonly #decoder = new FrameDecoder()
  readonly #listeners = new Set<(event: MonitorEvent) => void>()
  #early: MonitorEvent[] | undefined = []
  #hello: MonitorHello | undefined
  #closed = false
  #error: Error | undefined
  readonly #ready = Promise.withResolvers<MonitorHello>()

  /** Talks over a connected unix socket, and owns it. Use connectMonitor, or adoptMonitor for a monitor just spawned. */
  constructor(socket: Socket) {
    this.#socket = socket
    // Who does not ask for it need not be told that it never came.
    this.#ready.promise.catch(() => {})
    socket.on('data', (chunk) => this.#received(chunk as Buffer))
    socket.on('error', (error) => this.#fail(error))
    socket.on('close', () => this.#ended())
  }

  /** The first word of the monitor; undefined until the event `hello`. */
  get hello(): MonitorHello | undefined {
    return this.#hello
  }

  /** Resolves with the hello, rejects (MONITOR_GONE) when the connection ends before. Takes no event from a listener. */
  ready(): Promise<MonitorHello> {
    return this.#ready.promise
  }

  get closed(): boolean {
    return this.#closed
  }

  /** Calls `listener` with every event. Returns what takes it off again. */
  on(listener: (event: MonitorEvent) => void): () => void {
    this.#listeners.add(listener)
    const early = this.#early
    this.#early = undefined
    for (const event of early ?? []) listener(event)
    return () => this.#listeners.delete(listener)
  }

  /** Calls `listener` when the connection is over. Takes no event from a listener. */
  whenClosed(listener: () => void): void {
    this.#socket.on('close', listener)
  }

  /** Lets a process that waits at the barrier go on. */
  start(): void {
    this.#send(commands.start())
  }

  /** Sends a signal to the main process, or to every process of the container. */
  signal(signal: number, everyProcess = false): void {
    this.#send(commands.signal(signal, everyProcess))
  }

  /** Sets the size of the terminal. */
  resize(rows: number, columns: number): void {
    this.#send(commands.resize(rows, columns))
  }

  /** Asks for `log` events, and for `oom`; one `log` comes at once. Pinned: see `ack`. */
  subscribe(pin = false): void {
    this.#send(commands.subscribe(pin))
  }

  /** A pinned reader is done with every segment before this one: rotation may drop them. */
  ack(segment: number): void {
    this.#send(commands.ack(segment))
  }

  /** Output that is held (PLAN_LOG_HELD) is not any more, for nobody is going to follow it. */
  letGo(): void {
    this.#send(commands.letGo())
  }

  /**
   * Sends input of any length. Resolves when the kernel has taken it: a process that does not read holds the caller back.
   * A connection with input in flight is not read by the monitor: use one of its own for input.
   */
  async stdin(bytes: Uint8Array): Promise<void> {
    for (let offset = 0; offset < bytes.length && !this.#closed; offset += MAX_PAYLOAD)
      if (!this.#send(commands.stdin(bytes.subarray(offset, offset + MAX_PAYLOAD)))) await this.#drained()
  }

  /** Says that no more input comes. */
  stdinClose(): void {
    this.#send(commands.stdinClose())
  }

  /** Ends this connection; the container does not notice. What was sent before still arrives. */
  close(): void {
    if (!this.#closed) this.#socket.destroySoon()
  }

  #send(frame: Buffer): boolean {
    return this.#closed || !this.#socket.writable || this.#socket.write(frame)
  }

  #drained(): Promise<void> {
    return new Promise((resolve) => {
      const done = (): void => {
        this.#socket.off('drain', done)
        this.#socket.off('close', done)
        resolve()
      }
      this.#socket.on('drain', done)
      this.#socket.on('close', done)
      if (this.#closed) done()
    })
  }

  #received(chunk: Buffer): void {
    try {
      for (const frame of this.#decoder.push(chunk)) {
        const event = decodeMessage(frame)
        if (event) this.#emit(event)
      }
    } catch (thrown) {
      this.#fail(thrown instanceof Error ? thrown : new Error(String(thrown)))
      this.#socket.destroy()
    }
  }

  #emit(event: MonitorEvent): void {
    if (event.type === 'hello') this.#greeted(event)
    if (this.#early) this.#early.push(event)
    else for (const listener of [...this.#listeners]) listener(event)
  }

  #greeted(hello: MonitorHello): void {
    this.#hello = hello
    this.#ready.resolve(hello)
  }

  #fail(error: Error): void {
    this.#error ??= error
  }

  #ended(): void {
    if (this.#closed) return
    this.#closed = true
    this.#ready.reject(unavailable(MONITOR_GONE, 'the monitor hung up', { cause: this.#error }))
    this.#emit(this.#error ? { type: 'closed', error: this.#error } : { type: 'closed' })
  }
}

/** Takes over the first control connection of a monitor that was just spawned. */
export function adoptMonitor(fd: number): MonitorClient {
  return new MonitorClient(new Socket({ fd, readable: true, writable: true }))
}

/**
 * Connects to the monitor of a state directory and waits for its hello. `unavailable` with reason MONITOR_GONE when no
 * monitor listens there, which is how one that ended is told; other errors are the host's. Paths of any length work: the
 * socket is reached through a descriptor of its directory.
 */
export async function connectMonitor(stateDir: string, signal?: AbortSignal): Promise<MonitorClient> {
  signal?.throwIfAborted()
  const socket = await dial(stateDir)
  const client = new MonitorClient(socket)
  try {
    await awaitHello(client, stateDir, signal)
    return client
  } catch (error) {
    client.close()
    throw error
  }
}

async function dial(stateDir: string): Promise<Socket> {
  let directory: number
  try {
    directory = openSync(stateDir, constants.O_DIRECTORY | constants.O_RDONLY)
  } catch (cause) {
    throw dialError(stateDir, cause)
  }
  try {
    return await new Promise<Socket>((resolve, reject) => {
      const socket = connect({ path: `/proc/self/fd/${directory}/control.sock` })
      const refused = (cause: Error): void => reject(dialError(stateDir, cause))
      socket.once('error', refused)
      socket.once('connect', () => {
        socket.off('error', refused)
        resolve(socket)
      })
    })
  } finally {
    closeSync(directory)
  }
}

function dialError(stateDir: string, cause: unknown): CaissonError {
  const code = cause instanceof Error && 'code' in cause ? cause.code : undefined
  if (code === 'ENOENT' || code === 'ECONNREFUSED' || code === 'ECONNRESET')
    return unavailable(MONITOR_GONE, `no monitor listens in ${stateDir}`, { cause })
  if (code === 'EAGAIN')
    return unavailable('MONITOR_BUSY', 'too many clients are connected to the container: close some', { cause })
  return CaissonError.from(cause)
}

async function awaitHello(client: MonitorClient, stateDir: string, signal: AbortSignal | undefined): Promise<void> {
  const timeout = AbortSignal.timeout(HELLO_TIMEOUT_MS)
  const stop = signal ? AbortSignal.any([signal, timeout]) : timeout
  const stopped = Promise.withResolvers<never>()
  const abort = (): void =>
    stopped.reject(
      signal?.aborted ? signal.reason : unavailable(MONITOR_GONE, `the monitor in ${stateDir} does not answer`),
    )
  stop.addEventListener('abort', abort)
  try {
    const hello = await Promise.race([client.ready(), stopped.promise])
    if (hello.version > CONTROL_VERSION)
      throw unavailable(
        'MONITOR_TOO_NEW',
        `the monitor in ${stateDir} speaks version ${hello.version} of its protocol, this service ${CONTROL_VERSION}: run the newer service`,
      )
  } finally {
    stop.removeEventListener('abort', abort)
  }
}
