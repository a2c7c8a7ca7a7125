import { CaissonError } from '@caisson/api'
import type { Digest } from '@caisson/oci'
import { dataLoss } from '../errors.ts'
import { parseLength, parseUploaded } from '../headers/ranges.ts'
import { BodySourceError, type RequestBody } from '../http/exchange.ts'
import { namedTarget } from '../http/redirect.ts'
import type { HttpResponse } from '../http/response.ts'
import { backoff, isPassingError, pause } from '../http/retry.ts'
import { refusal } from '../refusal.ts'
import type { RegistryRequest, Session } from '../session.ts'

export interface UploadSource {
  readonly digest: Digest
  readonly size: number
  open(offset: number): AsyncIterable<Uint8Array>
  report(bytes: number): void
}

/** Where an upload stands. */
interface Progress {
  readonly location: URL
  /** Bytes that the registry has. */
  readonly offset: number
  /** Set when the registry wants chunks: the least it takes, in bytes. */
  readonly minChunk: number | undefined
  /** Whether to go on by PATCH rather than by one PUT of all. */
  readonly isChunked: boolean
}

const CHUNK_BYTES = 64 << 20
const CANCEL_TIMEOUT_MS = 5_000
const STORED: ReadonlySet<number> = new Set([200, 201, 204])

/**
 * Sends a blob in one PUT, or in chunks where the registry wants them. When the connection breaks it asks the registry
 * how far it came and goes on from there, as long as there is progress. Cancelled or failed, the upload is deleted.
 */
export async function uploadBlob(session: Session, source: UploadSource, signal: AbortSignal): Promise<void> {
  await new Upload(session, source, signal).run()
}

/** False: the registry did not take the blob over. */
export async function mountBlob(session: Session, digest: Digest, from: string, signal: AbortSignal): Promise<boolean> {
  const query = { mount: digest, from }
  const target = '/blobs/uploads/'
  const request = { method: 'POST', target, query, actions: 'pull,push', alsoPull: from, isRepeatable: true } as const
  const response = await session.send(request, signal)
  if (response.status === 202) await forget(session, progressOf(response, { offset: 0 }))
  if (response.status < 500 && response.status !== 429) {
    response.discard()
    return response.status === 201
  }
  throw await refusal(session, response, `mount ${digest}`)
}

async function start(session: Session, signal: AbortSignal): Promise<Progress> {
  const response = await push(session, { method: 'POST', target: '/blobs/uploads/', isRepeatable: true }, signal)
  if (response.status !== 202) throw await refusal(session, response, 'upload')
  response.discard()
  const minChunk = parseLength(response.header('oci-chunk-min-length'))
  return progressOf(response, { offset: 0, minChunk, isChunked: minChunk !== undefined })
}

class Upload {
  readonly #session: Session
  readonly #source: UploadSource
  readonly #signal: AbortSignal
  /** Undefined: not begun, or lost. */
  #progress: Progress | undefined

  constructor(session: Session, source: UploadSource, signal: AbortSignal) {
    this.#session = session
    this.#source = source
    this.#signal = signal
  }

