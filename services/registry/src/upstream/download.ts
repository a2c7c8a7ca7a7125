import type { FileHandle } from 'node:fs/promises'
import { Readable } from 'node:stream'
import { setTimeout as sleep } from 'node:timers/promises'
import { CaissonError } from '@caisson/api'
import type { Digest } from '@caisson/oci'
import type { BlobStat } from '../backend/ports.ts'
import { blobUnknown } from '../distribution/errors.ts'
import type { RepositoryName } from '../distribution/names.ts'
import { GrowingFile } from './growing-file.ts'
import type { RemoteBytes, RemoteRepository } from './ports.ts'

/** One blob of one repository. */
export interface Wanted {
  readonly repository: RepositoryName
  readonly digest: Digest
}

export interface DownloadDeps {
  readonly remote: RemoteRepository
  readonly file: FileHandle
  /** Bytes that an earlier download left in the file. */
  readonly left: number
  /** Throws when a blob of that size, or with so many bytes so far, is not let in. */
  readonly admit: (size: number) => Promise<void>
  /** Takes all bytes and makes them the blob, or throws: DIGEST_INVALID when they are not. */
  readonly store: (bytes: Readable, signal: AbortSignal) => Promise<BlobStat>
  readonly mostBytes: number
}

/** Connections in a row that bring nothing. */
const MOST_FAILURES = 4
const FIRST_PAUSE_MS = 250

/**
 * Brings a blob from an upstream into a file and from there into the store, while others read it. A connection that breaks is
 * taken up where it ended.
 */
export class Download {
  readonly #wanted: Wanted
  readonly #deps: DownloadDeps
  readonly #file: GrowingFile
  readonly #abort: AbortController
  readonly #answered = Promise.withResolvers<number | undefined>()
  #size: number | undefined

  /** `abort` ends it, and is aborted when it fails: nobody joins it then. */
  constructor(wanted: Wanted, deps: DownloadDeps, abort: AbortController) {
    this.#wanted = wanted
    this.#deps = deps
    this.#file = new GrowingFile(deps.file, deps.left)
    this.#abort = abort
    this.#answered.promise.catch(() => {})
  }

  /** The size, once the upstream has answered; undefined when it does not say. Throws when it has no such blob for us. */
  get answered(): Promise<number | undefined> {
    return this.#answered.promise
  }

  /** Bytes from `first` up to `end`; the last one comes when the whole blob is known to be right. */
  read(first: number, end: number | undefined, signal: AbortSignal): Readable {
    return Readable.from(this.#file.read(first, end, false, signal), { objectMode: false })
  }

  /** Ends when the blob is in the store. Throws, and breaks off all who read, when that cannot be; nothing goes on then. */
  async run(): Promise<BlobStat> {
    try {
      const first = await this.#connect()
      await this.#admit(first.size)
      this.#answered.resolve(this.#size)
      const blob = await this.#together(first)
      this.#file.approve()
      return blob
    } catch (thrown) {
      this.#answered.reject(thrown)
      this.#breakOff(thrown)
      throw thrown
    }
  }

  /** Fetches and stores. The first failure ends both, and is thrown when both have ended. */
  async #together(first: RemoteBytes): Promise<BlobStat> {
    const failures: unknown[] = []
    const breakOff = (error: unknown): never => {
      failures.push(error)
      this.#breakOff(error)
      throw error
    }
    const [stored] = await Promise.allSettled([this.#store().catch(breakOff), this.#fetch(first).catch(breakOff)])
    if (stored.status === 'fulfilled' && failures.length === 0) return stored.value
    throw failures[0]
  }

  get #signal(): AbortSignal {
    return this.#abort.signal
  }

  /** Also ends a connection that nobody has read from. */
  #breakOff(error: unknown): void {
    this.#file.fail(error)
    this.#abort.abort(error)
  }

