import { randomBytes } from 'node:crypto'
import { open, readdir, rm, stat } from 'node:fs/promises'
import { join } from 'node:path'
import type { Readable } from 'node:stream'
import { CaissonError } from '@caisson/api'
import { type Digest, type DigestAlgorithm, digestAlgorithm } from '@caisson/oci'
import type { RepositoryName } from '../../distribution/names.ts'
import { nativeWriter, type RunningHash } from '../../native/native-writer.ts'
import type { BlobStat, Changes, QuotaLimit, Scope, UploadChunk, UploadState, Uploads } from '../ports.ts'
import type { Turns } from '../turns.ts'
import type { BlobFiles } from './blob-files.ts'
import type { Commits } from './commits.ts'
import type { LinkTable } from './link-table.ts'
import type { DiskRecords } from './records.ts'
import { uploadUnknown } from './rows.ts'
import { hashFile, UploadFile } from './upload-file.ts'
import type { UploadTable } from './upload-table.ts'

export interface UploadFilesDeps {
  /** Folder of what is not finished; on the same file system as the blobs. */
  readonly dir: string
  readonly table: UploadTable
  readonly links: LinkTable
  readonly files: BlobFiles
  readonly records: DiskRecords
  readonly commits: Commits
  readonly changes: Changes
  /** Turns on a digest: nobody makes a blob while it is being removed. */
  readonly turns: Turns
  readonly clock: () => number
}

/** A hash that was made up to an offset. */
interface HashedSoFar {
  readonly hash: RunningHash
  readonly offset: number
}

/** Hashes that are kept for uploads between their requests; the others are made again from the file. */
const MOST_HASHES = 4_096

/** Uploads as files, with a row each. The row's offset is where an upload goes on after a crash. */
export class UploadFiles implements Uploads {
  readonly #deps: UploadFilesDeps
  readonly #busy = new Set<string>()
  readonly #hashes = new Map<string, HashedSoFar>()

  constructor(deps: UploadFilesDeps) {
    this.#deps = deps
  }

  async create(repository: RepositoryName, algorithm: DigestAlgorithm): Promise<UploadState> {
    const startedAt = this.#deps.clock()
    const state = { id: randomBytes(16).toString('hex'), repository, algorithm, offset: 0, startedAt }
    this.#deps.commits.runLightly(() => this.#deps.table.insert(state))
    this.#keepHash(state.id, { hash: nativeWriter.begin(algorithm), offset: 0 })
    return state
  }

  async state(repository: RepositoryName, id: string): Promise<UploadState | undefined> {
    return this.#deps.table.get(repository, id)
  }