  async run(): Promise<void> {
    try {
      await this.#untilDone()
    } catch (error) {
      if (this.#progress) await forget(this.#session, this.#progress)
      throw error instanceof BodySourceError ? error.cause : error
    }
  }

  async #untilDone(): Promise<void> {
    const { retry } = this.#session.wire
    let best = 0
    for (let failures = 0; ; ) {
      try {
        if (failures > 0) await this.#resume()
        const offset = this.#progress?.offset ?? 0
        if (offset > best) failures = 0
        best = Math.max(best, offset)
        return await this.#send(this.#progress ?? (await start(this.#session, this.#signal)))
      } catch (error) {
        failures += 1
        if (this.#signal.aborted || !mayGoOn(error) || failures >= retry.attempts) throw error
        await pause(backoff(retry, failures), this.#signal)
      }
    }
  }

  /** Asks how far the upload came; what the registry does not know any more, or cannot be right, is begun again. */
  async #resume(): Promise<void> {
    const progress = this.#progress
    if (!progress) return
    const request = { method: 'GET', target: progress.location, isRepeatable: true } as const
    const response = await push(this.#session, request, this.#signal)
    response.discard()
    const offset = parseUploaded(response.header('range'))
    this.#progress = undefined
    if (response.status === 204 && offset !== undefined && offset <= this.#source.size)
      this.#progress = progressOf(response, { ...progress, offset, isChunked: true })
    else await forget(this.#session, progress)
  }

  async #send(from: Progress): Promise<void> {
    const { digest, size } = this.#source
    let progress = from
    this.#progress = progress
    while (progress.isChunked && progress.offset < size) {
      progress = await this.#sendChunk(progress)
      this.#progress = progress
    }
    const target = withDigest(progress.location, digest)
    const body = bodyOf(this.#source, progress.offset, size)
    const request = { method: 'PUT', target, body, headers: OCTETS, isRepeatable: false } as const
    const response = await push(this.#session, request, this.#signal)
    if (!STORED.has(response.status)) throw await refusal(this.#session, response, `blob ${digest}`)
    response.discard()
    this.#progress = undefined
    checkStored(this.#session, response, digest)
    this.#source.report(size)
  }

  async #sendChunk(progress: Progress): Promise<Progress> {
    const { offset, location: target } = progress
    const { digest, size } = this.#source
    const end = Math.min(size, offset + Math.max(CHUNK_BYTES, progress.minChunk ?? 0))
    const headers = { ...OCTETS, 'content-range': `${offset}-${end - 1}` }
    const request = {
      method: 'PATCH',
      target,
      headers,
      body: bodyOf(this.#source, offset, end),
      isRepeatable: false,
    } as const
    const response = await push(this.#session, request, this.#signal)
    if (response.status !== 202) throw await refusal(this.#session, response, `upload of ${digest}`)
    response.discard()
    const reached = parseUploaded(response.header('range')) ?? end
    if (reached > offset && reached <= end) return progressOf(response, { ...progress, offset: reached })
    const message = `${this.#session.endpoint.host} has ${reached} bytes of an upload that ends at ${end}`
    throw dataLoss('SIZE_MISMATCH', message, { details: { digest } })
  }
}

const OCTETS = { 'content-type': 'application/octet-stream' }

/** The source from `start` to `end`. */
function bodyOf(source: UploadSource, start: number, end: number): RequestBody {
  const length = end - start
  return {
    length,
    report: (sent) => source.report(start + sent),
    async *chunks() {
      if (length === 0) return
      let left = length
      for await (const chunk of source.open(start)) {
        const isLast = end < source.size && chunk.length >= left
        yield isLast ? chunk.subarray(0, left) : chunk
        left -= chunk.length
        if (isLast) return
      }
    },
  }
}

/** The query of a location is the registry's own and stays as it is. */
function withDigest(location: URL, digest: Digest): URL {
  const url = new URL(location)
  url.search = `${url.search === '' ? '?' : `${url.search}&`}digest=${digest}`
  return url
}

function progressOf(response: HttpResponse, known: Partial<Progress> & { offset: number }): Progress {
  const location = namedTarget(response, response.header('location') ?? known.location?.href ?? '')
  return { minChunk: undefined, isChunked: false, ...known, location }
}

/** A connection that broke, an upload that the registry lost, or one that it has another view of. */
function mayGoOn(error: unknown): boolean {
  if (isPassingError(error)) return true
  if (!(error instanceof CaissonError)) return false
  return error.reason === 'REGISTRY_RATE_LIMITED' || ['404', '416'].includes(error.details['status'] ?? '')
}

/** A courtesy: registries forget uploads after some time in any case, so a failure here is none of the upload's. */
async function forget(session: Session, { location }: Progress): Promise<void> {
  const signal = AbortSignal.timeout(CANCEL_TIMEOUT_MS)
  const request = { method: 'DELETE', target: location, isRepeatable: false } as const
  await push(session, request, signal).then(
    (response) => response.discard(),
    () => {},
  )
}

function push(session: Session, request: RegistryRequest, signal: AbortSignal): Promise<HttpResponse> {
  return session.send({ ...request, actions: 'pull,push' }, signal)
}

function checkStored(session: Session, response: HttpResponse, digest: Digest): void {
  const told = response.header('docker-content-digest')
  if (told === undefined || told === digest) return
  const message = `${session.endpoint.host} says that it has stored ${JSON.stringify(told.slice(0, 150))} instead of ${digest}`
  throw dataLoss('DIGEST_MISMATCH', message, { details: { expected: digest } })
}
