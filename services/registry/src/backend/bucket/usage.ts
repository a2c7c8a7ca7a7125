import type { Digest } from '@caisson/oci'
import { quotaExceeded } from '../../distribution/errors.ts'
import { namespaceOf } from '../../distribution/names.ts'
import type { QuotaLimit, Scope, Totals } from '../ports.ts'
import { Turns } from '../turns.ts'
import type { BlobValue } from './blob-objects.ts'
import type { Cells } from './cells.ts'
import { digestOf, ofScope } from './keys.ts'
import type { Names } from './names.ts'

/** Sums over what repositories hold: by listing, and reading what was not read before. */
export class Usage {
  readonly #cells: Cells
  readonly #names: Names
  readonly #turns = new Turns()

  constructor(cells: Cells, names: Names) {
    this.#cells = cells
    this.#names = names
  }

  /** Bytes of the blobs and manifests of a scope, each counted once. */
  async of(scope: Scope): Promise<number> {
    return sum(await this.#sizes('links', scope)) + sum(await this.#sizes('manifests', scope))
  }

  /**
   * Writes what counts for a quota, and undoes it when that makes it too much. Looked at behind the write: two processes at the
   * same limit may both be refused, but never both be let in. Within a process one comes after the other. What was there
   * before under this key is no more than it was.
   */
  async holdTo(
    limit: QuotaLimit | undefined,
    key: string,
    write: () => Promise<{ readonly undo: () => Promise<unknown> }>,
  ): Promise<void> {
    if (limit === undefined || (await this.#cells.read(key)) !== undefined) {
      await write()
      return
    }
    await this.#turns.take(limit.scope, async () => {
      const { undo } = await write()
      if ((await this.of(limit.scope)) <= limit.bytes) return
      await undo()
      throw quotaExceeded(limit.scope, limit.bytes)
    })
  }

  async #sizes(kind: 'links' | 'manifests', scope: Scope): Promise<Map<Digest, number>> {
    const sizes = new Map<Digest, number>()
    for await (const cell of this.#cells.values<{ readonly size: number }>(
      this.#cells.objects.list(ofScope(kind, scope)),
    ))
      sizes.set(digestOf(cell.key), cell.value.size)
    return sizes
  }

  async totals(): Promise<Totals> {
    let bytes = 0
    let blobs = 0
    for await (const { value } of this.#cells.values<BlobValue>(this.#cells.objects.list('blobs/'))) {
      bytes += value.size
      blobs++
    }
    const namespaces: Record<string, number> = {}
    for await (const name of this.#names.all()) {
      const namespace = namespaceOf(name)
      namespaces[namespace] ??= (await this.of(namespace)) + (await this.of(`${namespace}/*`))
    }
    return { bytes, blobs, namespaces }
  }
}

const sum = (sizes: Map<Digest, number>): number => sizes.values().reduce((total, size) => total + size, 0)
