import { createHash, type Hash } from 'node:crypto'
import { type FileHandle, open } from 'node:fs/promises'
import type { Readable } from 'node:stream'
import { CaissonError, exhausted } from '@caisson/api'
import type { DigestAlgorithm } from '@caisson/oci'
import type { UploadChunk } from '../ports.ts'

const WRITE_BATCH = 1 << 20
/** Bytes behind which what arrived goes to the disk while more arrives, so that the end has little left to wait for. */
const SYNC_EVERY = 32 << 20

/** Writes the body of one append behind `offset`, hashing it on the way. */
export class UploadFile implements AsyncDisposable {
  readonly #file: FileHandle
  readonly #hash: Hash | undefined
  #batch: Buffer[] = []
  #batched = 0
  #writing: Promise<unknown> = Promise.resolve()
  #syncing: Promise<unknown> | undefined
  #synced: number
  /** Bytes that arrived. */
  #arrived: number

  private constructor(file: FileHandle, offset: number, hash: Hash | undefined) {
    this.#file = file
    this.#arrived = offset
    this.#synced = offset
    this.#hash = hash
  }

  /** Opens or makes the file; what is behind `offset` was never acknowledged and goes. */
  static async open(path: string, offset: number, hash: Hash | undefined): Promise<UploadFile> {
    const file = await open(path, offset === 0 ? 'w' : 'r+', 0o600)
    if (offset > 0) await file.truncate(offset)
    return new UploadFile(file, offset, hash)
  }

  /** Bytes that are written, once `settle` has returned. */
  get offset(): number {
    return this.#arrived
  }

  /** Takes the whole body. `progress` is told of offsets that are on the disk. */
  async take(body: Readable, chunk: UploadChunk, signal: AbortSignal, progress: (offset: number) => void) {
    const start = this.#arrived
    const end = chunk.length === undefined ? Number.POSITIVE_INFINITY : start + chunk.length
    const most = chunk.most === undefined ? Number.POSITIVE_INFINITY : start + chunk.most
    // What is refused is read on by whoever answers, so the body must outlive this.
    for await (const piece of body.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>) {
      signal.throwIfAborted()
      const next = this.#arrived + piece.length
      if (next > end) throw wrongSize(chunk.length, 'more')
      if (next > most) throw exhausted('QUOTA_EXCEEDED', 'the upload is larger than what the quota leaves room for')
      this.#hash?.update(piece)
      this.#arrived = next
      this.#batch.push(piece)
      this.#batched += piece.length
      if (this.#batched >= WRITE_BATCH) await this.#flush()
      if (next - this.#synced >= SYNC_EVERY) this.#syncBehind(next, progress)
    }
    if (this.#arrived < end && chunk.length !== undefined) throw wrongSize(chunk.length, 'less')
    await this.settle()
  }

  /** Fulfilled when all that arrived is written. */
  async settle(): Promise<void> {
    await this.#flush()
    await this.#writing
    await this.#syncing
  }

  /** Gives up what is behind `offset`, and the room that it takes. */
  async cutTo(offset: number): Promise<void> {
    await this.#writing.catch(() => {})
    await this.#syncing
    this.#batch = []
    this.#batched = 0
    this.#arrived = offset
    await this.#file.truncate(offset)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#writing.catch(() => {})
    await this.#syncing
    await this.#file.close()
  }

  /** Begins to write what was gathered, once the batch before it is written. */
  async #flush(): Promise<void> {
    await this.#writing
    if (this.#batched === 0) return
    const position = this.#arrived - this.#batched
    const writing = writeAll(this.#file, this.#batch, this.#batched, position)
    // It is awaited before the next one; until then a failure is nobody's.
    writing.catch(() => {})
    this.#writing = writing
    this.#batch = []
    this.#batched = 0
  }

  #syncBehind(offset: number, progress: (offset: number) => void): void {
    if (this.#syncing) return
    this.#synced = offset
    this.#syncing = this.#flush()
      .then(() => this.#writing)
      .then(() => this.#file.datasync())
      .then(() => progress(offset))
      // The next write or the sync at the end meets the same failure.
      .catch(() => {})
      .finally(() => {
        this.#syncing = undefined
      })
  }
}

async function writeAll(file: FileHandle, pieces: Buffer[], length: number, position: number): Promise<void> {
  const { bytesWritten } = await file.writev(pieces, position)
  if (bytesWritten === length) return
  // A disk that is full up to here: the rest tells why.
  const rest = Buffer.concat(pieces).subarray(bytesWritten)
  for (let done = 0; done < rest.length; ) {
    const wrote = await file.write(rest, done, rest.length - done, position + bytesWritten + done)
    done += wrote.bytesWritten
  }
}

function wrongSize(expected: number | undefined, what: 'more' | 'less'): CaissonError {
  return new CaissonError('invalid-argument', `the body has ${what} than the ${expected} bytes it was to have`, {
    reason: 'SIZE_INVALID',
  })
}

/** The digest of a file's first bytes, when the one that was made on the way is not to be had. */
export async function hashFile(path: string, algorithm: DigestAlgorithm, length: number): Promise<Hash> {
  const hash = createHash(algorithm)
  if (length === 0) return hash
  await using file = await open(path, 'r')
  for await (const piece of file.createReadStream({ end: length - 1, highWaterMark: WRITE_BATCH, autoClose: false }))
    hash.update(piece as Buffer)
  return hash
}
