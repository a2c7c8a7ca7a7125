import { once } from 'node:events'
import type { BlobReader } from '../backend/ports.ts'
import type { Exchange } from './exchange.ts'
import type { FileSender } from './ports.ts'

/** A socket's descriptor, as Node has it. Undefined for TLS and for what is closed. */
function descriptorOf(socket: unknown): number | undefined {
  const handle = (socket as { readonly _handle?: { readonly fd?: unknown } | null })._handle
  const fd = handle?.fd
  return typeof fd === 'number' && fd >= 0 ? fd : undefined
}

/**
 * Sends the head as Node does and the body from file to socket. What is left unsent ends the connection: the client has
 * been told a length.
 */
export async function sendFile(
  { reply, request }: Exchange,
  sender: FileSender,
  reader: BlobReader,
  idleMs: number,
): Promise<unknown> {
  const { socket } = request.raw
  const response = reply.hijack().raw
  try {
    for (const [name, value] of Object.entries(reply.getHeaders()))
      if (value !== undefined) response.setHeader(name, value)
    response.writeHead(reply.statusCode)
    response.flushHeaders()
    // The bytes must come behind the head, which is still Node's when the client reads slowly.
    if (socket.writableLength > 0) await Promise.race([once(socket, 'drain'), once(socket, 'close')])
    const descriptor = descriptorOf(socket)
    if (descriptor === undefined || reader.file === undefined) throw new Error('the connection is closed')
    // Node sees nothing of what is sent; the sender watches the time.
    socket.setTimeout(0)
    await sender.send(descriptor, reader.file, reader.first, reader.length, idleMs)
    socket.setTimeout(idleMs)
    response.end()
  } catch (thrown) {
    socket.destroy()
    request.log.debug({ error: String(thrown) }, 'a blob was not sent to its end')
  } finally {
    await reader[Symbol.asyncDispose]()
  }
  return reply
}
