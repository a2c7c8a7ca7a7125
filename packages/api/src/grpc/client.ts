import {
  Client,
  type ClientDuplexStream,
  type ClientReadableStream,
  type ClientWritableStream,
  credentials,
  Metadata,
  type ServiceError,
} from '@grpc/grpc-js'
import { CaissonError } from '../error/error.ts'
import type {
  MessageType,
  MethodDefinition,
  Partially,
  RequestOf,
  ResponseOf,
  ServiceDefinition,
} from './definition.ts'
import { wireMethod } from './server.ts'
import { fromServiceError } from './status.ts'

/** What a caller may say about a call. */
export interface CallOptions {
  /** Cancels the call, all the way to what it does in the service. */
  readonly signal?: AbortSignal
  /** Milliseconds until the call is given up. Default: 60 s for one answer, none for streams. 0: none. */
  readonly deadlineMs?: number
  /** Sent as `x-request-id`, and found again in logs and events. */
  readonly requestId?: string
}

type Requests<M extends { requestType: unknown }> = AsyncIterable<Partially<RequestOf<M>>>
type Call<M> = M extends {
  requestType: unknown
  responseType: unknown
  requestStream: infer I
  responseStream: infer O
}
  ? (
      request: I extends true ? Requests<M> : Partially<RequestOf<M>>,
      options?: CallOptions,
    ) => O extends true ? AsyncIterable<ResponseOf<M>> : Promise<ResponseOf<M>>
  : never

/** A client of a service: one async method a call. Failures are the CaissonError that the service threw. */
export type ServiceClient<D extends ServiceDefinition> = { readonly [K in keyof D['methods']]: Call<D['methods'][K]> }

const DEFAULT_DEADLINE_MS = 60_000

/** A connection to one service process. It is made when it is first used, and again whenever it broke. */
export class Channel implements Disposable {
  readonly #client: Client

  /** `address` as gRPC names it: unix:///absolute/path. */
  constructor(address: string) {
    this.#client = new Client(address, credentials.createInsecure(), {
      'grpc.max_receive_message_length': 16 << 20,
      'grpc.max_send_message_length': 16 << 20,
      'grpc.initial_reconnect_backoff_ms': 50,
      'grpc.min_reconnect_backoff_ms': 50,
      'grpc.max_reconnect_backoff_ms': 1_000,
      // Unix sockets: no proxy, no service config.
      'grpc.enable_http_proxy': 0,
      'grpc.service_config_disable_resolution': 1,
    })
  }

  /** A client of one of the services behind this channel. */
  client<D extends ServiceDefinition>(definition: D): ServiceClient<D> {
    const calls: Record<string, unknown> = {}
    for (const [key, method] of Object.entries(definition.methods))
      calls[key] = this.#call(`/${definition.fullName}/${method.name}`, method)
    return calls as ServiceClient<D>
  }

  /** Waits until the service answers. Throws `unavailable` after `timeoutMs`. */
  async ready(timeoutMs: number): Promise<void> {
    await new Promise<void>((resolve, reject) => {
      this.#client.waitForReady(Date.now() + timeoutMs, (error) =>
        error ? reject(new CaissonError('unavailable', `the service does not answer: ${error.message}`)) : resolve(),
      )
    })
  }

  [Symbol.dispose](): void {
    this.#client.close()
  }

  #call(path: string, method: MethodDefinition): (request: never, options?: CallOptions) => unknown {
    const wire = wireMethod(path, method) as WireMethod
    const client = this.#client
    const partial = (value: unknown): unknown =>
      (method.requestType as MessageType<unknown>).fromPartial(value as never)
    if (method.requestStream && method.responseStream)
      return (requests: AsyncIterable<unknown>, options) => {
        const call = start(
          (metadata, extra) =>
            client.makeBidiStreamRequest(path, wire.requestSerialize, wire.responseDeserialize, metadata, extra),
          options,
          0,
        )
        void sendAll(call as unknown as Sink, requests, partial)
        return receiveAll(call)
      }
    if (method.responseStream)
      return (request: unknown, options) =>
        receiveAll(
          start(
            (metadata, extra) =>
              client.makeServerStreamRequest(
                path,
                wire.requestSerialize,
                wire.responseDeserialize,
                partial(request),
                metadata,
                extra,
              ),
            options,
            0,
          ),
        )
    return (request: unknown, options) =>
      new Promise<unknown>((resolve, reject) => {
        const done = (error: ServiceError | null, value?: unknown): void =>
          error ? reject(fromServiceError(error)) : resolve(value)
        const call = start(
          (metadata, extra) =>
            method.requestStream
              ? client.makeClientStreamRequest(
                  path,
                  wire.requestSerialize,
                  wire.responseDeserialize,
                  metadata,
                  extra,
                  done,
                )
              : client.makeUnaryRequest(
                  path,
                  wire.requestSerialize,
                  wire.responseDeserialize,
                  partial(request),
                  metadata,
                  extra,
                  done,
                ),
          options,
          method.requestStream ? 0 : DEFAULT_DEADLINE_MS,
        )
        if (method.requestStream) void sendAll(call as unknown as Sink, request as AsyncIterable<unknown>, partial)
      })
  }
}

interface WireMethod {
  requestSerialize(value: unknown): Buffer
  responseDeserialize(bytes: Buffer): unknown
}
interface Cancellable {
  cancel(): void
  on(event: 'status', listener: () => void): unknown
}
type Sink = ClientDuplexStream<unknown, unknown> | ClientWritableStream<unknown>

function start<C extends Cancellable>(
  make: (metadata: Metadata, extra: { deadline?: number }) => C,
  options: CallOptions | undefined,
  defaultDeadlineMs: number,
): C {
  const signal = options?.signal
  signal?.throwIfAborted()
  const metadata = new Metadata()
  if (options?.requestId !== undefined) metadata.set('x-request-id', options.requestId)
  const deadlineMs = options?.deadlineMs ?? defaultDeadlineMs
  const call = make(metadata, deadlineMs > 0 ? { deadline: Date.now() + deadlineMs } : {})
  if (signal) {
    const cancel = (): void => call.cancel()
    signal.addEventListener('abort', cancel, { once: true })
    call.on('status', () => signal.removeEventListener('abort', cancel))
  }
  return call
}

/** Sends what the caller yields. A source that throws cancels the call; the caller sees it when reading. */
async function sendAll(
  call: Sink,
  requests: AsyncIterable<unknown>,
  partial: (value: unknown) => unknown,
): Promise<void> {
  // One listener for each for the whole call: a long input waits often.
  let over = false
  let wake: () => void = () => {}
  call.on('drain', () => wake())
  call.on('status', () => {
    over = true
    wake()
  })
  try {
    for await (const request of requests) {
      if (over) return
      if (!call.write(partial(request)))
        await new Promise<void>((resolve) => {
          wake = resolve
          if (over) resolve()
        })
    }
    call.end()
  } catch (thrown) {
    call.destroy(CaissonError.from(thrown))
    call.cancel()
  }
}

/** Yields what the service sends; leaving the loop early cancels the call. */
async function* receiveAll(
  call: ClientReadableStream<unknown> | ClientDuplexStream<unknown, unknown>,
): AsyncGenerator<unknown> {
  try {
    for await (const message of call) yield message
  } catch (thrown) {
    throw isServiceError(thrown) ? fromServiceError(thrown) : CaissonError.from(thrown)
  } finally {
    call.cancel()
  }
}

function isServiceError(thrown: unknown): thrown is ServiceError {
  return thrown instanceof Error && 'code' in thrown && typeof thrown.code === 'number' && 'details' in thrown
}