  async #store(): Promise<BlobStat> {
    const bytes = Readable.from(this.#file.read(0, undefined, true, this.#signal), { objectMode: false })
    // Who stores may have left it by then.
    bytes.on('error', () => {})
    return await this.#deps.store(bytes, this.#signal).catch((thrown: unknown) => {
      const isWrong = thrown instanceof CaissonError && thrown.reason === 'DIGEST_INVALID'
      throw isWrong ? this.#lie('has another digest') : thrown
    })
  }

  /** The first connection. What an earlier download left is gone on with, when the upstream still has the blob. */
  async #connect(): Promise<RemoteBytes> {
    const { remote } = this.#deps
    const { digest } = this.#wanted
    if (this.#file.arrived > 0) {
      const found = await remote.statBlob(digest, this.#signal)
      if (found?.size === this.#file.arrived) return { offset: found.size, size: found.size, chunks: nothing() }
      if (found?.size === undefined || found.size < this.#file.arrived) await this.#file.clear()
    }
    const bytes = await remote.blob({ digest }, this.#file.arrived, this.#signal)
    if (bytes === undefined) throw blobUnknown(digest)
    if (bytes.offset === this.#file.arrived) return bytes
    await this.#file.clear()
    return bytes
  }

  async #admit(size: number | undefined): Promise<void> {
    this.#size = size
    if (size !== undefined && size > this.#deps.mostBytes) throw this.#lie('is too large')
    await this.#deps.admit(size ?? 0)
  }

  async #fetch(first: RemoteBytes): Promise<void> {
    let bytes: RemoteBytes | undefined = first
    for (let failures = 0; ; ) {
      const before = this.#file.arrived
      const failure = await this.#take(bytes)
      if (failure === undefined) break
      failures = this.#file.arrived > before ? 0 : failures + 1
      if (failures === MOST_FAILURES) throw failure
      await sleep(FIRST_PAUSE_MS * 2 ** failures, undefined, { signal: this.#signal })
      bytes = undefined
    }
    this.#size ??= this.#file.arrived
    await this.#file.complete()
  }

  /** One connection. Returns what it broke by, where going on may help. */
  async #take(open: RemoteBytes | undefined): Promise<unknown> {
    try {
      const bytes = open ?? (await this.#goOn())
      for await (const chunk of bytes.chunks) {
        this.#signal.throwIfAborted()
        if (this.#file.arrived + chunk.length > this.#deps.mostBytes) throw this.#lie('does not end')
        await this.#file.append(chunk)
      }
      await this.#file.flush()
      return undefined
    } catch (thrown) {
      await this.#file.flush()
      this.#signal.throwIfAborted()
      if (thrown instanceof CaissonError && thrown.reason === 'UPSTREAM_UNAVAILABLE') return thrown
      throw thrown
    }
  }

  async #goOn(): Promise<RemoteBytes> {
    const { digest } = this.#wanted
    const size = this.#size
    const bytes = await this.#deps.remote.blob(
      { digest, ...(size !== undefined && { size }) },
      this.#file.arrived,
      this.#signal,
    )
    if (bytes === undefined) throw blobUnknown(digest)
    if (bytes.offset !== this.#file.arrived) return { ...bytes, chunks: behind(bytes.chunks, this.#file.arrived) }
    return bytes
  }

  #lie(what: string): CaissonError {
    const { digest } = this.#wanted
    return new CaissonError('data-loss', `what the upstream sends for ${digest} ${what}`, {
      reason: 'UPSTREAM_LIES',
      details: { digest },
    })
  }
}

async function* nothing(): AsyncGenerator<Buffer> {}

/** The bytes behind the first `skipped` ones: for an upstream that knows no ranges. */
async function* behind(chunks: AsyncIterable<Buffer>, skipped: number): AsyncGenerator<Buffer> {
  let left = skipped
  for await (const chunk of chunks) {
    if (left < chunk.length) yield chunk.subarray(left)
    left = Math.max(left - chunk.length, 0)
  }
}
