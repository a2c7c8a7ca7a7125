import { closeSync, existsSync, fsyncSync, openSync, rmSync, statfsSync, writeSync } from 'node:fs'
import { dirname } from 'node:path'
import { CaissonError } from '@caisson/api'

const MOST_BYTES = 4 << 20
const SHARE = 0.01

/**
 * Space that is kept back so that things can be removed from a full disk: a row that goes and a folder that is moved into
 * the trash need some first. It is given up when a removal finds none, and taken again when there is enough.
 */
export class Ballast {
  readonly #path: string

  constructor(path: string) {
    this.#path = path
  }

  /** Takes it unless it is there, or the disk has none to spare. */
  fill(): void {
    if (existsSync(this.#path)) return
    const { bavail, blocks, bsize } = statfsSync(dirname(this.#path))
    const bytes = Math.min(MOST_BYTES, Math.floor(blocks * bsize * SHARE))
    if (bavail * bsize < 4 * bytes) return
    const file = openSync(this.#path, 'wx', 0o600)
    try {
      // Written, not allocated: file systems that share or compress blocks keep these too.
      for (let left = bytes; left > 0; ) left -= writeSync(file, noise(Math.min(left, 64 << 10)))
      fsyncSync(file)
    } catch (error) {
      rmSync(this.#path, { force: true })
      if (!isNoSpace(error)) throw error
    } finally {
      closeSync(file)
    }
  }

  /** Runs work that removes something; once more without the ballast when the disk is full. */
  spend<T>(work: () => T): T {
    try {
      return work()
    } catch (error) {
      if (!isNoSpace(error) || !existsSync(this.#path)) throw error
      rmSync(this.#path, { force: true })
      return work()
    }
  }
}

/** Whether it says that the disk has no room. */
export function isNoSpace(error: unknown): boolean {
  return CaissonError.from(error).reason === 'NO_SPACE'
}

const noise = (bytes: number): Uint8Array => crypto.getRandomValues(new Uint8Array(bytes))
