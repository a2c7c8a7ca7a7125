import { once } from 'node:events'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'

export interface MockUpstream extends AsyncDisposable {
  /** "http://127.0.0.1:43215". */
  readonly url: string
  readonly address: string
  /** "GET /v2/a/blobs/sha256:...", oldest first. */
  readonly asked: readonly string[]
  /** Headers of the same requests. */
  readonly headers: readonly IncomingMessage['headers'][]
  /** Requests that are not answered to their end. */
  open(): number
}

export type Handler = (request: IncomingMessage, response: ServerResponse, count: number) => unknown

/** An upstream that answers as the test wants; `count` is how many requests came before. */
export async function mockUpstream(handler: Handler, host = '127.0.0.1'): Promise<MockUpstream> {
  const asked: string[] = []
  const headers: IncomingMessage['headers'][] = []
  let open = 0
  const server = createServer((request, response) => {
    asked.push(`${request.method} ${request.url}`)
    headers.push(request.headers)
    open++
    response.once('close', () => open--)
    response.on('error', () => {})
    handler(request, response, asked.length - 1)
  })
  server.listen(0, host)
  await once(server, 'listening')
  const address = `${host}:${(server.address() as AddressInfo).port}`
  return {
    ...{ address, asked, headers },
    url: `http://${address}`,
    open: () => open,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections()
      server.close()
      await once(server, 'close')
    },
  }
}

/** Answers with the bytes from the request's Range on, as registries do. */
export function sendFrom(request: IncomingMessage, response: ServerResponse, bytes: Buffer): Buffer {
  const first = Number(/^bytes=(\d+)-$/.exec(request.headers.range ?? '')?.[1] ?? 0)
  const range = { 'content-range': `bytes ${first}-${bytes.length - 1}/${bytes.length}` }
  response.writeHead(first > 0 ? 206 : 200, { 'content-length': bytes.length - first, ...(first > 0 && range) })
  if (request.method === 'HEAD') response.end()
  return request.method === 'HEAD' ? Buffer.of() : bytes.subarray(first)
}
