import { join } from 'node:path'
import type { LayerCompression } from '@caisson/oci'
import type { Transactions } from '../content/ports.ts'
import type { StateDir } from '../disk/state-dir.ts'
import type { Collector } from '../garbage/collector.ts'
import type { ImageLayer } from '../image/ports.ts'
import type { Leases } from '../lease/leases.ts'
import type { SnapshotRecord } from '../snapshot/ports.ts'
import type { Snapshots } from '../snapshot/snapshots.ts'
import type { LayerMaker, MadeLayer } from './layer-maker.ts'
import type { CommittedLayerTable, DiffTool, TreeChange } from './ports.ts'

export interface SnapshotCommitterDeps {
  readonly dir: StateDir
  readonly collector: Collector
  readonly leases: Leases
  readonly snapshots: Snapshots
  readonly maker: LayerMaker
  readonly committedLayers: CommittedLayerTable
  readonly diffTool: DiffTool
  readonly transactions: Transactions
  readonly limits: { readonly maxUnpackedEntries: number }
}

export interface CommitRequest {
  readonly key: string
  readonly compression: LayerCompression
  /** Empty: none. */
  readonly lease: string
  /** Empty: one that is made of its content. */
  readonly committedKey: string
}

export interface CommittedSnapshot extends Omit<MadeLayer, 'stack'> {
  readonly snapshot: SnapshotRecord
}

/** Makes committed snapshots of writable ones, and tells what those changed. */
export class SnapshotCommitter {
  readonly #deps: SnapshotCommitterDeps

  constructor(deps: SnapshotCommitterDeps) {
    this.#deps = deps
  }

  async commit(request: CommitRequest, signal: AbortSignal): Promise<CommittedSnapshot> {
    const { collector, snapshots, maker } = this.#deps
    return await collector.guard(async (hold) => {
      const from = snapshots.get(request.key)
      const { layer, skipped, changed } = await maker.make(from, request.compression, hold, signal)
      signal.throwIfAborted()
      return { snapshot: this.#record(request, from, layer), layer, skipped, changed }
    })
  }

  /** What a snapshot changed against what it stands on. */
  changes(key: string, signal: AbortSignal): AsyncGenerator<TreeChange> | readonly TreeChange[] {
    const { snapshots, dir, diffTool, limits } = this.#deps
    const snapshot = snapshots.get(key)
    if (snapshot.kind !== 'active') return []
    const { lowerDirs } = snapshots.mountOf(snapshot)
    const what = { upper: join(dir.snapshot(key), 'fs'), lowerDirs, maxEntries: limits.maxUnpackedEntries }
    return diffTool.changes(what, signal)
  }

  #record({ committedKey, lease }: CommitRequest, from: SnapshotRecord, layer: ImageLayer): SnapshotRecord {
    const { transactions, snapshots, committedLayers, leases } = this.#deps
    return transactions.transaction(() => {
      const snapshot = snapshots.insertCommitted(committedKey, from, layer.chainId)
      const { digest, size, mediaType } = layer
      if (!committedLayers.get(snapshot.key)) committedLayers.insert(snapshot.key, { digest, size, mediaType })
      if (lease !== '') for (const resource of [digest, snapshot.key]) leases.addResource(lease, resource)
      return snapshot
    })
  }
}
