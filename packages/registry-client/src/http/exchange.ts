import { once } from 'node:events'
import { type ClientRequest, type IncomingMessage, request as requestHttp } from 'node:http'
import { request as requestHttps } from 'node:https'
import { dataLoss } from '../errors.ts'
import type { Agents, Route } from './agents.ts'
import { connectionFailure } from './failure.ts'
import { IdleTimer } from './idle.ts'
import { HttpResponse } from './response.ts'

export interface RequestBody {
  /** Bytes; exactly so many are sent. */
  readonly length: number
  chunks(): AsyncIterable<Uint8Array>
  /** Told of the bytes handed over so far. */
  readonly report?: (bytes: number) => void
}

export interface HttpRequest {
  readonly method: 'GET' | 'HEAD' | 'POST' | 'PUT' | 'PATCH' | 'DELETE'
  readonly url: URL
  readonly headers: Readonly<Record<string, string>>
  readonly body?: RequestBody
}

/** What the source of a body failed by: not the server's fault, and nothing to try again. */
export class BodySourceError extends Error {
  override readonly name = 'BodySourceError'
}

export interface ExchangeOptions {
  readonly agents: Agents
  /** Milliseconds that the server may be silent while we wait for it. */
  readonly idleMs: number
}

/**
 * One request and the head of its answer: no redirect, no authentication, no second try. Throws what connectionFailure
 * makes, BodySourceError, or the reason of the signal.
 */
export async function exchange(
  request: HttpRequest,
  route: Route,
  { agents, idleMs }: ExchangeOptions,
  signal: AbortSignal,
): Promise<HttpResponse> {
  signal.throwIfAborted()
  const { url, method, body } = request
  const agent = agents.for(url, route)
  const headers = { ...request.headers, ...(body && { 'content-length': String(body.length) }) }
  const send = url.protocol === 'https:' ? requestHttps : requestHttp
  const sent = send(url, { method, headers, agent, signal })
  using timer = new IdleTimer(idleMs, (error) => sent.destroy(error))
  const answered = Promise.withResolvers<IncomingMessage>()
  sent.once('response', answered.resolve)
  sent.on('error', answered.reject)
  const isWaiting = (waits: boolean): void => (waits ? timer.arm(url.host) : timer.disarm())
  write(sent, body, isWaiting).catch((error: Error) => {
    answered.reject(error)
    sent.destroy(error)
  })
  try {
    const message = await answered.promise
    // A server that answers before the body's end has had enough of it: the connection is of no more use.
    if (!sent.writableEnded) message.once('close', () => sent.destroy())
    return new HttpResponse(message, url, idleMs, signal)
  } catch (error) {
    signal.throwIfAborted()
    throw error instanceof BodySourceError ? error : connectionFailure(error, url)
  }
}

/** `isWaiting` is told whether the server is waited for now, and not the source of the body. */
async function write(
  sent: ClientRequest,
  body: RequestBody | undefined,
  isWaiting: (waits: boolean) => void,
): Promise<void> {
  if (!body) {
    isWaiting(true)
    sent.end()
    return
  }
  const stop = new AbortController()
  for (const event of ['response', 'close']) sent.once(event, () => stop.abort())
  let length = 0
  for await (const chunk of fromSource(body)) {
    if (stop.signal.aborted) return
    length += chunk.length
    if (length > body.length) break
    const isFull = !sent.write(chunk)
    if (isFull) {
      isWaiting(true)
      await once(sent, 'drain', { signal: stop.signal }).catch(() => {})
      if (stop.signal.aborted) return
      isWaiting(false)
    }
    body.report?.(length)
  }
  if (length !== body.length) throw new BodySourceError('wrong length', { cause: wrongLength(length, body.length) })
  if (stop.signal.aborted) return
  isWaiting(true)
  sent.end()
}

async function* fromSource(body: RequestBody): AsyncGenerator<Uint8Array> {
  try {
    yield* body.chunks()
  } catch (cause) {
    throw new BodySourceError('the source of a body failed', { cause })
  }
}

function wrongLength(is: number, expected: number): Error {
  return dataLoss('SIZE_MISMATCH', `what is to be uploaded has ${is} bytes, not ${expected}`)
}
