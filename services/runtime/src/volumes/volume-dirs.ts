import {
  chmodSync,
  chownSync,
  closeSync,
  fsyncSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readdirSync,
  renameSync,
  rmSync,
} from 'node:fs'
import { opendir } from 'node:fs/promises'
import { join } from 'node:path'
import type { Owner } from './volume.ts'

const CONTENT = '_data'
const FILLING = '.filling'
const TRASH = '.trash'
const NEW = '.new-'
export const DEFAULT_MODE = 0o755

/** What the top directory of a volume is like. */
export interface TopDirectory {
  readonly owner: Owner
  readonly mode: number
}

/**
 * The directories of volumes: DIR/runtime/volumes/<name>/_data. A name has no dot in front, so that what is being made and
 * what was thrown away stand beside them. Only root gets below DIR/runtime/volumes.
 */
export class VolumeDirs {
  readonly #root: string

  constructor(root: string) {
    this.#root = root
    mkdirSync(join(root, TRASH), { recursive: true, mode: 0o700 })
  }

  /** Where the content of a volume is. */
  path(name: string): string {
    return join(this.#root, name, CONTENT)
  }

  /** Where what a volume is to be filled with is gathered. */
  filling(name: string): string {
    return join(this.#root, name, FILLING)
  }

  /** Names of all that are there. */
  names(): string[] {
    return readdirSync(this.#root).filter((name) => !name.startsWith('.'))
  }

  /** Makes a directory that is not there. It is on the disk when this returns, if it has to be. */
  make(name: string, top: TopDirectory, isDurable: boolean): void {
    const draft = mkdtempSync(join(this.#root, NEW))
    const content = join(draft, CONTENT)
    mkdirSync(content)
    this.dress(content, top)
    if (isDurable) for (const path of [content, draft]) syncDirectory(path)
    renameSync(draft, join(this.#root, name))
    if (isDurable) syncDirectory(this.#root)
  }

  /** Sets owner and permissions of a top directory, which only root gets to. */
  dress(path: string, { owner, mode }: TopDirectory): void {
    chownSync(path, owner.uid, owner.gid)
    chmodSync(path, mode)
  }

  /** An empty directory that becomes the content by `useFilling`. */
  makeFilling(name: string): string {
    const path = this.filling(name)
    rmSync(path, { recursive: true, force: true })
    mkdirSync(path, { mode: 0o700 })
    return path
  }

  /** Puts what was gathered in the place of the content, which is empty and used by nobody. */
  useFilling(name: string): void {
    renameSync(this.filling(name), this.path(name))
    syncDirectory(join(this.#root, name))
  }

  async isEmpty(name: string): Promise<boolean> {
    const directory = await opendir(this.path(name))
    try {
      return (await directory.read()) === null
    } finally {
      await directory.close()
    }
  }

  /** Takes a directory away from its place, at once. Returns where it is now. */
  discard(name: string): string {
    const path = join(this.#root, TRASH, crypto.randomUUID())
    renameSync(join(this.#root, name), path)
    return path
  }

  /** What was thrown away and is not removed yet, and what was never finished. */
  leftovers(): string[] {
    const drafts = readdirSync(this.#root).filter((name) => name.startsWith(NEW))
    const trash = join(this.#root, TRASH)
    return [...drafts.map((name) => join(this.#root, name)), ...readdirSync(trash).map((name) => join(trash, name))]
  }
}

function syncDirectory(path: string): void {
  const directory = openSync(path, 'r')
  try {
    fsyncSync(directory)
  } finally {
    closeSync(directory)
  }
}
