import { createHash, type Hash, randomBytes } from 'node:crypto'
import type { Readable } from 'node:stream'
import { CaissonError } from '@caisson/api'
import { type Digest, type DigestAlgorithm, digestAlgorithm } from '@caisson/oci'
import { digestMismatch } from '../../distribution/errors.ts'
import type { RepositoryName } from '../../distribution/names.ts'
import type { BlobStat, Changes, QuotaLimit, Scope, UploadChunk, UploadState, Uploads } from '../ports.ts'
import { hashData } from './blob-data.ts'
import type { BlobObjects } from './blob-objects.ts'
import type { Cells } from './cells.ts'
import { isInScope, keys } from './keys.ts'
import type { Links } from './links.ts'
import { readBytes, UploadBody } from './upload-body.ts'
import { Slots, type UploadParts } from './upload-parts.ts'
import { Session, type SessionValue, stateOf } from './upload-session.ts'

export interface BucketUploadsDeps {
  readonly cells: Cells
  readonly blobs: BlobObjects
  readonly links: Links
  readonly parts: UploadParts
  readonly changes: Changes
  readonly clock: () => number
}

/** Hashes that are kept for uploads between their requests; without one the bytes are read back at the end. */
const MOST_HASHES = 4_096
/** Bodies that are taken at once: each holds up to two parts in memory. */
const MOST_BODIES = 32
/** Rounds of a blob that garbage collection took away before it was linked. */
const MOST_ROUNDS = 10

/** Uploads whose state is an object, so that any process goes on with any of them. */
export class BucketUploads implements Uploads {
  readonly #deps: BucketUploadsDeps
  readonly #hashes = new Map<string, { readonly hash: Hash; readonly offset: number }>()
  readonly #bodies = new Slots(MOST_BODIES)

  constructor(deps: BucketUploadsDeps) {
    this.#deps = deps
  }

  async create(repository: RepositoryName, algorithm: DigestAlgorithm): Promise<UploadState> {
    const id = randomBytes(16).toString('hex')
    const startedAt = this.#deps.clock()
    const value = { repository, algorithm, offset: 0, startedAt, touchedAt: startedAt, parts: [], nextPart: 1 }
    await this.#deps.cells.put<SessionValue>(keys.upload(id), value)
    return stateOf(id, value)
  }

