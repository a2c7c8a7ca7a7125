import type { Digest } from '@caisson/oci'
import type { BlobReader, BlobStat, Blobs, ByteRange } from '../ports.ts'
import { sliceOf } from '../slice.ts'
import { DataReader, lost, openData } from './blob-data.ts'
import { type Cells, KEEP } from './cells.ts'
import { type Condemnable, withoutMark } from './holding.ts'
import { digestOf, keys } from './keys.ts'

/** What is known of a blob: where its bytes are. */
export interface BlobValue extends Condemnable {
  readonly size: number
  /** Id of the object with the bytes: each upload makes one of its own, and none is ever written twice. */
  readonly data: string
}

const MOST_OPENED = 10_000

/** Blobs as a small object that says where the bytes are. A blob exists when it has one. */
export class BlobObjects implements Blobs {
  readonly #cells: Cells
  /** Where the bytes of blobs are that were opened. They never change there; once they are gone the blob is looked up anew. */
  readonly #opened = new Map<Digest, BlobValue>()

  constructor(cells: Cells) {
    this.#cells = cells
  }

  async stat(digest: Digest): Promise<BlobStat | undefined> {
    const found = await this.#cells.read<BlobValue>(keys.blob(digest))
    return found && { digest, size: found.value.size }
  }

  async open(digest: Digest, range: ByteRange | undefined, signal: AbortSignal): Promise<BlobReader | undefined> {
    const known = this.#opened.get(digest)
    const reader = known && (await this.#openData(known, range, signal))
    if (reader !== undefined) return reader
    this.#opened.delete(digest)
    const found = await this.#find(digest)
    if (found === undefined) return undefined
    const opened = await this.#openData(found, range, signal)
    if (opened !== undefined) {
      this.#remember(digest, found)
      return opened
    }
    const again = await this.#find(digest)
    if (again === undefined) return undefined
    if (again.data !== found.data) return await this.open(digest, range, signal)
    throw lost(keys.data(found.data))
  }

  async #find(digest: Digest): Promise<BlobValue | undefined> {
    return (await this.#cells.read<BlobValue>(keys.blob(digest)))?.value
  }

  async #openData(
    { size, data }: BlobValue,
    range: ByteRange | undefined,
    signal: AbortSignal,
  ): Promise<BlobReader | undefined> {
    const span = sliceOf(range, size)
    signal.throwIfAborted()
    const body = await openData(this.#cells.objects, keys.data(data), span, signal)
    return body && new DataReader(size, span, body)
  }

  #remember(digest: Digest, value: BlobValue): void {
    this.#opened.set(digest, value)
    const oldest = this.#opened.keys().next()
    if (this.#opened.size > MOST_OPENED && !oldest.done) this.#opened.delete(oldest.value)
  }

  async list(after: Digest | undefined, limit: number): Promise<BlobStat[]> {
    const page: BlobStat[] = []
    if (limit <= 0) return page
    const listed = this.#cells.objects.list('blobs/', after && keys.blob(after), limit)
    for await (const cell of this.#cells.values<BlobValue>(listed)) {
      page.push({ digest: digestOf(cell.key), size: cell.value.size })
      if (page.length === limit) break
    }
    return page
  }

  /**
   * Makes the blob when there is none, with these bytes, and holds it against garbage collection. Returns what the blob
   * consists of then: other bytes of the same digest, when they were there before.
   */
  async publish(digest: Digest, made: BlobValue): Promise<BlobValue> {
    const cell = await this.#cells.update<BlobValue>(keys.blob(digest), (now) => {
      if (now === undefined) return made
      return now.condemned === undefined ? KEEP : withoutMark(now)
    })
    return cell?.value ?? made
  }

  /** Which bytes the blob consists of; undefined when there is none. */
  async dataOf(digest: Digest): Promise<string | undefined> {
    return (await this.#find(digest))?.data
  }

  /** Holds the blob against garbage collection. False when it is gone. */
  async keep(digest: Digest): Promise<boolean> {
    const cell = await this.#cells.update<BlobValue>(keys.blob(digest), (now) =>
      now?.condemned === undefined ? KEEP : withoutMark(now),
    )
    return cell !== undefined
  }
}
