import { mkdirSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import type { Logger } from '@caisson/service-kit'
import type { Trash } from './trash.ts'

/** A private folder for one piece of work in flight. Disposing throws away what is still in it. */
export interface StagingDir extends Disposable {
  readonly path: string
  /** A path in it. */
  at(name: string): string
}

/** Folders for work in flight. Whatever a killed process left there is thrown away at the next start. */
export class Staging {
  readonly #root: string
  readonly #trash: Trash
  readonly #log: Logger
  readonly #open = new Set<string>()

  constructor(root: string, trash: Trash, log: Logger) {
    this.#root = root
    this.#trash = trash
    this.#log = log
  }

  open(): StagingDir {
    const name = crypto.randomUUID()
    const path = join(this.#root, name)
    mkdirSync(path, { mode: 0o700 })
    this.#open.add(name)
    return {
      path,
      at: (entry) => join(path, entry),
      [Symbol.dispose]: () => {
        if (this.#open.delete(name)) this.#discard(path)
      },
    }
  }

  /** It must not hide why the work ended: what cannot be thrown away now is at the next start. */
  #discard(path: string): void {
    try {
      this.#trash.discard(path)
    } catch (error) {
      this.#log.error({ err: error, path }, 'a staging folder could not be thrown away')
    }
  }

  /** Throws away the folders that no work in flight has, and names them. */
  sweep(): string[] {
    const stale = readdirSync(this.#root).filter((name) => !this.#open.has(name))
    for (const name of stale) this.#trash.discard(join(this.#root, name))
    return stale
  }
}