  async state(repository: RepositoryName, id: string): Promise<UploadState | undefined> {
    const found = await Session.find(this.#deps.cells, repository, id)
    return found && stateOf(id, found.value)
  }

  async append(
    repository: RepositoryName,
    id: string,
    chunk: UploadChunk,
    body: Readable,
    signal: AbortSignal,
  ): Promise<UploadState> {
    // Waiting comes before the upload is held, so that nobody else finds it held by who only waits.
    return await this.#bodies.during(async () => {
      const session = await this.#take(repository, id)
      const { offset, tail } = session.value
      if (chunk.offset !== undefined && chunk.offset !== offset) {
        await session.release({ tail })
        throw misplaced(id, offset)
      }
      await this.#takeBody(session, chunk, body, signal)
      return stateOf(id, session.value)
    })
  }

  async #takeBody(session: Session, chunk: UploadChunk, body: Readable, signal: AbortSignal): Promise<void> {
    const start = session.value
    const kept = this.#hashes.get(session.id)
    const hash =
      kept?.offset === start.offset ? kept.hash.copy() : start.offset === 0 ? createHash(start.algorithm) : undefined
    const taken = new UploadBody(session, this.#deps.cells.objects, this.#deps.parts, hash)
    try {
      await taken.take(body, chunk, signal)
    } catch (thrown) {
      if (chunk.length === undefined && !(thrown instanceof CaissonError)) await this.#settle(session, taken, hash)
      else {
        await taken.quiet()
        const { parts, offset, tail } = start
        await session.release({ parts, offset, tail, nextPart: taken.nextPart })
      }
      throw thrown
    }
    await this.#settle(session, taken, hash)
  }

  /** Keeps all that arrived. */
  async #settle(session: Session, taken: UploadBody, hash: Hash | undefined): Promise<void> {
    const tailBefore = session.value.tail
    try {
      await session.release(await taken.settle())
    } catch (thrown) {
      await taken.quiet()
      // Where it stood last is still true; when this fails too, the session is let go by its time.
      await session.release({ tail: session.value.tail, nextPart: taken.nextPart }).catch(() => {})
      throw thrown
    }
    if (hash !== undefined) this.#keepHash(session.id, hash, session.value.offset)
    if (tailBefore !== undefined && tailBefore.key !== session.value.tail?.key)
      await this.#deps.cells.objects.delete(tailBefore.key)
  }

  async finish(repository: RepositoryName, id: string, digest: Digest, limit?: QuotaLimit): Promise<BlobStat> {
    const session = await this.#take(repository, id)
    const blob = { digest, size: session.value.offset }
    try {
      await this.#assemble(session)
      const found = await this.#digestOf(session, digestAlgorithm(digest))
      if (found !== digest) throw digestMismatch(digest, found)
      // Whoever took it over meanwhile has finished it, or will.
      await session.save({ tail: session.value.tail })
      await this.#publish(session, blob, limit)
    } catch (thrown) {
      if (thrown instanceof CaissonError && isFinal(thrown)) await this.#drop(session, digest)
      // When this fails too, the session is let go by its time.
      else await session.release({ tail: session.value.tail }).catch(() => {})
      throw thrown
    }
    await this.#end(session)
    this.#deps.changes.blobPushed({ repository, blob, mounted: false })
    return blob
  }

  /** Makes one object of the parts and the tail. No blob points at it yet. */
  async #assemble(session: Session): Promise<void> {
    const { cells, parts } = this.#deps
    const { multipart, tail, parts: sent, nextPart, offset } = session.value
    const rest = tail === undefined ? Buffer.alloc(0) : await readBytes(cells.objects, tail.key)
    if (multipart === undefined || sent.length === 0) {
      await cells.objects.put(keys.data(session.id), rest)
      return
    }
    if ((await cells.objects.size(keys.data(session.id))) === offset) return
    const last = []
    if (tail !== undefined) {
      await session.save({ nextPart: nextPart + 1, tail })
      last.push(await parts.send(session.id, multipart, nextPart, rest))
    }
    await parts.complete(session.id, multipart, [...sent, ...last], offset)
  }

  async #digestOf(session: Session, algorithm: DigestAlgorithm): Promise<string> {
    const { offset, algorithm: hashedWith } = session.value
    const kept = this.#hashes.get(session.id)
    if (kept !== undefined && kept.offset === offset && hashedWith === algorithm)
      return `${algorithm}:${kept.hash.copy().digest('hex')}`
    return await hashData(this.#deps.cells.objects, keys.data(session.id), offset, algorithm)
  }

  async #publish(session: Session, blob: BlobStat, limit: QuotaLimit | undefined): Promise<void> {
    const { blobs, links, cells } = this.#deps
    const { repository } = session.value
    for (let round = 0; round < MOST_ROUNDS; round++) {
      const { data } = await blobs.publish(blob.digest, { size: blob.size, data: session.id })
      if (!(await links.add(repository, blob, limit))) continue
      if (data !== session.id) await cells.objects.delete(keys.data(session.id))
      return
    }
    throw new CaissonError('aborted', `the blob ${blob.digest} is removed again and again: try again later`)
  }

  async cancel(repository: RepositoryName, id: string): Promise<boolean> {
    if ((await Session.find(this.#deps.cells, repository, id)) === undefined) return false
    await this.#drop(await this.#take(repository, id))
    return true
  }

  async expire(before: number): Promise<number> {
    const { cells, clock } = this.#deps
    let expired = 0
    for await (const { key, value } of cells.values<SessionValue>(cells.objects.list('uploads/'))) {
      if (value.touchedAt >= before || (value.holder !== undefined && value.holder.until > clock())) continue
      try {
        if (await this.cancel(value.repository, key.slice('uploads/'.length))) expired++
      } catch (thrown) {
        // Somebody went on with it after all, or ended it.
        if (!(thrown instanceof CaissonError) || !['UPLOAD_BUSY', 'BLOB_UPLOAD_UNKNOWN'].includes(thrown.reason))
          throw thrown
      }
    }
    return expired
  }

  async pending(scope: Scope): Promise<number> {
    const { cells } = this.#deps
    let bytes = 0
    for await (const { value } of cells.values<SessionValue>(cells.objects.list('uploads/')))
      if (isInScope(value.repository, scope)) bytes += value.offset
    return bytes
  }

  /** Removes an upload and its bytes, unless they are those of the blob by now. */
  async #drop(session: Session, digest?: Digest): Promise<void> {
    const { cells, parts, blobs } = this.#deps
    const { multipart } = session.value
    if (multipart !== undefined) await parts.abort(session.id, multipart)
    if (digest === undefined || (await blobs.dataOf(digest)) !== session.id)
      await cells.objects.delete(keys.data(session.id))
    await this.#end(session)
  }

  async #end(session: Session): Promise<void> {
    this.#hashes.delete(session.id)
    await session.end()
    if (session.value.tail !== undefined) await this.#deps.cells.objects.delete(session.value.tail.key)
  }

  async #take(repository: RepositoryName, id: string): Promise<Session> {
    return await Session.take(this.#deps.cells, repository, id, this.#deps.clock)
  }

  #keepHash(id: string, hash: Hash, offset: number): void {
    this.#hashes.delete(id)
    this.#hashes.set(id, { hash, offset })
    const oldest = this.#hashes.keys().next()
    if (this.#hashes.size > MOST_HASHES && !oldest.done) this.#hashes.delete(oldest.value)
  }
}

/** The upload is gone after these. */
const isFinal = (thrown: CaissonError): boolean => ['DIGEST_INVALID', 'QUOTA_EXCEEDED'].includes(thrown.reason)

function misplaced(id: string, offset: number): CaissonError {
  return new CaissonError('out-of-range', `the upload ${id} stands at ${offset}: go on from there`, {
    reason: 'RANGE_INVALID',
    details: { upload: id, offset: String(offset) },
  })
}
