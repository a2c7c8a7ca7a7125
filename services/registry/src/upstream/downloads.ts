import type { FileHandle } from 'node:fs/promises'
import type { Readable } from 'node:stream'
import { CaissonError } from '@caisson/api'
import { digestAlgorithm } from '@caisson/oci'
import type { Logger } from '@caisson/service-kit'
import pLimit, { type LimitFunction } from 'p-limit'
import type { BlobStat } from '../backend/ports.ts'
import type { Quota } from '../distribution/quota.ts'
import type { RepositoryUploads } from '../distribution/uploads.ts'
import { Download, type Wanted } from './download.ts'
import type { Remotes } from './ports.ts'
import { Running } from './running-download.ts'
import type { Spool } from './spool.ts'
import { unlessAborted } from './unless-aborted.ts'
import { remoteName, type Upstream } from './upstream.ts'

export interface DownloadsDeps {
  readonly remotes: Remotes
  readonly uploads: RepositoryUploads
  readonly quota: Quota
  readonly spool: Spool
  readonly log: Logger
  /** Bytes of a blob that are taken. */
  readonly mostBytes: number
  /** Milliseconds after which a download is given up; the next one goes on with it. */
  readonly timeoutMs: number
  /** Milliseconds that a download goes on when nobody waits for it any more. */
  readonly lingerMs: number
}

/** Downloads of an upstream that wait for their turn. */
const MOST_WAITING = 1_000

/** A download that somebody shares. */
export interface SharedDownload extends Disposable {
  /** As Download.answered. */
  readonly size: number | undefined
  read(first: number, end: number | undefined, signal: AbortSignal): Readable
}

/** A download, and how to leave it. */
interface Shared {
  readonly running: Running
  readonly leave: () => void
}

/** Downloads under way: one a blob and repository, however many wait for it. */
export class Downloads implements AsyncDisposable {
  readonly #deps: DownloadsDeps
  readonly #running = new Map<string, Running>()
  readonly #turns = new Map<string, LimitFunction>()

  constructor(deps: DownloadsDeps) {
    this.#deps = deps
  }

  /** Joins or begins the download of a blob, and waits for the upstream's answer. Throws what Remotes and quotas throw, BLOB_UNKNOWN. */
  async join(upstream: Upstream, wanted: Wanted, signal: AbortSignal): Promise<SharedDownload> {
    const name = this.#deps.spool.nameOf(wanted.repository, wanted.digest)
    const { running, leave } = await this.#shared(name, upstream, wanted)
    try {
      const download = await unlessAborted(running.started, signal)
      const size = await unlessAborted(download.answered, signal)
      return { size, read: (first, end, reading) => download.read(first, end, reading), [Symbol.dispose]: leave }
    } catch (thrown) {
      leave()
      throw thrown
    }
  }

