import { createHmac, timingSafeEqual } from 'node:crypto'
import { once } from 'node:events'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'

/** How a receiver answers. */
export type Manner = 'takes' | 'refuses' | 'hangs' | 'redirects' | 'never-ends' | 'breaks'

export interface Received {
  readonly path: string
  readonly headers: IncomingMessage['headers']
  readonly body: string
  readonly at: number
  /** Whether it was answered with 200. */
  readonly taken: boolean
}

export interface Entry {
  readonly id: string
  readonly timestamp: string
  readonly action: string
  readonly type: string
  readonly count?: number
  readonly target: Readonly<Record<string, unknown>>
  readonly request: Readonly<Record<string, string>>
  readonly actor: Readonly<Record<string, string>>
  readonly source: Readonly<Record<string, string>>
}

/** A real server that webhooks are sent to. */
export class Receiver implements AsyncDisposable {
  readonly received: Received[] = []
  manner: Manner = 'takes'
  /** Bytes that it has written of an endless answer. */
  written = 0
  readonly #server = createServer((request, response) => void this.#answer(request, response).catch(() => {}))
  #port = 0

  static async start(manner: Manner = 'takes', port = 0): Promise<Receiver> {
    const receiver = new Receiver()
    receiver.manner = manner
    receiver.#server.listen(port, '127.0.0.1')
    await once(receiver.#server, 'listening')
    receiver.#port = (receiver.#server.address() as AddressInfo).port
    return receiver
  }

  get port(): number {
    return this.#port
  }

  get url(): string {
    return `http://127.0.0.1:${this.#port}/hook`
  }

  get taken(): Received[] {
    return this.received.filter(({ taken }) => taken)
  }

  /** Entries of what was taken. */
  get entries(): Entry[] {
    return this.taken.flatMap(entriesOf)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.closeAllConnections()
    this.#server.close()
    if (this.#server.listening) await once(this.#server, 'close')
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    let body = ''
    for await (const chunk of request.setEncoding('utf8')) body += chunk
    const { manner } = this
    const taken = manner === 'takes' || manner === 'never-ends'
    this.received.push({ path: request.url ?? '', headers: request.headers, body, at: Date.now(), taken })
    if (manner === 'takes') response.end('thanks')
    if (manner === 'refuses') response.writeHead(503).end('not \u0007now')
    if (manner === 'redirects') response.writeHead(307, { location: '/elsewhere' }).end()
    if (manner === 'breaks') response.destroy()
    if (manner === 'never-ends') await this.#writeForEver(response)
  }

  async #writeForEver(response: ServerResponse): Promise<void> {
    response.writeHead(200)
    const piece = Buffer.alloc(64 << 10, 'x')
    while (!response.destroyed) {
      if (!response.write(piece)) await drained(response)
      this.written += piece.length
    }
  }
}

export const entriesOf = ({ body }: Received): Entry[] => (JSON.parse(body) as { events: Entry[] }).events

/** As a receiver checks a delivery (Standard Webhooks). */
export function isSigned({ headers, body }: Received, key: Buffer): boolean {
  const id = String(headers['webhook-id'])
  const timestamp = String(headers['webhook-timestamp'])
  if (Math.abs(Date.now() / 1_000 - Number(timestamp)) > 300) return false
  const wanted = createHmac('sha256', key).update(`${id}.${timestamp}.${body}`).digest()
  return String(headers['webhook-signature'])
    .split(' ')
    .some((one) => {
      const given = Buffer.from(one.replace(/^v1,/, ''), 'base64')
      return given.length === wanted.length && timingSafeEqual(given, wanted)
    })
}

/** Waits until something holds; fails with what it was at the end. */
export async function until(holds: () => boolean | Promise<boolean>, what: string, ms = 60_000): Promise<void> {
  const end = Date.now() + ms
  while (!(await holds())) {
    if (Date.now() > end) throw new Error(`it did not come to be within ${ms} ms that ${what}`)
    await sleep(20)
  }
}

async function drained(response: ServerResponse): Promise<void> {
  const ended = new AbortController()
  const { signal } = ended
  await Promise.race(['drain', 'close'].map((event) => once(response, event, { signal }))).catch(() => {})
  ended.abort()
}
