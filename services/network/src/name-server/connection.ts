import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { decodeReply, type Reply, type ResolverCounters, requests } from './messages.ts'

const HELLO_TIMEOUT_MS = 5_000

/** A connection to the resolver. What is said after its end is lost, and what was asked rejects. */
export class Connection implements Disposable {
  readonly #socket: Socket
  /** Replies come in the order of what asked for them. */
  readonly #asked: PromiseWithResolvers<Reply>[] = []
  #received: Buffer = Buffer.alloc(0)
  #closed = false

  private constructor(socket: Socket) {
    this.#socket = socket
    socket.on('data', (chunk) => this.#receive(chunk as Buffer))
    socket.on('error', () => {})
    socket.on('close', () => this.#end())
  }

  /** Rejects with ENOENT or ECONNREFUSED when nobody listens. */
  static async open(path: string): Promise<Connection> {
    const socket = connect(path)
    await once(socket, 'connect')
    return new Connection(socket)
  }

  get closed(): boolean {
    return this.#closed
  }

  whenClosed(listener: () => void): void {
    this.#socket.once('close', listener)
  }

  /** The build that the resolver is of. */
  async hello(): Promise<string> {
    const late = setTimeout(() => this.#socket.destroy(), HELLO_TIMEOUT_MS)
    try {
      return (await this.#ask('hello', requests.hello())).build
    } finally {
      clearTimeout(late)
    }
  }

  /** Declares a namespace; whether its port is open already. */
  async declare(id: string, token: number): Promise<boolean> {
    return (await this.#ask('state', requests.namespace(id, token))).isOpen
  }

  async counters(): Promise<ResolverCounters> {
    return (await this.#ask('counters', requests.count())).counters
  }

  say(frame: Buffer): void {
    if (!this.#closed) this.#write(frame)
  }

  [Symbol.dispose](): void {
    this.#socket.destroySoon()
  }

  async #ask<T extends Reply['type']>(type: T, frame: Buffer): Promise<Extract<Reply, { type: T }>> {
    if (this.#closed) throw ended()
    const asked = Promise.withResolvers<Reply>()
    this.#asked.push(asked)
    this.#write(frame)
    const reply = await asked.promise
    if (!isOf(reply, type)) throw new Error(`the resolver answers ${reply.type} where ${type} was asked for`)
    return reply
  }

  /** What is said in one go is sent in one, before anything that waits: a container that starts has ten names to say. */
  #write(frame: Buffer): void {
    if (this.#socket.writableCorked === 0) {
      this.#socket.cork()
      queueMicrotask(() => this.#socket.uncork())
    }
    this.#socket.write(frame)
  }

  #receive(chunk: Buffer): void {
    this.#received = Buffer.concat([this.#received, chunk])
    try {
      for (let next = decodeReply(this.#received); next !== undefined; next = decodeReply(this.#received)) {
        this.#received = this.#received.subarray(next.length)
        this.#asked.shift()?.resolve(next.reply)
      }
    } catch {
      this.#socket.destroy()
    }
  }

  #end(): void {
    this.#closed = true
    for (const asked of this.#asked.splice(0)) asked.reject(ended())
  }
}

const ended = (): Error => new Error('the resolver has ended')

const isOf = <T extends Reply['type']>(reply: Reply, type: T): reply is Extract<Reply, { type: T }> =>
  reply.type === type