  /** Removes what downloads left behind that nobody went on with since `before`. */
  async expire(before: number): Promise<void> {
    for (const name of await this.#deps.spool.idleSince(before)) {
      if (this.#running.has(name)) continue
      await this.#cancelNoted(name)
      await this.#deps.spool.remove(name)
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const stopping = new CaissonError('cancelled', 'the registry is stopping')
    const all = [...this.#running.values()]
    for (const running of all) running.stop(stopping)
    await Promise.all(all.map(({ ended }) => ended))
  }

  /** One that is being given up is waited for: it has the file. One that has not had its turn is replaced. */
  async #shared(name: string, upstream: Upstream, wanted: Wanted): Promise<Shared> {
    for (let running = this.#running.get(name); running !== undefined; running = this.#running.get(name)) {
      // At once: it keeps its file for those who share it when it ends.
      if (!running.signal.aborted) return { running, leave: running.share() }
      if (!running.hasTurn) break
      await running.ended
    }
    const running = this.#begin(name, upstream, wanted)
    return { running, leave: running.share() }
  }

  #begin(name: string, upstream: Upstream, wanted: Wanted): Running {
    const turns = this.#turnsOf(upstream)
    if (turns.pendingCount >= MOST_WAITING) throw busy(upstream)
    const running = new Running(this.#deps.lingerMs)
    this.#running.set(name, running)
    const over = (): void => {
      if (this.#running.get(name) === running) this.#running.delete(name)
    }
    const run = async (): Promise<void> => {
      running.hasTurn = true
      await this.#run(name, upstream, wanted, running, over)
    }
    const ended = turns(run).catch((error: unknown) => {
      running.failed(error)
      this.#deps.log.debug({ upstream: upstream.name, ...wanted, error: String(error) }, 'a blob was not fetched')
    })
    running.ended = ended.finally(over)
    return running
  }

  async #run(name: string, upstream: Upstream, wanted: Wanted, running: Running, over: () => void): Promise<void> {
    const { spool, remotes, quota, mostBytes, timeoutMs } = this.#deps
    const late = setTimeout(() => running.stop(tooLong(wanted)), timeoutMs)
    let file: FileHandle | undefined
    try {
      running.signal.throwIfAborted()
      await this.#cancelNoted(name)
      file = await spool.file(name)
      const remote = remotes.repository(upstream, remoteName(upstream, wanted.repository))
      const admit = async (size: number): Promise<void> => void (await quota.room(wanted.repository, size))
      const store = (bytes: Readable, signal: AbortSignal) => this.#store(name, wanted, bytes, signal)
      const left = (await file.stat()).size
      const download = new Download(wanted, { remote, file, left, admit, store, mostBytes }, running.abort)
      running.start(download)
      await download.run()
      await spool.remove(name)
    } catch (thrown) {
      // Bytes that are wrong are not gone on with.
      if (!(thrown instanceof CaissonError) || !MAY_GO_ON.has(thrown.reason)) await spool.remove(name)
      throw thrown
    } finally {
      // Who comes from here on finds the blob in the store, or begins anew.
      over()
      clearTimeout(late)
      if (file !== undefined) void running.unshared().then(() => file?.close())
    }
  }

  async #store(name: string, { repository, digest }: Wanted, bytes: Readable, signal: AbortSignal): Promise<BlobStat> {
    const { uploads, spool } = this.#deps
    const { id } = await uploads.begin(repository, digestAlgorithm(digest))
    await spool.note(name, { repository, upload: id })
    try {
      await uploads.append(repository, id, {}, bytes, signal)
      return await uploads.finish(repository, id, digest)
    } catch (thrown) {
      await this.#cancelNoted(name)
      throw thrown
    }
  }

  /** The file is what is gone on with; the upload only takes room. One that another still holds goes by its time. */
  async #cancelNoted(name: string): Promise<void> {
    const { uploads, spool } = this.#deps
    const noted = await spool.noted(name)
    if (noted === undefined) return
    await uploads.cancel(noted.repository, noted.upload).catch((thrown: unknown) => {
      if (!(thrown instanceof CaissonError) || !GONE.has(thrown.reason)) throw thrown
    })
    await spool.forgetNote(name)
  }

  #turnsOf({ name, maxDownloads }: Upstream): LimitFunction {
    const turns = this.#turns.get(name) ?? pLimit(maxDownloads)
    turns.concurrency = maxDownloads
    this.#turns.set(name, turns)
    return turns
  }
}

/** After these the bytes that arrived are as good as before. */
const MAY_GO_ON = new Set(['UPSTREAM_UNAVAILABLE', 'CANCELLED', 'DOWNLOAD_TOO_LONG'])
const GONE = new Set(['BLOB_UPLOAD_UNKNOWN', 'UPLOAD_BUSY'])

const busy = ({ name }: Upstream): CaissonError =>
  new CaissonError('resource-exhausted', `too many blobs of the upstream ${name} are waited for: try again later`, {
    reason: 'UPSTREAM_BUSY',
    details: { upstream: name },
  })

const tooLong = ({ digest }: Wanted): CaissonError =>
  new CaissonError('deadline-exceeded', `the download of ${digest} takes too long: ask again, and it goes on`, {
    reason: 'DOWNLOAD_TOO_LONG',
    details: { digest },
  })
