import { closeSync, copyFileSync, fstatSync, ftruncateSync, openSync, renameSync, rmSync } from 'node:fs'
import { dirname } from 'node:path'
import { makeDirectory } from './make-directory.ts'

export interface LogLimits {
  /** Bytes after which a log is rotated. */
  readonly maxBytes: number
  /** Files in all: the one that is written and the older ones, NAME.1 the newest of them. */
  readonly files: number
}

export const DEFAULT_LIMITS: LogLimits = { maxBytes: 10 << 20, files: 3 }

/**
 * A log that processes write by themselves through its descriptor, so that they go on when the supervisor is gone. The
 * descriptor appends: rotating copies the file and empties it, and the writers notice nothing. Lines written in the
 * instant between the two are lost; that is the price of needing no pipe.
 */
export class LogFile implements Disposable {
  readonly fd: number
  readonly #path: string
  readonly #limits: LogLimits

  constructor(path: string, limits: LogLimits = DEFAULT_LIMITS) {
    makeDirectory(dirname(path), 0o700)
    this.#path = path
    this.#limits = limits
    this.fd = openSync(path, 'a', 0o600)
  }

  /** Rotates when the file has grown over its limit. */
  rotateIfFull(): void {
    if (fstatSync(this.fd).size < this.#limits.maxBytes) return
    const older = this.#limits.files - 1
    if (older > 0) this.#keepAs(older)
    ftruncateSync(this.fd)
  }

  #keepAs(oldest: number): void {
    rmSync(`${this.#path}.${oldest}`, { force: true })
    for (let age = oldest - 1; age >= 1; age -= 1) renameIfThere(`${this.#path}.${age}`, `${this.#path}.${age + 1}`)
    copyFileSync(this.#path, `${this.#path}.1`)
  }

  [Symbol.dispose](): void {
    closeSync(this.fd)
  }
}

function renameIfThere(from: string, to: string): void {
  try {
    renameSync(from, to)
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'ENOENT')) throw error
  }
}
