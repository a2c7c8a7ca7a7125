import type { Socket } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { CaissonError, invalid, receivedChunks } from '@caisson/api'
import type { ByteSocket, ByteSockets } from '@caisson/service-kit'

/** How long a connection that was made may wait to be taken. */
const ACCEPT_TIMEOUT_MS = 10_000

interface UploadMessage<O> {
  item?:
    | { $case: 'options'; value: O }
    | { $case: 'chunk'; value: Buffer }
    | { $case: 'sent'; value: number }
    | undefined
}

/** The options of an upload, which are its first message, and the bytes behind them. */
export async function openUpload<O>(
  requests: AsyncIterable<UploadMessage<O>>,
): Promise<{ options: O; chunks: AsyncIterable<Buffer> }> {
  const iterator = requests[Symbol.asyncIterator]()
  const options = await optionsOf(iterator)
  return { options, chunks: receivedChunks(iterator) }
}

/** An upload whose bytes may come by a socket: the client is told its `path`, if it asked for one. */
export interface SocketUpload<O> extends Disposable {
  readonly options: O
  readonly path: string | undefined
  readonly chunks: AsyncIterable<Buffer>
}

/** `openUpload` for options that may ask for a socket. The client uses it or not. */
export async function openSocketUpload<O extends { readonly overSocket: boolean }>(
  requests: AsyncIterable<UploadMessage<O>>,
  sockets: ByteSockets,
  acceptTimeoutMs = ACCEPT_TIMEOUT_MS,
): Promise<SocketUpload<O>> {
  const iterator = requests[Symbol.asyncIterator]()
  const options = await optionsOf(iterator)
  const socket = options.overSocket ? await sockets.open() : undefined
  return {
    options,
    path: socket?.path,
    chunks: socket ? socketChunks(iterator, socket, acceptTimeoutMs) : receivedChunks(iterator),
    [Symbol.dispose]: () => socket?.[Symbol.dispose](),
  }
}

type Messages<O> = AsyncIterator<UploadMessage<O>>

async function optionsOf<O>(iterator: Messages<O>): Promise<O> {
  const first = await iterator.next()
  const item = first.done ? undefined : first.value.item
  if (item?.$case !== 'options') throw invalid('the first message must be the options', { reason: 'OPTIONS_MISSING' })
  return item.value
}

async function* socketChunks<O>(
  iterator: Messages<O>,
  socket: ByteSocket,
  acceptTimeoutMs: number,
): AsyncGenerator<Buffer> {
  const next = iterator.next()
  // Its failure is met where it is awaited.
  next.catch(() => {})
  const connection = await Promise.race([
    socket.connected,
    next.then((message) => sender(message, socket, acceptTimeoutMs)),
  ])
  if (!connection) return yield* receivedChunks(iterator, next)
  let bytes = 0
  for await (const chunk of connection as AsyncIterable<Buffer>) {
    bytes += chunk.length
    yield chunk
  }
  // A connection ends in the same way when its client dies.
  const last = await next
  const item = last.done ? undefined : last.value.item
  if (item?.$case !== 'sent' || item.value !== bytes)
    throw new CaissonError('out-of-range', `${bytes} bytes arrived, which were not all: send them again`, {
      reason: 'UPLOAD_INCOMPLETE',
    })
}

/** Who says that everything was sent is connected already, though that may be heard later. Undefined: it sends messages. */
async function sender<O>(
  message: IteratorResult<UploadMessage<O>>,
  socket: ByteSocket,
  timeoutMs: number,
): Promise<Socket | undefined> {
  if (message.done || message.value.item?.$case !== 'sent') return undefined
  const timeout = new AbortController()
  const never = sleep(timeoutMs, undefined, { signal: timeout.signal }).then(() => {
    throw invalid('bytes were sent to the socket of this upload by nobody', { reason: 'UPLOAD_NOT_CONNECTED' })
  })
  try {
    return await Promise.race([socket.connected, never])
  } finally {
    timeout.abort()
    never.catch(() => {})
  }
}

/** The same bytes; `report` is told how many there were so far. */
export async function* counting(
  chunks: AsyncIterable<Buffer>,
  report: (bytes: number) => void,
): AsyncGenerator<Buffer> {
  let bytes = 0
  for await (const chunk of chunks) {
    yield chunk
    bytes += chunk.length
    report(bytes)
  }
}
