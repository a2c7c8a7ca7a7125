import { linkSync, readdirSync, rmSync, type Stats, statSync } from 'node:fs'
import { join } from 'node:path'
import { type Digest, digestAlgorithm, digestHex } from '@caisson/oci'

export interface PartialLimits {
  /** Bytes that downloads which nobody works on may take. */
  readonly maxPartialBytes: number
  /** Seconds after its last byte that such a download is kept. */
  readonly maxPartialAgeSeconds: number
}

/**
 * Downloads that are not whole yet, and whole ones that no image has yet: one file a digest. They outlive the process, and
 * nothing that is in them is believed before its digest is made.
 */
export class Partials {
  readonly #root: string
  readonly #limits: PartialLimits
  readonly #clock: () => number
  /** Files that work in flight writes or is about to take. */
  readonly #used = new Map<string, number>()

  constructor(root: string, limits: PartialLimits, clock: () => number) {
    this.#root = root
    this.#limits = limits
    this.#clock = clock
  }

  path(digest: Digest): string {
    return join(this.#root, nameOf(digest))
  }

  /** Keeps the file of a digest from being thrown away until it is disposed. */
  use(digest: Digest): Disposable {
    const name = nameOf(digest)
    this.#used.set(name, (this.#used.get(name) ?? 0) + 1)
    return {
      [Symbol.dispose]: () => {
        const left = (this.#used.get(name) ?? 1) - 1
        if (left > 0) this.#used.set(name, left)
        else this.#used.delete(name)
      },
    }
  }

  /** Gives the file of a digest one more name. False: there is no such file. */
  link(digest: Digest, target: string): boolean {
    try {
      linkSync(this.path(digest), target)
      return true
    } catch (error) {
      if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return false
      throw error
    }
  }

  /** Throws away what is no use any more, unless other work needs it. */
  discard(digests: Iterable<Digest>): void {
    for (const digest of digests) if (!this.#used.has(nameOf(digest))) rmSync(this.path(digest), { force: true })
  }

  /** Throws away what is too old, and the oldest of what is too much. Returns the names. */
  sweep(): string[] {
    const files = this.#files()
    const oldest = this.#clock() - this.#limits.maxPartialAgeSeconds * 1_000
    let left = this.#limits.maxPartialBytes
    const going = files.filter(({ about }) => {
      const fits = about.mtimeMs >= oldest && about.size <= left
      if (fits) left -= about.size
      return !fits
    })
    for (const { name } of going) rmSync(join(this.#root, name), { force: true })
    return going.map(({ name }) => name)
  }

  /** What nobody works on, the newest first. */
  #files(): { name: string; about: Stats }[] {
    return readdirSync(this.#root)
      .filter((name) => !this.#used.has(name))
      .map((name) => ({ name, about: statSync(join(this.#root, name)) }))
      .sort((a, b) => b.about.mtimeMs - a.about.mtimeMs)
  }
}

const nameOf = (digest: Digest): string => `${digestAlgorithm(digest)}-${digestHex(digest)}`
