import type { Socket } from 'node:net'
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'

/**
 * Closes connections whose other side does nothing for `idleMs`. Node's own clock counts the time that we need as well: a
 * large blob that is brought to the disk would be taken for a client that sleeps.
 */
export function closeIdle(app: FastifyInstance, idleMs: number): void {
  const working = new Map<Socket, { readonly request: FastifyRequest; readonly reply: FastifyReply }>()
  app.addHook('onRequest', (request, reply, done) => {
    const { socket } = request.raw
    working.set(socket, { request, reply })
    reply.raw.once('close', () => working.delete(socket))
    done()
  })
  app.server.on('timeout', (socket: Socket) => {
    const work = working.get(socket)
    if (work === undefined || waitsForClient(socket, work.request)) socket.destroy()
    else socket.setTimeout(idleMs)
  })
}

/** Whether the client is to take something, or to send something that we would take. */
function waitsForClient(socket: Socket, { raw }: FastifyRequest): boolean {
  if (socket.writableLength > 0) return true
  return !raw.complete && raw.readableLength === 0
}
