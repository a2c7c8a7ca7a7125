import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Logger } from '@caisson/service-kit'
import { hasCode } from '../kernel/netlink-socket.ts'
import type { Forwarder, NameServer, NameView } from '../names/ports.ts'
import { Turns } from '../sandbox/turns.ts'
import { addressBytes } from './address.ts'
import { Connection } from './connection.ts'
import { encodeDomainName } from './domain-name.ts'
import { Memory, type OpenNamespace } from './memory.ts'
import { type ResolverCounters, requests } from './messages.ts'
import { buildOf, builtProgram, startProgram } from './program.ts'
import { handOverSockets, removeRedirect } from './sockets.ts'

export type ResolverOptions = {
  /** The engine's, where the socket of the resolver stands: names.sock. */
  readonly runDir: string
  /** Absent: where the build puts it. */
  readonly program?: string
  readonly log: Logger
}

const FIRST_PAUSE_MS = 50
const LONGEST_PAUSE_MS = 1_000
const OPENED_AT_ONCE = 8
const NO_NAME = Buffer.alloc(0)

/**
 * The name server of all namespaces of an engine: a process (native/resolver) that is started when the first namespace is
 * opened, and outlives this service. It is started anew whenever it ends, and told everything again.
 *
 * A service that starts says again all that holds, and then calls `settle`: until then the resolver keeps what it knows
 * from the former one and answers by it; one that knows nothing yet lets questions wait.
 */
export class Resolver implements NameServer, Disposable {
  readonly #socketPath: string
  readonly #program: string
  readonly #log: Logger
  readonly #memory = new Memory()
  /** The rules inside a namespace are changed by one at a time. */
  readonly #turns = new Turns()
  readonly #disposed = new AbortController()
  #connection: Connection | undefined
  #supervision: Promise<void> | undefined
  #settled = false
  #token = 0

  constructor({ runDir, program, log }: ResolverOptions) {
    this.#socketPath = join(runDir, 'names.sock')
    this.#program = program ?? builtProgram()
    this.#log = log
  }

