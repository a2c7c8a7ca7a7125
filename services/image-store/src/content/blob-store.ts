import { createHash } from 'node:crypto'
import { type FileHandle, open } from 'node:fs/promises'
import { CaissonError, invalid, notFound } from '@caisson/api'
import { type Digest, digestAlgorithm, digestHex, digestOf } from '@caisson/oci'
import { publish } from '../disk/durable.ts'
import type { Staging } from '../disk/staging.ts'
import type { StateDir } from '../disk/state-dir.ts'
import type { Hold } from '../lease/holds.ts'
import type { BlobRecord, BlobTable } from './ports.ts'

export interface BlobStoreDeps {
  readonly dir: StateDir
  readonly staging: Staging
  readonly table: BlobTable
  /** Milliseconds since 1970. */
  readonly clock: () => number
}

const READ_CHUNK = 256 << 10

/**
 * Blobs by digest. A blob is written beside the others, hashed on the way, brought to the disk, given its name, and only
 * then known: whoever sees it sees all of it. Callers hold a digest before they write it, so that it is not collected
 * before something refers to it.
 */
export class BlobStore {
  readonly #deps: BlobStoreDeps

  constructor(deps: BlobStoreDeps) {
    this.#deps = deps
  }

  find(digest: Digest): BlobRecord | undefined {
    return this.#deps.table.get(digest)
  }

  get(digest: Digest): BlobRecord {
    const blob = this.find(digest)
    if (!blob) throw notFound('blob', digest)
    return blob
  }

  /** Opens a blob for reading. */
  async open(digest: Digest): Promise<FileHandle> {
    this.get(digest)
    try {
      return await open(this.#deps.dir.blob(digest), 'r')
    } catch (error) {
      if (error instanceof Error && 'code' in error && error.code === 'ENOENT')
        throw damaged(digest, 'its file is missing')
      throw error
    }
  }

  /** Reads a part of a blob. `length` 0: to the end. Who reads all of it is told when its bytes have changed. */
  async *read(digest: Digest, offset: number, length: number, signal: AbortSignal): AsyncGenerator<Buffer> {
    const { size } = this.get(digest)
    if (offset < 0 || length < 0 || offset > size)
      throw invalid(`blob ${digest} has ${size} bytes: ${offset} is not a place in it`, { reason: 'INVALID_RANGE' })
    const end = length === 0 ? size : Math.min(size, offset + length)
    const hash = offset === 0 && end === size ? createHash(digestAlgorithm(digest)) : undefined
    await using file = await this.open(digest)
    for (let at = offset; at < end; ) {
      signal.throwIfAborted()
      const { bytesRead, buffer } = await file.read(Buffer.allocUnsafe(Math.min(READ_CHUNK, end - at)), {
        position: at,
      })
      if (bytesRead === 0) throw damaged(digest, `it ends after ${at} bytes`)
      at += bytesRead
      const chunk = buffer.subarray(0, bytesRead)
      hash?.update(chunk)
      yield chunk
    }
    if (hash && hash.digest('hex') !== digestHex(digest)) throw damaged(digest, 'its bytes have another digest')
  }

  /** Writes a small document. */
  async writeDocument(bytes: Uint8Array, hold: Hold): Promise<BlobRecord> {
    const digest = digestOf(bytes)
    return await this.write({ digest, size: bytes.length }, [bytes], hold)
  }

  /** Writes bytes that must have a digest, and a size unless that is 0. DATA_LOSS when they do not. */
  async write(
    expected: { readonly digest: Digest; readonly size: number },
    chunks: AsyncIterable<Uint8Array> | Iterable<Uint8Array>,
    hold: Hold,
  ): Promise<BlobRecord> {
    hold.add(expected.digest)
    using staging = this.#deps.staging.open()
    const path = staging.at('blob')
    const hash = createHash(digestAlgorithm(expected.digest))
    let size = 0
    {
      await using file = await open(path, 'wx', 0o600)
      for await (const chunk of chunks) {
        size += chunk.length
        if (expected.size > 0 && size > expected.size)
          throw mismatch(expected.digest, 'the blob is longer than was said')
        hash.update(chunk)
        await writeAll(file, chunk)
      }
      await file.sync()
    }
    if (expected.size > 0 && size < expected.size) throw mismatch(expected.digest, 'the blob is shorter than was said')
    const found = `${digestAlgorithm(expected.digest)}:${hash.digest('hex')}`
    if (found !== expected.digest) throw mismatch(expected.digest, `the blob has the digest ${found}`)
    return await this.adopt(path, { digest: expected.digest, size }, hold)
  }

  /** Takes a file over that is on the disk and whose digest was made from its bytes. Nothing happens if it is held. */
  async adopt(
    staged: string,
    blob: { readonly digest: Digest; readonly size: number },
    hold: Hold,
  ): Promise<BlobRecord> {
    hold.add(blob.digest)
    const present = this.find(blob.digest)
    if (present) return present
    await publish(staged, this.#deps.dir.blob(blob.digest))
    this.#deps.table.insert({ ...blob, createdMs: this.#deps.clock() })
    return this.get(blob.digest)
  }
}

async function writeAll(file: FileHandle, chunk: Uint8Array): Promise<void> {
  for (let at = 0; at < chunk.length; ) at += (await file.write(chunk, at)).bytesWritten
}

/** Bytes that are not what their digest says. */
export function mismatch(subject: string, what: string): CaissonError {
  return new CaissonError('data-loss', `${subject}: ${what}: fetch it anew`, {
    reason: 'DIGEST_MISMATCH',
    details: { digest: subject },
  })
}

function damaged(digest: Digest, what: string): CaissonError {
  return new CaissonError('data-loss', `the stored blob ${digest} is damaged: ${what}: load or pull its image again`, {
    reason: 'BLOB_DAMAGED',
    details: { digest },
  })
}
