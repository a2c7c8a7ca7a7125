import { mkdirSync } from 'node:fs'
import { type FileHandle, link, mkdir, open, readdir, rm } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { Readable } from 'node:stream'
import { CaissonError } from '@caisson/api'
import { type Digest, digestAlgorithm, digestHex } from '@caisson/oci'
import type { BlobReader, BlobStat, Blobs, ByteRange } from '../ports.ts'
import { sliceOf } from '../slice.ts'
import { syncDirectory } from './durable.ts'
import type { LinkTable } from './link-table.ts'

const READ_CHUNK = 256 * 1024
const ALGORITHMS = ['sha256', 'sha512'] as const

/** Blobs as files: blobs/<algorithm>/<two digits>/<digits>. A blob exists when it has a row; its file is there before. */
export class BlobFiles implements Blobs {
  readonly #dir: string
  readonly #links: LinkTable

  private constructor(dir: string, links: LinkTable) {
    this.#dir = dir
    this.#links = links
  }

  static async open(dir: string, links: LinkTable): Promise<BlobFiles> {
    for (const algorithm of ALGORITHMS) mkdirSync(join(dir, algorithm), { recursive: true, mode: 0o700 })
    await syncDirectory(dir)
    await syncDirectory(join(dir, '..'))
    return new BlobFiles(dir, links)
  }

  async stat(digest: Digest): Promise<BlobStat | undefined> {
    return this.#links.stat(digest)
  }

  async open(digest: Digest, range: ByteRange | undefined, signal: AbortSignal): Promise<BlobReader | undefined> {
    const stat = this.#links.stat(digest)
    if (stat === undefined) return undefined
    const { first, length } = sliceOf(range, stat.size)
    signal.throwIfAborted()
    const file = await open(this.#path(digest), 'r').catch((cause: unknown) => {
      // Removed since we looked, or lost.
      if (this.#links.stat(digest) === undefined) return undefined
      throw new CaissonError('data-loss', `the file of ${digest} cannot be opened: push it again`, {
        reason: 'BLOB_LOST',
        details: { digest },
        cause,
      })
    })
    return file && new FileReader(file, stat.size, first, length)
  }

  async list(after: Digest | undefined, limit: number): Promise<BlobStat[]> {
    return this.#links.page(after, limit)
  }

  /** Gives a file that is on the disk a second name in its place, and brings that name to the disk. */
  async adopt(file: string, digest: Digest): Promise<void> {
    const path = this.#path(digest)
    const folder = dirname(path)
    if ((await mkdir(folder, { recursive: true, mode: 0o700 })) !== undefined) await syncDirectory(dirname(folder))
    // One that has no row is left over from something that failed.
    await rm(path, { force: true })
    await link(file, path)
    await syncDirectory(folder)
  }

  /** Once the row is gone for good. */
  async remove(digest: Digest): Promise<void> {
    await rm(this.#path(digest), { force: true })
  }

  /** Removes files without a row: of uploads and removals that were cut off. Before anything is served. */
  async removeStrays(): Promise<number> {
    let removed = 0
    for (const algorithm of ALGORITHMS) {
      for (const fan of await readdir(join(this.#dir, algorithm))) {
        const folder = join(this.#dir, algorithm, fan)
        for (const name of await readdir(folder)) {
          if (this.#links.stat(`${algorithm}:${name}` as Digest) !== undefined) continue
          await rm(join(folder, name))
          removed++
        }
      }
    }
    return removed
  }

  #path(digest: Digest): string {
    const hex = digestHex(digest)
    return join(this.#dir, digestAlgorithm(digest), hex.slice(0, 2), hex)
  }
}

class FileReader implements BlobReader {
  readonly size: number
  readonly first: number
  readonly length: number
  readonly #file: FileHandle

  constructor(file: FileHandle, size: number, first: number, length: number) {
    this.#file = file
    this.size = size
    this.first = first
    this.length = length
  }

  get file(): number {
    return this.#file.fd
  }

  stream(): Readable {
    if (this.length === 0) return Readable.from([])
    return this.#file.createReadStream({
      start: this.first,
      end: this.first + this.length - 1,
      highWaterMark: READ_CHUNK,
    })
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#file.close()
  }
}