  /** Rejects with the kernel's error when the namespace is gone (ENOENT) or is none (EINVAL); it is not open then. */
  open(namespaceId: string, path: string): Promise<void> {
    this.#memory.namespaces.get(namespaceId)?.opened.reject(new Error(`the namespace ${namespaceId} is opened anew`))
    const opened = Promise.withResolvers<void>()
    // Who opened it may have left.
    opened.promise.catch(() => {})
    const namespace = { id: namespaceId, path, token: ++this.#token, opened, view: undefined }
    this.#memory.namespaces.set(namespaceId, namespace)
    if (this.#connection !== undefined) void this.#openOn(this.#connection, namespace)
    this.#supervise()
    return opened.promise
  }

  close(namespaceId: string): void {
    const namespace = this.#memory.namespaces.get(namespaceId)
    if (namespace === undefined) return
    this.#memory.namespaces.delete(namespaceId)
    namespace.opened.reject(new Error(`the namespace ${namespaceId} is closed`))
    this.#say(requests.close(namespaceId))
    this.#turns
      .run(namespaceId, () => removeRedirect(namespace.path))
      .catch((error: unknown) => {
        this.#log.warn({ err: error, namespace: namespaceId }, 'rules of the name server stay in a namespace')
      })
  }

  setView(namespaceId: string, view: NameView): void {
    const namespace = this.#memory.namespaces.get(namespaceId)
    if (namespace === undefined) return
    namespace.view = view
    this.#say(requests.view(namespaceId, view))
  }

  /** A name that cannot be asked for in DNS (a label of more than 63 bytes, for instance) is passed over. */
  setName(networkId: string, name: string, addresses: readonly string[]): void {
    const encoded = encodeDomainName(name)
    if (encoded === undefined) return
    const bytes = addresses.map(addressBytes)
    this.#memory.setName(networkId, encoded, bytes)
    this.#say(requests.name(networkId, encoded, bytes))
  }

  setReverse(networkId: string, address: string, name: string | undefined): void {
    const encoded = name === undefined ? NO_NAME : (encodeDomainName(name) ?? NO_NAME)
    const bytes = addressBytes(address)
    this.#memory.setReverse(networkId, bytes, encoded)
    this.#say(requests.reverse(networkId, bytes, encoded))
  }

  forgetNetwork(networkId: string): void {
    this.#memory.forgetNetwork(networkId)
    this.#say(requests.forget(networkId))
  }

  setHostServers(servers: readonly Forwarder[]): void {
    this.#memory.hostServers = servers
    this.#say(requests.host(servers))
  }

  /** All that holds has been said: what the resolver knows beyond it, from a former service, is dropped. */
  settle(): void {
    if (this.#settled) return
    this.#settled = true
    this.#say(requests.end())
    if (this.#connection === undefined) this.#supervise()
  }

  /** What it has done since it was started; undefined while there is none. */
  async counters(): Promise<ResolverCounters | undefined> {
    return this.#connection?.counters()
  }

  /** Leaves the resolver to itself: it answers on, and ends when it has no namespace. */
  [Symbol.dispose](): void {
    this.#disposed.abort()
    this.#connection?.[Symbol.dispose]()
    for (const { id, opened } of this.#memory.namespaces.values())
      opened.reject(new Error(`the namespace ${id} was not opened: the service ends`))
  }

  #say(frame: Buffer): void {
    this.#connection?.say(frame)
  }

  #supervise(): void {
    if (this.#supervision !== undefined || this.#disposed.signal.aborted) return
    this.#supervision = this.#keepConnected().finally(() => {
      this.#supervision = undefined
      // Opened while it ended.
      if (this.#memory.namespaces.size > 0) this.#supervise()
    })
  }

  /** Until nothing is open any more, or the service ends. */
  async #keepConnected(): Promise<void> {
    for (let pause = FIRST_PAUSE_MS; !this.#disposed.signal.aborted; pause = Math.min(pause * 2, LONGEST_PAUSE_MS)) {
      try {
        const connection = await this.#connect()
        if (connection === undefined) return
        const since = performance.now()
        await this.#serveOver(connection)
        if (performance.now() - since > LONGEST_PAUSE_MS) pause = FIRST_PAUSE_MS
        if (!this.#disposed.signal.aborted && this.#memory.namespaces.size > 0)
          this.#log.warn('the resolver of containers has ended: it is started anew')
      } catch (error) {
        this.#log.error({ err: error }, 'the resolver of containers cannot be started: it is tried again')
      }
      await sleep(pause, undefined, { signal: this.#disposed.signal }).catch(() => {})
    }
  }

  /** To the resolver that listens, or a new one when it is of another build. Undefined: none, and none is needed. */
  async #connect(): Promise<Connection | undefined> {
    const build = await buildOf(this.#program)
    const standing = await connectTo(this.#socketPath, build)
    if (standing !== undefined) return standing
    if (this.#memory.namespaces.size === 0) return undefined
    await startProgram(this.#program, this.#socketPath, build)
    const started = await connectTo(this.#socketPath, build)
    if (started === undefined) throw new Error('it has ended already')
    return started
  }

  /** Until the connection ends. */
  async #serveOver(connection: Connection): Promise<void> {
    const closed = new Promise<void>((resolve) => connection.whenClosed(resolve))
    if (this.#disposed.signal.aborted) return connection[Symbol.dispose]()
    this.#connection = connection
    connection.say(requests.begin())
    for (const frame of this.#memory.names()) connection.say(frame)
    const opening = this.#openAll(connection, [...this.#memory.namespaces.values()])
    await closed
    this.#connection = undefined
    await opening
  }

  /** Ends the round of saying everything when all namespaces are declared, which is before they are opened. */
  async #openAll(connection: Connection, namespaces: readonly OpenNamespace[]): Promise<void> {
    const declared = namespaces.map((namespace) => ({ namespace, isOpen: this.#declare(connection, namespace) }))
    if (this.#settled) connection.say(requests.end())
    const left = declared.values()
    const work = async (): Promise<void> => {
      for (const { namespace, isOpen } of left) await this.#finishOpening(connection, namespace, isOpen)
    }
    await Promise.all(Array.from({ length: OPENED_AT_ONCE }, work))
  }

  #declare(connection: Connection, { id, token, view }: OpenNamespace): Promise<boolean> {
    const isOpen = connection.declare(id, token)
    isOpen.catch(() => {})
    if (view !== undefined) connection.say(requests.view(id, view))
    return isOpen
  }

  #openOn(connection: Connection, namespace: OpenNamespace): Promise<void> {
    return this.#finishOpening(connection, namespace, this.#declare(connection, namespace))
  }

  async #finishOpening(connection: Connection, namespace: OpenNamespace, isOpen: Promise<boolean>): Promise<void> {
    const { id, opened } = namespace
    try {
      if (!(await isOpen)) await this.#turns.run(id, () => this.#handOver(namespace))
      opened.resolve()
    } catch (error) {
      // With a connection that has ended it is tried again on the next one.
      if (connection.closed || this.#memory.namespaces.get(id) !== namespace) return
      if (isOfResolver(error)) return connection[Symbol.dispose]()
      this.#memory.namespaces.delete(id)
      connection.say(requests.close(id))
      opened.reject(error)
      this.#log.warn({ err: error, namespace: id }, 'a namespace has no name server')
    }
  }

  async #handOver(namespace: OpenNamespace): Promise<void> {
    const { id, path, token } = namespace
    if (this.#memory.namespaces.get(id) !== namespace) return
    await handOverSockets(path, this.#socketPath, requests.sockets(id, token))
  }
}

/** It was not the namespace that failed, but handing its sockets over. */
const isOfResolver = (error: unknown): boolean =>
  error instanceof Error && 'syscall' in error && ['connect', 'sendmsg', 'recv'].includes(String(error.syscall))

/** Undefined: nobody listens, or one of another build. */
async function connectTo(socketPath: string, build: string): Promise<Connection | undefined> {
  let connection: Connection
  try {
    connection = await Connection.open(socketPath)
  } catch (error) {
    if (hasCode(error, 'ENOENT', 'ECONNREFUSED')) return undefined
    throw error
  }
  // One that says nothing hangs.
  const spoken = await connection.hello().catch(() => undefined)
  if (spoken === build) return connection
  connection[Symbol.dispose]()
  return undefined
}
