import { CaissonError, unavailable } from '@caisson/api'
import { Agents, exchange, parseRetryAfter } from '@caisson/registry-client/http'
import type { Answer, Delivery, Sender } from '../ports.ts'

/** Bytes of an answer that are read. */
const MOST_BYTES = 4_096
const SHOWN_CHARACTERS = 200

/** Sends over HTTP and HTTPS; certificates are checked against the system's authorities. Disposing closes connections. */
export class HttpSender implements Sender, Disposable {
  readonly #agents = new Agents()
  readonly #timeoutMs: number
  readonly #tls = { ca: undefined, client: undefined }

  /** `timeoutMs`: of a whole exchange. */
  constructor(timeoutMs: number) {
    this.#timeoutMs = timeoutMs
  }

  async post({ url, headers, body }: Delivery, signal: AbortSignal): Promise<Answer> {
    const timeout = AbortSignal.timeout(this.#timeoutMs)
    try {
      return await this.#exchange(new URL(url), headers, body, AbortSignal.any([signal, timeout]))
    } catch (error) {
      signal.throwIfAborted()
      if (!timeout.aborted) throw plainly(error)
      throw unavailable('WEBHOOK_TIMEOUT', `does not answer within ${this.#timeoutMs / 1_000} s`)
    }
  }

  [Symbol.dispose](): void {
    this.#agents[Symbol.dispose]()
  }

  async #exchange(
    url: URL,
    headers: Readonly<Record<string, string>>,
    bytes: Buffer,
    signal: AbortSignal,
  ): Promise<Answer> {
    const body = { length: bytes.length, chunks: () => once(bytes) }
    const request = { method: 'POST', url, headers: { ...headers, 'accept-encoding': 'identity' }, body } as const
    const route = { tls: this.#tls, sentFrom: undefined }
    const response = await exchange(request, route, { agents: this.#agents, idleMs: this.#timeoutMs }, signal)
    const wait = parseRetryAfter(response.header('retry-after'), Date.now())
    const text = await beginningOf(response)
    return { status: response.status, text, ...(wait !== undefined && { retryAfterMs: wait }) }
  }
}

async function* once(bytes: Buffer): AsyncGenerator<Buffer> {
  yield bytes
}

/** What comes behind it is not read: the connection is closed then. A body that breaks off is as good as none. */
async function beginningOf(response: { chunks(): AsyncIterable<Buffer> }): Promise<string> {
  const chunks: Buffer[] = []
  let length = 0
  try {
    for await (const chunk of response.chunks()) {
      chunks.push(chunk)
      length += chunk.length
      if (length >= MOST_BYTES) break
    }
  } catch {
    // The status is the answer.
  }
  const text = Buffer.concat(chunks).subarray(0, MOST_BYTES).toString('utf8')
  return text
    .replaceAll(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\ufffd]+/gu, ' ')
    .trim()
    .slice(0, SHOWN_CHARACTERS)
}

/** The advice of the client of registries is none for a webhook. */
function plainly(error: unknown): CaissonError {
  const typed = CaissonError.from(error)
  const code = typed.details['code']
  const why = typed.reason === 'REGISTRY_TLS' ? `its certificate is not trusted (${code})` : `does not answer (${code})`
  return code === undefined ? typed : unavailable('WEBHOOK_UNREACHABLE', why, { cause: error })
}
