import { chmodSync } from 'node:fs'
import {
  type handleBidiStreamingCall,
  type handleUnaryCall,
  Server,
  ServerCredentials,
  type ServerDuplexStream,
  type ServerReadableStream,
  type ServerUnaryCall,
  type ServerWritableStream,
  type UntypedServiceImplementation,
} from '@grpc/grpc-js'
import { CaissonError, unavailable } from '../error/error.ts'
import type {
  MessageType,
  MethodDefinition,
  Partially,
  RequestOf,
  ResponseOf,
  ServiceDefinition,
} from './definition.ts'
import { toStatus } from './status.ts'

/** What a handler knows of its call. */
export interface CallContext {
  /** Aborted when the client is gone, its deadline is over, or the server stops. */
  readonly signal: AbortSignal
  /** package.Service/Method */
  readonly method: string
  /** Metadata `x-request-id`, or one that was made up. */
  readonly requestId: string
}

type Handler<M> = M extends {
  requestType: unknown
  responseType: unknown
  requestStream: infer I
  responseStream: infer O
}
  ? (
      request: I extends true ? AsyncIterable<RequestOf<M>> : RequestOf<M>,
      context: CallContext,
    ) => O extends true ? AsyncIterable<Partially<ResponseOf<M>>> : Promise<Partially<ResponseOf<M>>>
  : never

/** The handlers of a service, one a method; the compiler sees to it that none is missing. */
export type Handlers<D extends ServiceDefinition> = { readonly [K in keyof D['methods']]: Handler<D['methods'][K]> }

/** Told of every call that ended: for logs and metrics. `error` is set when it failed. */
export interface CallObserver {
  ended(call: { method: string; requestId: string; durationMs: number; error?: CaissonError }): void
}

interface AnyCall extends EventEmitterLike {
  readonly metadata: { get(key: string): (string | Buffer)[] }
  readonly cancelled: boolean
}
interface EventEmitterLike {
  on(event: 'cancelled', listener: () => void): unknown
}

/** No keepalive: the kernel tells at once when the other end of a unix socket is gone, and one that was stopped goes on. */
const GRPC_OPTIONS = {
  'grpc.max_receive_message_length': 16 << 20,
  'grpc.max_send_message_length': 16 << 20,
}

/** Why a call's signal is aborted. Made once: an error with its stack costs more than many a call. */
const CLIENT_GONE = new CaissonError('cancelled', 'the client went away')
const CALL_OVER = new CaissonError('cancelled', 'the call is over')
const STOPPING = unavailable('STOPPING', 'the service is stopping: try again')

/** A gRPC server on a unix socket. Register services, then listen. */
export class RpcServer {
  readonly #server = new Server(GRPC_OPTIONS)
  readonly #observer: CallObserver
  readonly #calls = new Set<AbortController>()
  #stopped = false

  constructor(observer: CallObserver) {
    this.#observer = observer
  }

  /** Serves a service with its handlers. */
  register<D extends ServiceDefinition>(definition: D, handlers: Handlers<D>): void {
    const untyped = handlers as Readonly<Record<string, (request: unknown, context: CallContext) => unknown>>
    const methods: Record<string, object> = {}
    const implementation: UntypedServiceImplementation = {}
    for (const [key, method] of Object.entries(definition.methods)) {
      const handler = untyped[key]
      if (!handler) throw new Error(`${definition.fullName} has no handler for ${key}`)
      const path = `/${definition.fullName}/${method.name}`
      methods[key] = wireMethod(path, method)
      implementation[key] = this.#adapt(path.slice(1), method, handler)
    }
    this.#server.addService(methods as never, implementation)
  }

  /** The server underneath, for services that bring their own registration (reflection). */
  get raw(): Server {
    return this.#server
  }

