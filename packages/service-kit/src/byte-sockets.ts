import { randomBytes } from 'node:crypto'
import { chmodSync, globSync, rmSync } from 'node:fs'
import { createServer, type Socket } from 'node:net'
import { join } from 'node:path'
import { type ServiceName, unavailable } from '@caisson/api'

/** A unix socket that takes the bytes of one call from the first who connects. Disposing closes it and the connection. */
export interface ByteSocket extends Disposable {
  readonly path: string
  /** Resolves with the connection, whose reading half is the bytes. Never, when nobody comes. */
  readonly connected: Promise<Socket>
}

/** Opens sockets for the bytes of calls: they cost a fraction of what they cost as messages. */
export interface ByteSockets {
  open(): Promise<ByteSocket>
}

/** Sockets in the run directory, for owner and group alone (0660) as the service's own is. Removes what a killed service left. */
export function byteSockets(runDir: string, service: ServiceName): ByteSockets {
  for (const left of globSync(join(runDir, `${service}.*.bytes`))) rmSync(left)
  return { open: () => listen(join(runDir, `${service}.${randomBytes(6).toString('hex')}.bytes`)) }
}

async function listen(path: string): Promise<ByteSocket> {
  const { promise: connected, resolve } = Promise.withResolvers<Socket>()
  const server = createServer({ pauseOnConnect: true, allowHalfOpen: true })
  let connection: Socket | undefined
  server.once('connection', (socket) => {
    connection = socket
    // Who reads it is told by the stream itself.
    socket.on('error', () => {})
    server.close()
    resolve(socket)
  })
  await new Promise<void>((done, fail) => {
    server.once('error', (cause) =>
      fail(unavailable('SOCKET', `cannot listen on ${path}: ${cause.message}`, { cause })),
    )
    server.listen(path, done)
  })
  chmodSync(path, 0o660)
  return {
    path,
    connected,
    [Symbol.dispose]: () => {
      connection?.destroy()
      server.close()
    },
  }
}
