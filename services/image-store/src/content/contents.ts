import type { Digest } from '@caisson/oci'
import type { Room } from '../disk/room.ts'
import type { Collector } from '../garbage/collector.ts'
import type { Leases } from '../lease/leases.ts'
import type { BlobStore } from './blob-store.ts'
import { cancellable } from './cancellable.ts'
import type { BlobRecord, BlobTable } from './ports.ts'

export interface ContentsDeps {
  readonly blobs: BlobStore
  readonly table: BlobTable
  readonly collector: Collector
  readonly leases: Leases
  readonly room: Room
}

/** Blobs as clients read and write them. One that neither an image nor a lease names may be collected at any time. */
export class Contents {
  readonly #deps: ContentsDeps

  constructor(deps: ContentsDeps) {
    this.#deps = deps
  }

  get(digest: Digest): BlobRecord {
    return this.#deps.blobs.get(digest)
  }

  list(after: string, limit: number): BlobRecord[] {
    return this.#deps.table.list(after, limit)
  }

  read(digest: Digest, offset: number, length: number, signal: AbortSignal): AsyncGenerator<Buffer> {
    return this.#deps.blobs.read(digest, offset, length, signal)
  }

  /** Writes a blob, and names it in a lease before it could be collected. Empty: none. */
  async write(
    expected: { readonly digest: Digest; readonly size: number },
    lease: string,
    chunks: AsyncIterable<Uint8Array>,
    signal: AbortSignal,
  ): Promise<BlobRecord> {
    const { collector, room } = this.#deps
    return await collector.guard(async (hold) => {
      if (lease !== '') this.#deps.leases.addResource(lease, expected.digest)
      return await room.during(expected.size, signal, (inRoom) =>
        this.#deps.blobs.write(expected, cancellable(chunks, inRoom), hold),
      )
    })
  }
}
