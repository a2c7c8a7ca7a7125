import { statfsSync } from 'node:fs'
import { type CaissonError, exhausted } from '@caisson/api'

const GIB = 2 ** 30
const SHARE = 0.05
/** Milliseconds between looks at the disk while work brings content in. */
const WATCH_MS = 250

export interface DiskSpace {
  /** Bytes that may be written. */
  readonly freeBytes: number
  readonly diskBytes: number
}

/** What work that brings content in asks for room. */
export interface Room {
  /** NO_SPACE when so many more bytes would leave less than the reserve. 0: not known, there must be some. */
  check(bytes: number): void
  /** Checks, and stops the work with NO_SPACE as soon as the reserve is touched. */
  during<T>(bytes: number, signal: AbortSignal, work: (signal: AbortSignal) => Promise<T>): Promise<T>
}

/** The disk of the store, of which new content leaves a reserve: for databases, logs and what removing needs. */
export class DiskRoom implements Room {
  readonly #path: string
  readonly #reserve: number | undefined

  /** `reserve` undefined: 5 % of the disk, at most 1 GiB. */
  constructor(path: string, reserve: number | undefined) {
    this.#path = path
    this.#reserve = reserve
  }

  space(): DiskSpace {
    const { bavail, blocks, bsize } = statfsSync(this.#path)
    return { freeBytes: bavail * bsize, diskBytes: blocks * bsize }
  }

  get reserveBytes(): number {
    return this.#reserve ?? Math.min(GIB, Math.floor(this.space().diskBytes * SHARE))
  }

  check(bytes: number): void {
    const refusal = this.#refusal(bytes)
    if (refusal) throw refusal
  }

  async during<T>(bytes: number, signal: AbortSignal, work: (signal: AbortSignal) => Promise<T>): Promise<T> {
    this.check(bytes)
    const full = new AbortController()
    const watch = setInterval(() => {
      const refusal = this.#refusal(0)
      if (refusal) full.abort(refusal)
    }, WATCH_MS)
    try {
      return await work(AbortSignal.any([signal, full.signal]))
    } catch (error) {
      // Work that is stopped may tell of that in words of its own.
      throw full.signal.aborted && !signal.aborted ? full.signal.reason : error
    } finally {
      clearInterval(watch)
    }
  }

  #refusal(bytes: number): CaissonError | undefined {
    const { freeBytes } = this.space()
    const reserve = this.reserveBytes
    if (freeBytes - bytes > reserve) return undefined
    const needs = bytes > 0 ? `${bytes} bytes are needed, but ` : ''
    return exhausted(
      'NO_SPACE',
      `${needs}the disk of the image store has ${freeBytes} bytes left, and ${reserve} of them are its reserve ` +
        `(diskReserveBytes): remove images or containers ('caisson system prune -a') or make the disk larger`,
      { details: { free: String(freeBytes), reserve: String(reserve), needed: String(bytes) } },
    )
  }
}
