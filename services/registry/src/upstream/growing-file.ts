import type { FileHandle } from 'node:fs/promises'
import { unlessAborted } from './unless-aborted.ts'

const READ_CHUNK = 256 << 10
/** Bytes that wait while others are written. */
const MOST_GATHERED = 1 << 20

/** Where a file stands whose bytes are read while they arrive. */
type State = { readonly kind: 'growing' | 'whole' | 'good' } | { readonly kind: 'failed'; readonly error: unknown }

/**
 * A file that one writes and many read, each at its own pace. Readers who are strangers get their last byte only when the file
 * is `good`: whoever got all he asked for got what the digest names, and everybody else a broken end.
 */
export class GrowingFile {
  readonly #file: FileHandle
  #written: number
  #arrived: number
  #gathered: Buffer[] = []
  #writing: Promise<void> | undefined
  #state: State = { kind: 'growing' }
  #changed = Promise.withResolvers<void>()

  /** `written`: bytes that are in the file already. */
  constructor(file: FileHandle, written: number) {
    this.#file = file
    this.#written = written
    this.#arrived = written
  }

  /** Bytes that were added, or were there before. */
  get arrived(): number {
    return this.#arrived
  }

  /** Takes bytes; what arrives while others are written is written together. Throws what a write failed by, sooner or later. */
  async append(chunk: Buffer): Promise<void> {
    this.#gathered.push(chunk)
    this.#arrived += chunk.length
    this.#writing ??= this.#write()
    this.#writing.catch(() => {})
    if (this.#arrived - this.#written > MOST_GATHERED) await this.#writing
  }

  /** Fulfilled when all that arrived is written. */
  async flush(): Promise<void> {
    await this.#writing
  }

  /** Begins anew; only before anybody reads. */
  async clear(): Promise<void> {
    await this.#file.truncate(0)
    this.#written = 0
    this.#arrived = 0
  }

  /** A failure stays: what follows is behind a hole. */
  async #write(): Promise<void> {
    while (this.#gathered.length > 0) {
      const bytes = this.#gathered.length === 1 ? this.#gathered[0] : Buffer.concat(this.#gathered)
      this.#gathered = []
      if (bytes !== undefined) await this.#writeAll(bytes)
      this.#tell()
    }
    this.#writing = undefined
  }

  async #writeAll(bytes: Buffer): Promise<void> {
    for (let done = 0; done < bytes.length; ) {
      const { bytesWritten } = await this.#file.write(bytes, done, bytes.length - done, this.#written)
      done += bytesWritten
      this.#written += bytesWritten
    }
  }

  /** All bytes are here; whether they are right is not known yet. */
  async complete(): Promise<void> {
    await this.flush()
    this.#become({ kind: 'whole' })
  }

  /** The bytes are what the digest names. */
  approve(): void {
    this.#become({ kind: 'good' })
  }

  fail(error: unknown): void {
    this.#become({ kind: 'failed', error })
  }

  /** Bytes from `first` up to `end`, which is not included; undefined: to the file's end. Throws what the file failed by. */
  async *read(first: number, end: number | undefined, isTrusted: boolean, signal: AbortSignal): AsyncGenerator<Buffer> {
    for (let at = first; ; ) {
      const changed = this.#changed.promise
      if (this.#state.kind === 'failed') throw this.#state.error
      const isGood = this.#state.kind === 'good'
      const last = Math.min(end ?? this.#written, this.#written)
      const readable = isGood || isTrusted ? last : last - 1
      if (at < readable) {
        const chunk = await this.#bytes(at, Math.min(readable - at, READ_CHUNK))
        at += chunk.length
        yield chunk
      } else if (at >= last && (isGood || (isTrusted && this.#state.kind === 'whole'))) return
      else await unlessAborted(changed, signal)
    }
  }

  async #bytes(at: number, length: number): Promise<Buffer> {
    const { buffer, bytesRead } = await this.#file.read(Buffer.allocUnsafe(length), 0, length, at)
    if (bytesRead === 0) throw new Error('a file under way is shorter than what was written to it')
    return buffer.subarray(0, bytesRead)
  }

  #become(state: State): void {
    if (this.#state.kind === 'failed' || this.#state.kind === 'good') return
    this.#state = state
    this.#tell()
  }

  #tell(): void {
    const changed = this.#changed
    this.#changed = Promise.withResolvers()
    changed.resolve()
  }
}