  /** Listens on a unix socket that only its owner and group can open (0660). */
  async listenUnix(path: string): Promise<void> {
    await new Promise<void>((resolve, reject) => {
      this.#server.bindAsync(`unix://${path}`, ServerCredentials.createInsecure(), (error) =>
        error
          ? reject(unavailable('SOCKET', `cannot listen on ${path}: ${error.message}`, { cause: error }))
          : resolve(),
      )
    })
    chmodSync(path, 0o660)
  }

  /** Ends streams, lets calls finish for `graceMs`, then cuts them off. */
  async stop(graceMs: number): Promise<void> {
    this.#stopped = true
    for (const call of this.#calls) call.abort(STOPPING)
    await new Promise<void>((resolve) => {
      const timer = setTimeout(() => this.#server.forceShutdown(), graceMs)
      this.#server.tryShutdown(() => {
        clearTimeout(timer)
        resolve()
      })
    })
  }

  #adapt(path: string, method: MethodDefinition, handler: (request: unknown, context: CallContext) => unknown): never {
    const run = async (
      call: AnyCall,
      requestOf: (over: AbortSignal) => unknown,
      answer: (result: unknown) => Promise<void>,
    ): Promise<CaissonError | undefined> => {
      const started = performance.now()
      const ending = new AbortController()
      this.#calls.add(ending)
      if (this.#stopped) ending.abort(STOPPING)
      call.on('cancelled', () => ending.abort(CLIENT_GONE))
      const { signal } = ending
      const requestId = String(call.metadata.get('x-request-id')[0] ?? crypto.randomUUID())
      let error: CaissonError | undefined
      try {
        await answer(handler(requestOf(signal), { signal, method: path, requestId }))
      } catch (thrown) {
        error = CaissonError.from(thrown)
      } finally {
        this.#calls.delete(ending)
        ending.abort(CALL_OVER)
      }
      this.#observer.ended({
        method: path,
        requestId,
        durationMs: performance.now() - started,
        ...(error ? { error } : {}),
      })
      return error
    }
    const responses = method.responseType as MessageType<unknown>
    const partial = (value: unknown): unknown => responses.fromPartial(value as never)

    if (method.responseStream) {
      const stream = (call: ServerWritableStream<unknown, unknown> | ServerDuplexStream<unknown, unknown>): void => {
        const requestOf = (over: AbortSignal): unknown =>
          method.requestStream
            ? requestsOf(call as ServerDuplexStream<unknown, unknown>, over)
            : (call as ServerWritableStream<unknown, unknown>).request
        void run(call, requestOf, (result) => writeAll(call, result as AsyncIterable<unknown>, partial)).then(
          (error) => {
            if (error) call.emit('error', toStatus(error))
            else call.end()
          },
        )
      }
      return stream as unknown as handleBidiStreamingCall<unknown, unknown> as never
    }
    const unary = (
      call: ServerUnaryCall<unknown, unknown> | ServerReadableStream<unknown, unknown>,
      callback: Parameters<handleUnaryCall<unknown, unknown>>[1],
    ): void => {
      const requestOf = (over: AbortSignal): unknown =>
        method.requestStream
          ? requestsOf(call as ServerReadableStream<unknown, unknown>, over)
          : (call as ServerUnaryCall<unknown, unknown>).request
      let response: unknown
      void run(call, requestOf, async (result) => {
        response = partial(await result)
      }).then((error) => (error ? callback(toStatus(error)) : callback(null, response)))
    }
    return unary as never
  }
}

/**
 * What the client sends, until the call is over. That it has sent its last, or that nobody reads on, does not end the call;
 * the iterator of the stream itself would, when the call fails while it waits.
 */
async function* requestsOf(
  call: ServerReadableStream<unknown, unknown> | ServerDuplexStream<unknown, unknown>,
  over: AbortSignal,
): AsyncGenerator<unknown> {
  let isEnded = false
  let wake = (): void => {}
  const news = (): void => wake()
  const end = (): void => {
    isEnded = true
    wake()
  }
  call.on('readable', news).on('end', end).on('close', end)
  over.addEventListener('abort', news)
  try {
    for (;;) {
      over.throwIfAborted()
      const message: unknown = call.read()
      if (message !== null) yield message
      else if (isEnded) return
      else await new Promise<void>((resolve) => (wake = resolve))
    }
  } finally {
    call.off('readable', news).off('end', end).off('close', end)
    over.removeEventListener('abort', news)
  }
}

/** Writes what the handler yields and waits whenever the client does not keep up. */
async function writeAll(
  call: ServerWritableStream<unknown, unknown> | ServerDuplexStream<unknown, unknown>,
  items: AsyncIterable<unknown>,
  partial: (value: unknown) => unknown,
): Promise<void> {
  for await (const item of items) {
    if (call.cancelled) return
    if (!call.write(partial(item))) await drained(call as ServerWritableStream<unknown, unknown>)
  }
}

function drained(call: ServerWritableStream<unknown, unknown>): Promise<void> {
  return new Promise((resolve) => {
    const done = (): void => {
      call.off('drain', done)
      call.off('cancelled', done)
      call.off('close', done)
      resolve()
    }
    call.on('drain', done)
    call.on('cancelled', done)
    call.on('close', done)
    if (call.cancelled) done()
  })
}

/** A method as grpc-js wants it: path, flags and four functions. */
export function wireMethod(path: string, method: MethodDefinition): object {
  const request = method.requestType as MessageType<unknown>
  const response = method.responseType as MessageType<unknown>
  return {
    path,
    requestStream: method.requestStream,
    responseStream: method.responseStream,
    requestSerialize: (value: unknown) => Buffer.from(request.encode(value).finish()),
    requestDeserialize: (bytes: Buffer) => request.decode(bytes),
    responseSerialize: (value: unknown) => Buffer.from(response.encode(value).finish()),
    responseDeserialize: (bytes: Buffer) => response.decode(bytes),
  }
}
