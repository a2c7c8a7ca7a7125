import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Socket } from 'node:net'

export interface CuttingProxy extends AsyncDisposable {
  /** "127.0.0.1:43215". */
  readonly address: string
  /** Connections that were cut. */
  cuts(): number
}

/** Passes bytes on to a server, and breaks the first `times` connections off once so many bytes have gone either way. */
export async function cuttingProxy(target: string, bytes: number, times: number): Promise<CuttingProxy> {
  const [host = '', port = ''] = target.split(':')
  const sockets = new Set<Socket>()
  let cuts = 0
  const server = createServer((client) => {
    const upstream = connect(Number(port), host)
    let passed = 0
    for (const [from, to] of [
      [client, upstream],
      [upstream, client],
    ] as const) {
      sockets.add(from)
      from.on('error', () => {})
      from.on('close', () => to.destroy())
      from.on('data', (chunk) => {
        passed += chunk.length
        if (passed > bytes && cuts < times) {
          cuts++
          // What has been passed on so far is to arrive: the server, too, sees a connection that ends early.
          upstream.end()
          client.resetAndDestroy()
        } else if (!to.destroyed && !to.write(chunk)) {
          from.pause()
          to.once('drain', () => from.resume())
        }
      })
    }
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    address: `127.0.0.1:${(server.address() as AddressInfo).port}`,
    cuts: () => cuts,
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy()
      server.close()
      await once(server, 'close')
    },
  }
}
