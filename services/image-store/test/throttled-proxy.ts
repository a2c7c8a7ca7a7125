import { createServer, type IncomingMessage, request, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'

/** Stands before a registry, counts the bytes of its blobs, and may hold them up. */
export class ThrottledProxy implements AsyncDisposable {
  readonly #server = createServer((incoming, outgoing) => this.#forward(incoming, outgoing))
  readonly #target: URL
  /** Bytes of blobs that went through. */
  served = 0
  /** Bytes of all blobs after which nothing goes through any more. */
  limit = Number.POSITIVE_INFINITY

  private constructor(target: string) {
    this.#target = new URL(target)
  }

  static async open(target: string): Promise<ThrottledProxy> {
    const proxy = new ThrottledProxy(target)
    await new Promise<void>((resolve) => proxy.#server.listen(0, '127.0.0.1', resolve))
    return proxy
  }

  /** "127.0.0.1:43215" */
  get address(): string {
    return `127.0.0.1:${(this.#server.address() as AddressInfo).port}`
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.closeAllConnections()
    await new Promise((resolve) => this.#server.close(resolve))
  }

  #forward(incoming: IncomingMessage, outgoing: ServerResponse): void {
    const { hostname, port } = this.#target
    const { method, url = '/', headers } = incoming
    const isBlob = method === 'GET' && url.includes('/blobs/')
    const onward = request({ hostname, port, method, path: url, headers }, (answer) => {
      outgoing.writeHead(answer.statusCode ?? 502, answer.headers)
      if (!isBlob) return void answer.pipe(outgoing)
      answer.on('data', (chunk: Buffer) => {
        if (this.served >= this.limit) return
        const part = chunk.subarray(0, this.limit - this.served)
        this.served += part.length
        if (!outgoing.write(part)) {
          answer.pause()
          outgoing.once('drain', () => answer.resume())
        }
      })
      answer.on('end', () => void (this.served < this.limit && outgoing.end()))
    })
    onward.on('error', () => outgoing.destroy())
    outgoing.on('close', () => onward.destroy())
    incoming.pipe(onward)
  }
}
