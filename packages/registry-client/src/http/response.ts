import type { IncomingHttpHeaders, IncomingMessage } from 'node:http'
import { exhausted } from '@caisson/api'
import { dataLoss } from '../errors.ts'
import { connectionFailure } from './failure.ts'
import { IdleTimer } from './idle.ts'
import { type Reach, reachOf } from './reach.ts'

/** An answer whose body is still on the connection: it is read, or discarded, once. */
export class HttpResponse {
  readonly status: number
  readonly headers: IncomingHttpHeaders
  /** What was asked for last, after redirects. */
  readonly url: URL
  /** Where the server that answered stands. */
  readonly reach: Reach
  readonly #message: IncomingMessage
  readonly #idleMs: number
  readonly #signal: AbortSignal

  constructor(message: IncomingMessage, url: URL, idleMs: number, signal: AbortSignal) {
    this.status = message.statusCode ?? 0
    this.headers = message.headers
    this.url = url
    this.reach = reachOf(message.socket.remoteAddress ?? '')
    this.#message = message
    this.#idleMs = idleMs
    this.#signal = signal
    message.on('error', () => {})
  }

  header(name: string): string | undefined {
    const value = this.headers[name]
    return Array.isArray(value) ? value.join(', ') : value
  }

  /** Throws what connectionFailure makes; ends the connection when the reader stops early. */
  async *chunks(): AsyncGenerator<Buffer> {
    const message = this.#message
    using timer = new IdleTimer(this.#idleMs, (error) => message.destroy(error))
    try {
      refuseEncoding(this)
      timer.arm(this.url.host)
      for await (const chunk of message) {
        timer.disarm()
        yield chunk
        timer.arm(this.url.host)
      }
    } catch (error) {
      this.#signal.throwIfAborted()
      throw connectionFailure(error, this.url)
    } finally {
      message.destroy()
    }
  }

  /** The whole body. Throws resource-exhausted REGISTRY_ANSWER_TOO_LARGE before more than `most` bytes are kept. */
  async bytes(most: number): Promise<Buffer> {
    const chunks: Buffer[] = []
    let length = Number(this.header('content-length') ?? 0)
    if (length > most) this.discard()
    else {
      length = 0
      for await (const chunk of this.#hurried()) {
        length += chunk.length
        if (length > most) break
        chunks.push(chunk)
      }
    }
    if (length <= most) return Buffer.concat(chunks)
    const message = `${this.url.host} answers with more than ${most} bytes, which are not read`
    throw exhausted('REGISTRY_ANSWER_TOO_LARGE', message)
  }

  /** A small body that comes byte by byte is not waited for for ever. */
  async *#hurried(): AsyncGenerator<Buffer> {
    using timer = new IdleTimer(2 * this.#idleMs, (error) => this.#message.destroy(error))
    timer.arm(this.url.host)
    yield* this.chunks()
  }

  /** Lets the connection be used again when little is left, and ends it otherwise. */
  discard(): void {
    const isShort = Number(this.header('content-length') ?? Number.NaN) <= 65_536
    if (!isShort && !this.#message.complete) {
      this.#message.destroy()
      return
    }
    const timer = new IdleTimer(this.#idleMs, (error) => this.#message.destroy(error))
    timer.arm(this.url.host)
    this.#message.once('close', () => timer[Symbol.dispose]()).resume()
  }
}

/** We ask for bytes as they are: others would not be what digests and lengths are of. */
function refuseEncoding(response: HttpResponse): void {
  const encoding = response.header('content-encoding')
  if (encoding === undefined || encoding.toLowerCase() === 'identity') return
  throw dataLoss('REGISTRY_ANSWER_INVALID', `${response.url.host} sends encoded content that was not asked for`)
}