  async append(
    repository: RepositoryName,
    id: string,
    chunk: UploadChunk,
    body: Readable,
    signal: AbortSignal,
  ): Promise<UploadState> {
    return await this.#alone(repository, id, async (state) => {
      if (chunk.offset !== undefined && chunk.offset !== state.offset) throw misplaced(state)
      const offset = await this.#write(state, chunk, body, signal)
      return { ...state, offset }
    })
  }

  async #write(state: UploadState, chunk: UploadChunk, body: Readable, signal: AbortSignal): Promise<number> {
    const { id, offset: start } = state
    const kept = this.#hashes.get(id)
    const hash = kept?.offset === start ? nativeWriter.copy(kept.hash) : undefined
    await using file = await UploadFile.open(this.#path(id), start, hash)
    try {
      await file.take(body, chunk, signal, (offset) => this.#advance(id, offset))
    } catch (thrown) {
      if (chunk.length === undefined && hasRoom(thrown)) this.#arrivedUpTo(id, file)
      else {
        await file.cutTo(start)
        this.#advance(id, start)
      }
      throw thrown
    }
    this.#arrivedUpTo(id, file)
    return file.offset
  }

  #arrivedUpTo(id: string, { offset, hash }: UploadFile): void {
    if (hash !== undefined) this.#keepHash(id, { hash, offset })
    this.#advance(id, offset)
  }

  #advance(id: string, offset: number): void {
    const { commits, table, clock } = this.#deps
    commits.runLightly(() => table.advance(id, offset, clock()))
  }

  async finish(repository: RepositoryName, id: string, digest: Digest, limit?: QuotaLimit): Promise<BlobStat> {
    return await this.#alone(repository, id, async (state) => {
      const path = this.#path(id)
      const found = await this.#hashOf(state, digestAlgorithm(digest))
      if (found !== digest) {
        await this.#forget(id)
        throw wrongDigest(digest, found)
      }
      const blob = { digest, size: state.offset }
      await this.#deps.turns.take(digest, () => this.#publish(repository, id, path, blob, limit))
      this.#hashes.delete(id)
      return blob
    })
  }

  async #hashOf(state: UploadState, algorithm: DigestAlgorithm): Promise<string> {
    const kept = this.#hashes.get(state.id)
    const isKept = kept !== undefined && kept.offset === state.offset && state.algorithm === algorithm
    const hex = isKept ? nativeWriter.hex(kept.hash) : await hashFile(this.#path(state.id), algorithm, state.offset)
    return `${algorithm}:${hex}`
  }

  async #publish(
    repository: RepositoryName,
    id: string,
    path: string,
    blob: BlobStat,
    limit: QuotaLimit | undefined,
  ): Promise<void> {
    const { links, files, table, records, commits, changes } = this.#deps
    const isNew = links.stat(blob.digest) === undefined
    if (isNew) {
      await syncFile(path, blob.size)
      await files.adopt(path, blob.digest)
    }
    try {
      await commits.run(() => {
        links.insert(blob)
        records.link(repository, blob, limit)
        table.delete(id)
        changes.blobPushed({ repository, blob, mounted: false })
      })
    } catch (thrown) {
      if (isNew) await files.remove(blob.digest)
      await this.#forget(id)
      throw thrown
    }
    // Until here a crash leaves the upload as it was, and the client asks again.
    await rm(path, { force: true })
  }

  async cancel(repository: RepositoryName, id: string): Promise<boolean> {
    if (this.#deps.table.get(repository, id) === undefined) return false
    return await this.#alone(repository, id, async () => {
      await this.#forget(id)
      return true
    })
  }

  async expire(before: number): Promise<number> {
    const { table } = this.#deps
    let expired = 0
    for (const id of table.idleSince(before)) {
      if (this.#busy.has(id)) continue
      await this.#forget(id)
      expired++
    }
    return expired
  }

  async pending(scope: Scope): Promise<number> {
    return this.#deps.table.pending(scope)
  }

  /** Lets no row promise more than its file has: a power cut may have taken the rest. Before anything is served. */
  async mendRows(): Promise<void> {
    const { commits, table, clock } = this.#deps
    for (const { id, offset } of table.begun()) {
      const size = await stat(this.#path(id)).then(
        (found) => found.size,
        (error: NodeJS.ErrnoException) => (error.code === 'ENOENT' ? 0 : Promise.reject(error)),
      )
      if (size < offset) commits.runLightly(() => table.advance(id, size, clock()))
    }
  }

  /** Removes files without a row. Before anything is served. */
  async removeStrays(): Promise<number> {
    let removed = 0
    for (const name of await readdir(this.#deps.dir)) {
      if (this.#deps.table.has(name)) continue
      await rm(join(this.#deps.dir, name))
      removed++
    }
    return removed
  }

  /** The file first: on a full disk the row needs the room. */
  async #forget(id: string): Promise<void> {
    const { commits, table } = this.#deps
    this.#hashes.delete(id)
    await rm(this.#path(id), { force: true })
    commits.removeLightly(() => table.delete(id))
  }

  async #alone<T>(repository: RepositoryName, id: string, act: (state: UploadState) => Promise<T>): Promise<T> {
    if (this.#busy.has(id)) throw busy(id)
    const state = this.#deps.table.get(repository, id)
    if (state === undefined) throw uploadUnknown(id)
    this.#busy.add(id)
    try {
      return await act(state)
    } finally {
      this.#busy.delete(id)
    }
  }

  #keepHash(id: string, hashed: HashedSoFar): void {
    this.#hashes.delete(id)
    this.#hashes.set(id, hashed)
    if (this.#hashes.size <= MOST_HASHES) return
    const [oldest] = this.#hashes.keys()
    if (oldest !== undefined) this.#hashes.delete(oldest)
  }

  #path(id: string): string {
    return join(this.#deps.dir, id)
  }
}

/** Whether an append ended for another reason than that there is no room for it. */
function hasRoom(thrown: unknown): boolean {
  return !['QUOTA_EXCEEDED', 'NO_SPACE'].includes(CaissonError.from(thrown).reason)
}

async function syncFile(path: string, size: number): Promise<void> {
  // An upload that nothing was ever added to has no file yet.
  await using file = await open(path, size === 0 ? 'a' : 'r+', 0o600)
  await file.sync()
}

function busy(id: string): CaissonError {
  const message = `another request works on the upload ${id}: wait for it`
  return new CaissonError('aborted', message, { reason: 'UPLOAD_BUSY', details: { upload: id } })
}

function misplaced(state: UploadState): CaissonError {
  return new CaissonError('out-of-range', `the upload stands at ${state.offset}: go on there`, {
    reason: 'RANGE_INVALID',
    details: { offset: String(state.offset) },
  })
}

function wrongDigest(digest: Digest, found: string): CaissonError {
  const message = `what was sent has the digest ${found}, not ${digest}: send it again`
  return new CaissonError('invalid-argument', message, { reason: 'DIGEST_INVALID', details: { digest, found } })
}
