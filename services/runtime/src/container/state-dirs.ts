import {
  chmodSync,
  closeSync,
  fchmodSync,
  mkdirSync,
  openSync,
  readdirSync,
  renameSync,
  rmdirSync,
  rmSync,
  unlinkSync,
  writeFileSync,
} from 'node:fs'
import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { type Logger, spreadFolders } from '@caisson/service-kit'
import { EXIT_RECORD_BYTES } from '../monitor/exit-record.ts'
import type { Sandbox } from './container.ts'

/** Names of the files that are bound into a container. */
export const HOST_FILES = ['hostname', 'hosts', 'resolv.conf'] as const

const SHELF = '.shelf'
/** Directories that are made ahead: making files is the dearest part of a start. */
const SHELF_SIZE = 8
/** With fewer, new ones are made; otherwise those of containers that are gone come back. */
const LOW_SHELF = 3
const NO_RECORD = new Uint8Array(EXIT_RECORD_BYTES)

/**
 * The state directories of containers: DIR/runtime/containers/<id>/, where the monitor has its socket, its exit record
 * and the log. One that is being read is not removed from under its reader.
 */
export class StateDirs {
  readonly #root: string
  readonly #holds = new Map<string, number>()
  readonly #unheld = new Map<string, () => void>()
  readonly #shelf: string[] = []
  #made = 0

  constructor(root: string) {
    this.#root = root
    mkdirSync(root, { recursive: true, mode: 0o700 })
    rmSync(join(root, SHELF), { recursive: true, force: true })
    mkdirSync(join(root, SHELF), { mode: 0o700 })
  }

  /** Keeps those that are made ahead from now on apart on the disk. */
  async spread(log: Logger): Promise<void> {
    await spreadFolders(join(this.#root, SHELF), log)
  }

  path(id: string): string {
    return join(this.#root, id)
  }

  /** Ids of all that are there. */
  ids(): string[] {
    return readdirSync(this.#root).filter((name) => /^[0-9a-f]{64}$/.test(name))
  }

  /**
   * Makes the directory ready for one more launch, with the files of the sandbox. Returns its path. The exit record of the
   * launch before is left to the monitor: it empties it before it does anything else.
   */
  prepare(id: string, hostname: string, sandbox: Sandbox): string {
    const path = this.path(id)
    const files = { hostname: `${hostname}\n`, hosts: sandbox.hosts, 'resolv.conf': sandbox.resolvConf }
    if (this.#takeFromShelf(path)) {
      for (const name of HOST_FILES) writeFileSync(join(path, name), files[name], { flag: 'r+' })
      return path
    }
    mkdirSync(path, { recursive: true, mode: 0o700 })
    for (const name of HOST_FILES) replaceFile(join(path, name), files[name])
    return path
  }

  /** Makes directories ahead. */
  fillShelf(): void {
    while (this.#shelf.length < SHELF_SIZE) if (!this.#makeOne()) return
  }

  /** Keeps the directory until the hold is disposed. */
  hold(id: string): Disposable {
    this.#holds.set(id, (this.#holds.get(id) ?? 0) + 1)
    let isHeld = true
    return {
      [Symbol.dispose]: () => {
        if (isHeld) this.#release(id)
        isHeld = false
      },
    }
  }

  /** Removes the directory, once nobody holds it. */
  async remove(id: string): Promise<void> {
    if (this.#holds.has(id)) await new Promise<void>((resolve) => this.#unheld.set(id, resolve))
    const path = this.path(id)
    if (!this.#recycle(path)) await rm(path, { recursive: true, force: true })
  }

  /** False when the container has a directory already, or the shelf is empty. */
  #takeFromShelf(path: string): boolean {
    const ready = this.#shelf.pop()
    // While the monitor starts there is time for the next one.
    if (this.#shelf.length < LOW_SHELF) setImmediate(() => this.#makeOne())
    if (ready === undefined) return false
    try {
      renameSync(ready, path)
      return true
    } catch (error) {
      if (!isTaken(error)) throw error
      this.#shelf.push(ready)
      return false
    }
  }

  /** One more directory for the shelf. When it cannot be made, whoever needs one will be told why. */
  #makeOne(): boolean {
    if (this.#shelf.length >= SHELF_SIZE) return true
    this.#made += 1
    const path = join(this.#root, SHELF, String(this.#made))
    try {
      mkdirSync(join(path, 'log'), { recursive: true, mode: 0o700 })
      for (const name of HOST_FILES) makeFile(join(path, name), 0o644)
      writeFileSync(join(path, 'exit'), NO_RECORD, { flag: 'wx', mode: 0o600 })
    } catch {
      return false
    }
    this.#shelf.push(path)
    return true
  }

  /**
   * Empties the directory of a container that is gone, and puts it on the shelf or removes it: a few calls, when it has
   * what nearly all have. False when there is more in it, or it cannot be done: then it has to be looked at. What the
   * container could write to is never used again.
   */
  #recycle(path: string): boolean {
    try {
      for (const name of [...HOST_FILES, 'log/00000001']) unlinkIfThere(join(path, name))
      const isUsual = readdirSync(path).toSorted().join() === 'exit,log' && readdirSync(join(path, 'log')).length === 0
      if (!isUsual) return false
      if (this.#shelf.length >= SHELF_SIZE) {
        unlinkSync(join(path, 'exit'))
        rmdirSync(join(path, 'log'))
        rmdirSync(path)
        return true
      }
      writeFileSync(join(path, 'exit'), NO_RECORD, { flag: 'r+' })
      for (const name of HOST_FILES) makeFile(join(path, name), 0o644)
      this.#made += 1
      const ready = join(this.#root, SHELF, String(this.#made))
      renameSync(path, ready)
      this.#shelf.push(ready)
      return true
    } catch {
      return false
    }
  }

  #release(id: string): void {
    const left = (this.#holds.get(id) ?? 1) - 1
    if (left > 0) {
      this.#holds.set(id, left)
      return
    }
    this.#holds.delete(id)
    this.#unheld.get(id)?.()
    this.#unheld.delete(id)
  }
}

/** Makes an empty file with exactly this mode, whatever the umask says. */
function makeFile(path: string, mode: number): void {
  const file = openSync(path, 'wx', mode)
  try {
    fchmodSync(file, mode)
  } finally {
    closeSync(file)
  }
}

function unlinkIfThere(path: string): void {
  try {
    unlinkSync(path)
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'ENOENT')) throw error
  }
}

function isTaken(error: unknown): boolean {
  return error instanceof Error && 'code' in error && (error.code === 'ENOTEMPTY' || error.code === 'EEXIST')
}

/** The container may have the old file bound: it is replaced, never rewritten. World-readable, as /etc/hosts is. */
function replaceFile(path: string, content: string): void {
  const temporary = `${path}.new`
  writeFileSync(temporary, content)
  chmodSync(temporary, 0o644)
  renameSync(temporary, path)
}
