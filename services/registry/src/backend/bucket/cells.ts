import { randomBytes } from 'node:crypto'
import { unavailable } from '@caisson/api'
import type { Listed, Objects } from './objects.ts'

/** A JSON value in an object, as it was when it was read. */
export interface Cell<T> {
  readonly key: string
  readonly value: T
  readonly etag: string
  /** By the clock of the bucket. */
  readonly modifiedAt: number
}

export const KEEP = Symbol('keep')
export const REMOVE = Symbol('remove')

/** What a change makes of a cell: a new value, none, or nothing new. */
export type Change<T> = (now: T | undefined) => T | typeof KEEP | typeof REMOVE

const MOST_ATTEMPTS = 100
/** Characters of values that are remembered. */
const MOST_REMEMBERED = 32 << 20
const CONCURRENCY = 16

/**
 * JSON values, one an object. Each write carries a nonce, so that no two writes have the same ETag, and whoever read one
 * version finds out that there was another.
 */
export class Cells {
  readonly objects: Objects
  /** Values by key and ETag: such a pair stands for the same bytes for ever. In the order they were used. */
  readonly #remembered = new Map<string, { readonly text: string; readonly etag: string }>()
  #characters = 0

  constructor(objects: Objects) {
    this.objects = objects
  }

  async read<T>(key: string): Promise<Cell<T> | undefined> {
    const found = await this.objects.read(key)
    if (found === undefined || found.text === '') return undefined
    return { key, value: parsed<T>(found.text), etag: found.etag, modifiedAt: found.modifiedAt }
  }

  /** Writes whatever is there. */
  async put<T extends object>(key: string, value: T): Promise<string> {
    return await this.objects.put(key, textOf(value))
  }

  /** Writes over exactly this version. Undefined when it has changed. */
  async replace<T extends object>(cell: Cell<T>, value: T): Promise<Cell<T> | undefined> {
    const etag = await this.objects.replace(cell.key, textOf(value), cell.etag)
    return etag === undefined ? undefined : { ...cell, value, etag }
  }

  /** Removes exactly this version. False when it has changed. */
  async remove(cell: Pick<Cell<unknown>, 'key' | 'etag'>): Promise<boolean> {
    return await this.objects.remove(cell.key, cell.etag)
  }

  /**
   * Reads, changes and writes, again until nobody wrote in between. `change` may be called more than once, and may throw.
   * Returns what is there afterwards.
   */
  async update<T extends object>(key: string, change: Change<T>): Promise<Cell<T> | undefined> {
    for (let attempt = 0; attempt < MOST_ATTEMPTS; attempt++) {
      const found = await this.objects.read(key)
      const now = found === undefined || found.text === '' ? undefined : parsed<T>(found.text)
      const next = change(now)
      if (next === KEEP || (next === REMOVE && now === undefined))
        return now && found && { key, value: now, etag: found.etag, modifiedAt: found.modifiedAt }
      if (next === REMOVE) {
        if (found === undefined || (await this.objects.remove(key, found.etag))) return undefined
        continue
      }
      const etag = await this.objects.replace(key, textOf(next), found?.etag)
      if (etag !== undefined) return { key, value: next, etag, modifiedAt: Date.now() }
    }
    throw unavailable('BUCKET_CONTENDED', 'too many writers want the same object: try again later', {
      details: { key },
    })
  }

  /** Cells of what was listed, in that order; what vanished meanwhile is left out. Only what is new is read. */
  async *values<T>(listed: AsyncIterable<Listed>): AsyncGenerator<Cell<T>> {
    let batch: Listed[] = []
    for await (const one of listed) {
      batch.push(one)
      if (batch.length < CONCURRENCY) continue
      yield* await this.#readAll<T>(batch)
      batch = []
    }
    yield* await this.#readAll<T>(batch)
  }

  async #readAll<T>(batch: readonly Listed[]): Promise<Cell<T>[]> {
    const cells = await Promise.all(batch.map((one) => this.#remember<T>(one)))
    return cells.filter((cell) => cell !== undefined)
  }

  async #remember<T>({ key, etag, modifiedAt }: Listed): Promise<Cell<T> | undefined> {
    const known = this.#remembered.get(key)
    if (known !== undefined && known.etag === etag) {
      this.#remembered.delete(key)
      this.#remembered.set(key, known)
      return { key, value: parsed<T>(known.text), etag, modifiedAt }
    }
    const found = await this.objects.read(key)
    if (found === undefined || found.text === '') return undefined
    this.#keep(key, { text: found.text, etag: found.etag })
    // Listings tell fractions of a second, reading does not.
    const at = found.etag === etag ? modifiedAt : found.modifiedAt
    return { key, value: parsed<T>(found.text), etag: found.etag, modifiedAt: at }
  }

  #keep(key: string, value: { readonly text: string; readonly etag: string }): void {
    this.#characters += value.text.length - (this.#remembered.get(key)?.text.length ?? 0)
    this.#remembered.delete(key)
    this.#remembered.set(key, value)
    for (const [oldest, { text }] of this.#remembered) {
      if (this.#characters <= MOST_REMEMBERED) return
      this.#remembered.delete(oldest)
      this.#characters -= text.length
    }
  }
}

/** What is in an object was written by `textOf`. */
const parsed = <T>(text: string): T => JSON.parse(text) as T

const textOf = (value: object): string => JSON.stringify({ ...value, nonce: randomBytes(9).toString('base64url') })
