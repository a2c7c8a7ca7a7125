import { createHash } from 'node:crypto'
import { type FileHandle, open } from 'node:fs/promises'
import type { Readable } from 'node:stream'
import { CaissonError, exhausted } from '@caisson/api'
import type { DigestAlgorithm } from '@caisson/oci'
import { nativeWriter, type RunningHash } from '../../native/native-writer.ts'
import { gathered } from '../gathered.ts'
import type { UploadChunk } from '../ports.ts'

/** What one append holds in memory is twice this. */
const BATCH = 512 << 10
const READ_BATCH = 1 << 20
/** Bytes behind which what arrived goes to the disk while more arrives, so that the end has little left to wait for. */
const SYNC_EVERY = 32 << 20

/** Writes the body of one append behind `offset`, hashing it on the way; both happen off the main thread. */
export class UploadFile implements AsyncDisposable {
  readonly #file: FileHandle
  #hash: RunningHash | undefined
  #syncing: Promise<unknown> | undefined
  #synced: number
  #offset: number

  private constructor(file: FileHandle, offset: number, hash: RunningHash | undefined) {
    this.#file = file
    this.#offset = offset
    this.#synced = offset
    this.#hash = hash
  }

  /** Opens or makes the file; what is behind `offset` was never acknowledged and goes. */
  static async open(path: string, offset: number, hash: RunningHash | undefined): Promise<UploadFile> {
    const file = await open(path, offset === 0 ? 'w' : 'r+', 0o600)
    if (offset > 0) await file.truncate(offset)
    return new UploadFile(file, offset, hash)
  }

  /** Bytes that are written. */
  get offset(): number {
    return this.#offset
  }

  /** Of what is written. Undefined: it has to be read again. */
  get hash(): RunningHash | undefined {
    return this.#hash
  }

  /** Takes the whole body. `progress` is told of offsets that are on the disk. */
  async take(
    body: Readable,
    chunk: UploadChunk,
    signal: AbortSignal,
    progress: (offset: number) => void,
  ): Promise<void> {
    const end = chunk.length === undefined ? Number.POSITIVE_INFINITY : this.#offset + chunk.length
    const most = chunk.most === undefined ? Number.POSITIVE_INFINITY : this.#offset + chunk.most
    for await (const pieces of gathered(body, BATCH)) {
      signal.throwIfAborted()
      const next = pieces.reduce((total, { length }) => total + length, this.#offset)
      if (next > end) throw wrongSize(chunk.length, 'more')
      if (next > most) throw exhausted('QUOTA_EXCEEDED', 'the upload is larger than what the quota leaves room for')
      await this.#write(pieces, next)
      if (next - this.#synced >= SYNC_EVERY) this.#syncBehind(progress)
    }
    if (this.#offset < end && chunk.length !== undefined) throw wrongSize(chunk.length, 'less')
  }

  /** Gives up what is behind `offset`, and the room that it takes. */
  async cutTo(offset: number): Promise<void> {
    await this.#syncing
    this.#hash = undefined
    this.#offset = offset
    await this.#file.truncate(offset)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#syncing
    await this.#file.close()
  }

  async #write(pieces: readonly Buffer[], next: number): Promise<void> {
    const hash = this.#hash
    // Until it is written the hash is of more than the file has.
    this.#hash = undefined
    await nativeWriter.write(hash, this.#file.fd, this.#offset, pieces)
    this.#hash = hash
    this.#offset = next
  }

  #syncBehind(progress: (offset: number) => void): void {
    if (this.#syncing) return
    const offset = this.#offset
    this.#synced = offset
    this.#syncing = this.#file
      .datasync()
      .then(() => progress(offset))
      // The sync at the end meets the same failure.
      .catch(() => {})
      .finally(() => {
        this.#syncing = undefined
      })
  }
}

function wrongSize(expected: number | undefined, what: 'more' | 'less'): CaissonError {
  return new CaissonError('invalid-argument', `the body has ${what} than the ${expected} bytes it was to have`, {
    reason: 'SIZE_INVALID',
  })
}

/** The digest of a file's first bytes, in hex, when the one that was made on the way is not to be had. */
export async function hashFile(path: string, algorithm: DigestAlgorithm, length: number): Promise<string> {
  const hash = createHash(algorithm)
  if (length === 0) return hash.digest('hex')
  await using file = await open(path, 'r')
  for await (const piece of file.createReadStream({ end: length - 1, highWaterMark: READ_BATCH, autoClose: false }))
    hash.update(piece as Buffer)
  return hash.digest('hex')
}
