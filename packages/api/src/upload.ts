import { once } from 'node:events'
import { connect, type Socket } from 'node:net'

/** A message of an upload: the options first, then the bytes, or how many of them went to the socket. */
export interface UploadMessage<O> {
  readonly item:
    | { readonly $case: 'options'; readonly value: O }
    | { readonly $case: 'chunk'; readonly value: Buffer }
    | { readonly $case: 'sent'; readonly value: number }
}

/** Fits into a message, whatever a pipe hands over. */
const CHUNK_BYTES = 256 << 10

/**
 * What a client sends of an upload. The bytes go to the socket that the service names, or in messages when it cannot be
 * opened from here.
 */
export class Upload<O extends object> {
  readonly #options: O
  readonly #chunks: AsyncIterable<Buffer> | Iterable<Buffer>
  readonly #socket = Promise.withResolvers<string>()

  constructor(options: O, chunks: AsyncIterable<Buffer> | Iterable<Buffer>) {
    this.#options = options
    this.#chunks = chunks
  }

  /** To be called with the `socket` of the first response: until then only the options are sent. */
  goesTo(socket: string): void {
    this.#socket.resolve(socket)
  }

  async *messages(): AsyncGenerator<UploadMessage<O & { overSocket: true }>> {
    yield { item: { $case: 'options', value: { ...this.#options, overSocket: true } } }
    const socket = await connectTo(await this.#socket.promise)
    if (socket) yield { item: { $case: 'sent', value: await send(this.#chunks, socket) } }
    else for await (const value of messagePieces(this.#chunks)) yield { item: { $case: 'chunk', value } }
  }
}

/** Undefined: it cannot be reached from here. */
async function connectTo(path: string): Promise<Socket | undefined> {
  const socket = connect(path)
  try {
    await once(socket, 'connect')
    return socket
  } catch {
    return undefined
  }
}

/** Sends everything and returns how much it was. That the service wants no more is said by its answer. */
async function send(chunks: AsyncIterable<Buffer> | Iterable<Buffer>, socket: Socket): Promise<number> {
  socket.on('error', () => {})
  try {
    for await (const chunk of chunks) {
      if (socket.destroyed) break
      if (!socket.write(chunk)) await drained(socket)
    }
    await new Promise<void>((resolve) => socket.end(() => resolve()))
    return socket.bytesWritten
  } finally {
    socket.destroy()
  }
}

function drained(socket: Socket): Promise<void> {
  return new Promise((resolve) => {
    const done = (): void => {
      socket.off('drain', done).off('close', done)
      resolve()
    }
    socket.on('drain', done).on('close', done)
  })
}

/** The same bytes in pieces of at most 256 KiB. */
export async function* messagePieces(chunks: AsyncIterable<Buffer> | Iterable<Buffer>): AsyncGenerator<Buffer> {
  for await (const chunk of chunks)
    for (let from = 0; from < chunk.length; from += CHUNK_BYTES) yield chunk.subarray(from, from + CHUNK_BYTES)
}
