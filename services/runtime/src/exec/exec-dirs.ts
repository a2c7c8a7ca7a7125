import { existsSync, mkdirSync, readdirSync } from 'node:fs'
import { rm } from 'node:fs/promises'
import { join } from 'node:path'

/**
 * The state directories of execs: exec/<id>/ below that of their container. One is removed once its exec has ended and
 * nobody reads it any more.
 */
export class ExecDirs {
  readonly #containersDir: string
  readonly #holds = new Map<string, number>()
  readonly #doomed = new Set<string>()

  /** `containersDir` holds the state directories of containers, named by their ids. */
  constructor(containersDir: string) {
    this.#containersDir = containersDir
  }

  path(containerId: string, id: string): string {
    return join(this.#containersDir, containerId, 'exec', id)
  }

  make(containerId: string, id: string): string {
    const path = this.path(containerId, id)
    mkdirSync(path, { recursive: true, mode: 0o700 })
    return path
  }

  /** All that are there. */
  list(): { containerId: string; id: string }[] {
    if (!existsSync(this.#containersDir)) return []
    return readdirSync(this.#containersDir).flatMap((containerId) => {
      const parent = join(this.#containersDir, containerId, 'exec')
      return existsSync(parent) ? readdirSync(parent).map((id) => ({ containerId, id })) : []
    })
  }

  /** Keeps a directory until the hold is disposed. */
  hold(containerId: string, id: string): Disposable {
    const path = this.path(containerId, id)
    this.#holds.set(path, (this.#holds.get(path) ?? 0) + 1)
    return {
      [Symbol.dispose]: () => {
        const left = (this.#holds.get(path) ?? 1) - 1
        if (left > 0) this.#holds.set(path, left)
        else this.#holds.delete(path)
        if (left === 0 && this.#doomed.delete(path)) remove(path)
      },
    }
  }

  /** Removes a directory, once nobody holds it. */
  remove(containerId: string, id: string): void {
    const path = this.path(containerId, id)
    if (this.#holds.has(path)) this.#doomed.add(path)
    else remove(path)
  }
}

/** What cannot be removed now goes with the container's own directory. */
function remove(path: string): void {
  rm(path, { recursive: true, force: true }).catch(() => {})
}
