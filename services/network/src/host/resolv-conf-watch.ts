import { type FSWatcher, readFileSync, realpathSync, watch } from 'node:fs'
import { basename, dirname } from 'node:path'
import type { Logger } from '@caisson/service-kit'
import { hasCode } from '../kernel/netlink-socket.ts'

export type ResolvConfWatchOptions = {
  readonly path: string
  /** Told of the whole content, at once and whenever it is another; empty when there is no file. */
  readonly changed: (content: string) => void
  readonly log: Logger
  /** How often it is looked at in any case: a directory on its way may have been put in place of another. */
  readonly pollMs?: number
}

const POLL_MS = 5_000
// Whoever writes it in place first empties it.
const SETTLE_MS = 100

/**
 * Tells of changes of a file that others replace by renaming, and that may be a symbolic link to one that they replace: it
 * is their directories that are watched.
 */
export class ResolvConfWatch implements Disposable {
  readonly #options: ResolvConfWatchOptions
  readonly #watchers = new Map<string, FSWatcher>()
  readonly #poll: NodeJS.Timeout
  #settling: NodeJS.Timeout | undefined
  #told: string | undefined

  constructor(options: ResolvConfWatchOptions) {
    this.#options = options
    this.#look()
    this.#poll = setInterval(() => this.#look(), options.pollMs ?? POLL_MS).unref()
  }

  [Symbol.dispose](): void {
    clearInterval(this.#poll)
    clearTimeout(this.#settling)
    for (const watcher of this.#watchers.values()) watcher.close()
    this.#watchers.clear()
  }

  #look(): void {
    try {
      this.#watchAll()
      const content = readIfThere(this.#options.path)
      if (content === this.#told) return
      this.#told = content
      this.#options.changed(content)
    } catch (error) {
      this.#options.log.warn({ err: error }, `${this.#options.path} cannot be read: the name servers stay as they were`)
    }
  }

  /** The directories of the file and of what it is a link to. */
  #watchAll(): void {
    const { path } = this.#options
    const files = [path, targetOf(path) ?? path]
    const wanted = new Map(files.map((file) => [dirname(file), new Set<string>()]))
    for (const file of files) wanted.get(dirname(file))?.add(basename(file))
    for (const [directory, watcher] of this.#watchers) {
      if (wanted.has(directory)) continue
      watcher.close()
      this.#watchers.delete(directory)
    }
    for (const [directory, names] of wanted) if (!this.#watchers.has(directory)) this.#watch(directory, names)
  }

  #watch(directory: string, names: ReadonlySet<string>): void {
    const watcher = watch(directory, { persistent: false }, (_event, name) => {
      if (name === null || names.has(name)) this.#lookSoon()
    })
    watcher.once('error', () => {
      watcher.close()
      this.#watchers.delete(directory)
    })
    this.#watchers.set(directory, watcher)
  }

  #lookSoon(): void {
    clearTimeout(this.#settling)
    this.#settling = setTimeout(() => this.#look(), SETTLE_MS).unref()
  }
}

/** What a link leads to in the end. */
function targetOf(path: string): string | undefined {
  try {
    return realpathSync(path)
  } catch (error) {
    if (hasCode(error, 'ENOENT') || hasCode(error, 'ENOTDIR')) return undefined
    throw error
  }
}

function readIfThere(path: string): string {
  try {
    return readFileSync(path, 'utf8')
  } catch (error) {
    if (hasCode(error, 'ENOENT') || hasCode(error, 'ENOTDIR')) return ''
    throw error
  }
}
