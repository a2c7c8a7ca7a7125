import { type FileHandle, open } from 'node:fs/promises'
import { dirname } from 'node:path'
import { type CaissonError, unavailable } from '@caisson/api'
import type { Ballast, Store } from '@caisson/service-kit'
import { syncDirectory } from './durable.ts'

/**
 * Transactions that many callers make at once. Each is applied at once and in order; the disk is waited for without holding
 * up anybody else, and one wait serves all that were applied before it began.
 *
 * SQLite writes a transaction to the end of its write-ahead log, with a checksum. Syncing that file is therefore what makes
 * it durable, whoever does it; SQLite itself syncs it before a checkpoint moves its content.
 */
export class Commits implements AsyncDisposable {
  readonly #store: Store
  readonly #wal: string
  readonly #ballast: Ballast
  #file: FileHandle | undefined
  /** The sync that runs. */
  #running: Promise<void> | undefined
  /** The sync behind it, for what was applied after it began. */
  #next: Promise<void> | undefined
  /** Why the disk cannot be trusted any more. */
  #failure: unknown

  /** `database` is the file that `store` has open. */
  constructor(store: Store, database: string, ballast: Ballast) {
    this.#store = store
    this.#ballast = ballast
    this.#wal = `${database}-wal`
  }

  /** Runs `work` as one transaction. Fulfilled when it is on disk; what it threw undoes it. DISK_FAILED for good once that failed. */
  async run<T>(work: () => T): Promise<T> {
    if (this.#failure !== undefined) throw distrust(this.#failure)
    const result = this.#store.transaction(work, 'crash')
    await this.synced()
    return result
  }

  /** Runs `work` as one transaction that a power cut may undo. */
  runLightly<T>(work: () => T): T {
    return this.#store.transaction(work, 'crash')
  }

  /** `run` for what removes something: on a full disk with the room that is kept back for it. */
  async remove<T>(work: () => T): Promise<T> {
    if (this.#failure !== undefined) throw distrust(this.#failure)
    const result = this.removeLightly(work)
    await this.synced()
    return result
  }

  /** `runLightly` for what removes something. */
  removeLightly<T>(work: () => T): T {
    return this.#ballast.spend(() => this.runLightly(work))
  }

  /** Keeps room back again, once there is some. */
  restock(): void {
    this.#ballast.fill()
  }

  /** Fulfilled when all that was applied before the call is on disk. */
  synced(): Promise<void> {
    this.#next ??= this.#behind(this.#running)
    return this.#next
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#next
    await this.#running
    await this.#file?.close()
  }

  async #behind(before: Promise<void> | undefined): Promise<void> {
    // Whose fault the one before it was is its own callers' matter.
    if (before) await before.catch(() => {})
    else await Promise.resolve()
    this.#running = this.#next
    this.#next = undefined
    await this.#sync()
  }

  async #sync(): Promise<void> {
    if (this.#file === undefined) {
      this.#file = await open(this.#wal, 'r+')
      await syncDirectory(dirname(this.#wal))
    }
    try {
      await this.#file.datasync()
    } catch (error) {
      // What was not written then may be gone, and the next sync would say nothing of it (fsync(2)).
      this.#failure = error
      throw error
    }
  }
}

function distrust(cause: unknown): CaissonError {
  const message = 'the disk has failed to keep what was written: look after it, then start the registry again'
  return unavailable('DISK_FAILED', message, { cause })
}
