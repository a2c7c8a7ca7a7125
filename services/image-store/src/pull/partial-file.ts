import { createHash, type Hash } from 'node:crypto'
import { constants } from 'node:fs'
import { type FileHandle, open } from 'node:fs/promises'
import { CaissonError } from '@caisson/api'
import { type Digest, digestAlgorithm } from '@caisson/oci'

const READ_CHUNK = 1 << 20

/** A file that takes the bytes of a blob one after the other, and makes their digest on the way. */
export class PartialFile implements AsyncDisposable {
  readonly #file: FileHandle
  readonly #digest: Digest
  #hash: Hash
  #size = 0

  private constructor(file: FileHandle, digest: Digest) {
    this.#file = file
    this.#digest = digest
    this.#hash = createHash(digestAlgorithm(digest))
  }

  /** Opens the file, or makes it. What is in it is read once, for the digest. */
  static async open(path: string, digest: Digest, signal: AbortSignal): Promise<PartialFile> {
    const flags = constants.O_RDWR | constants.O_CREAT | constants.O_NOFOLLOW
    const file = new PartialFile(await open(path, flags, 0o600).catch(rethrow), digest)
    try {
      await file.#readOn(signal)
      return file
    } catch (error) {
      await file[Symbol.asyncDispose]()
      throw error
    }
  }

  /** Bytes that it has. */
  get size(): number {
    return this.#size
  }

  async append(chunks: readonly Uint8Array[]): Promise<void> {
    for (const chunk of chunks) this.#hash.update(chunk)
    await writeAll(this.#file, chunks, this.#size)
    this.#size += lengthOf(chunks)
  }

  /** Begins anew. */
  async clear(): Promise<void> {
    await this.#file.truncate(0).catch(rethrow)
    this.#size = 0
    this.#hash = createHash(digestAlgorithm(this.#digest))
  }

  /** The digest of the bytes so far. */
  digest(): string {
    return `${digestAlgorithm(this.#digest)}:${this.#hash.copy().digest('hex')}`
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#file.close()
  }

  async #readOn(signal: AbortSignal): Promise<void> {
    const buffer = Buffer.allocUnsafe(READ_CHUNK)
    for (;;) {
      signal.throwIfAborted()
      const { bytesRead } = await this.#file.read(buffer, 0, buffer.length, this.#size)
      if (bytesRead === 0) return
      this.#hash.update(buffer.subarray(0, bytesRead))
      this.#size += bytesRead
    }
  }
}

/** In one call, unless the disk takes less than it is given. */
async function writeAll(file: FileHandle, chunks: readonly Uint8Array[], position: number): Promise<void> {
  const { bytesWritten } = await file.writev(chunks, position).catch(rethrow)
  if (bytesWritten === lengthOf(chunks)) return
  const rest = Buffer.concat(chunks).subarray(bytesWritten)
  for (let at = 0; at < rest.length; ) {
    const from = position + bytesWritten + at
    at += (await file.write(rest, at, rest.length - at, from).catch(rethrow)).bytesWritten
  }
}

const lengthOf = (chunks: readonly Uint8Array[]): number => chunks.reduce((sum, { length }) => sum + length, 0)

/** A failure of the disk is told as such, so that it is not taken for one of the registry. */
function rethrow(error: unknown): never {
  throw CaissonError.from(error)
}
