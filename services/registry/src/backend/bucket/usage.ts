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
    return await this.#together([scope])
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

  async #together(scopes: readonly Scope[]): Promise<number> {
    return (await this.#bytes('links', scopes)) + (await this.#bytes('manifests', scopes))
  }

  async #bytes(kind: 'links' | 'manifests', scopes: readonly Scope[]): Promise<number> {
    const sizes = new Map<Digest, number>()
    for (const scope of scopes) {
      const keys = this.#cells.objects.list(ofScope(kind, scope))
      for await (const { key, value } of this.#cells.values<{ readonly size: number }>(keys))
        sizes.set(digestOf(key), value.size)
    }
    return sizes.values().reduce((total, size) => total + size, 0)
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
      namespaces[namespace] ??= await this.#together([namespace, `${namespace}/*`])
    }
    return { bytes, blobs, namespaces }
  }
}
