import { readdirSync, renameSync } from 'node:fs'
import { mkdir, rename } from 'node:fs/promises'
import { join } from 'node:path'
import { type Logger, spreadFolders } from '@caisson/service-kit'

/** Folders of snapshots that are made ahead. A few hundred containers a second are started from it without waiting. */
const FULL = 64

/**
 * Folders of snapshots, made ahead of time: on a large ext4 a mkdir looks through thousands of block groups, and costs more
 * than everything else that a snapshot needs. Taking one is a rename.
 */
export class Shelf implements AsyncDisposable {
  readonly #root: string
  readonly #log: Logger
  readonly #ready: string[]
  #next = 0
  #spread: Promise<void> | undefined
  #filling: Promise<void> | undefined
  #isStopping = false

  /** What a process before left on it is good: nobody but this one has been in it. */
  constructor(root: string, log: Logger) {
    this.#root = root
    this.#log = log
    this.#ready = readdirSync(root).filter((name) => name.startsWith('ready-'))
  }

  /** Moves a folder with an empty `fs` (0755) and `work` in it to `path`. False: there is none now. */
  take(path: string): boolean {
    const name = this.#ready.pop()
    if (name !== undefined) renameSync(join(this.#root, name), path)
    this.fill()
    return name !== undefined
  }

  /** Makes more of them, behind the caller. */
  fill(): void {
    if (this.#filling || this.#isStopping || this.#ready.length >= FULL / 2) return
    this.#spread ??= spreadFolders(this.#root, this.#log)
    this.#filling = this.#spread
      .then(() => this.#make())
      .catch((error: unknown) => this.#log.error({ err: error }, 'folders for snapshots could not be made ahead'))
      .finally(() => {
        this.#filling = undefined
      })
  }

  /** Resolves when it is full, or cannot be filled. */
  async filled(): Promise<void> {
    await this.#filling
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#isStopping = true
    await this.#filling
  }

  async #make(): Promise<void> {
    while (this.#ready.length < FULL && !this.#isStopping) {
      const name = `${Date.now()}-${this.#next++}`
      const path = join(this.#root, name)
      await mkdir(path, { mode: 0o700 })
      await mkdir(join(path, 'fs'), { mode: 0o755 })
      await mkdir(join(path, 'work'), { mode: 0o700 })
      // Only a whole one has the name that a later process looks for.
      await rename(path, join(this.#root, `ready-${name}`))
      this.#ready.push(`ready-${name}`)
    }
  }
}
