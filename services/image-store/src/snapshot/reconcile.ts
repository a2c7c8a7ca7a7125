import { existsSync, readdirSync } from 'node:fs'
import { basename, join } from 'node:path'
import type { Logger } from '@caisson/service-kit'
import type { BlobTable, Transactions } from '../content/ports.ts'
import type { Staging } from '../disk/staging.ts'
import type { StateDir } from '../disk/state-dir.ts'
import type { Trash } from '../disk/trash.ts'
import type { Layers } from './layers.ts'
import type { LayerTable, SnapshotTable } from './ports.ts'
import type { Snapshots } from './snapshots.ts'

export interface ReconcileDeps {
  readonly dir: StateDir
  readonly trash: Trash
  readonly staging: Staging
  readonly blobs: BlobTable
  readonly layerRows: LayerTable
  readonly layers: Layers
  readonly snapshotRows: SnapshotTable
  readonly snapshots: Snapshots
  readonly transactions: Transactions
  readonly log: Logger
}

/**
 * Brings database and directories to agreement before anything is served. A row is written after its files and deleted
 * before them: files without a row go; a row without files is forgotten, and what it was is fetched or unpacked again; a
 * snapshot whose directories did not survive a power cut gets new ones.
 */
export function reconcile(deps: ReconcileDeps): void {
  deps.staging.sweep()
  reconcileBlobs(deps)
  reconcileLayers(deps)
  reconcileSnapshots(deps)
  deps.trash.empty()
}

const PAGE = 1_000

function reconcileBlobs({ dir, trash, blobs, transactions, log }: ReconcileDeps): void {
  const known = new Set<string>()
  const lost: string[] = []
  for (const blob of paged(
    (after) => blobs.list(after, PAGE),
    (blob) => blob.digest,
  )) {
    const path = dir.blob(blob.digest)
    if (existsSync(path)) known.add(path)
    else {
      lost.push(blob.digest)
      transactions.transaction(() => blobs.delete(blob.digest))
    }
  }
  if (lost.length > 0) log.error({ lost }, 'blobs are missing from the disk: pull or load their images again')
  for (const algorithm of readdirSync(dir.blobs))
    for (const shard of readdirSync(join(dir.blobs, algorithm)))
      for (const name of readdirSync(join(dir.blobs, algorithm, shard))) {
        const path = join(dir.blobs, algorithm, shard, name)
        if (!known.has(path)) trash.discard(path)
      }
}

function reconcileLayers({ dir, trash, layerRows, layers, transactions, log }: ReconcileDeps): void {
  const known = new Set<string>()
  for (const layer of layerRows.all()) {
    const path = dir.layer(layer.chainId)
    if (existsSync(join(path, 'fs'))) known.add(basename(path))
    else {
      log.warn({ layer: layer.chainId }, 'an unpacked layer is missing: it will be unpacked again')
      transactions.transaction(() => layerRows.delete(layer.chainId))
      layers.forget(layer.chainId)
    }
  }
  for (const name of readdirSync(dir.layers)) if (!known.has(name)) trash.discard(join(dir.layers, name))
}

function reconcileSnapshots({ dir, trash, snapshotRows, snapshots, log }: ReconcileDeps): void {
  const known = new Set<string>()
  for (const snapshot of paged(
    (after) => snapshotRows.list(after, PAGE, 'active'),
    (row) => row.key,
  )) {
    const path = dir.snapshot(snapshot.key)
    known.add(snapshot.key)
    if (existsSync(join(path, 'fs')) && existsSync(join(path, 'work'))) continue
    log.warn({ snapshot: snapshot.key }, 'the directories of a snapshot did not survive: it starts empty')
    snapshots.repair(snapshot)
  }
  for (const name of readdirSync(dir.snapshots)) if (!known.has(name)) trash.discard(join(dir.snapshots, name))
}

/** Every row of a table that is read by pages. */
function* paged<T>(page: (after: string) => T[], keyOf: (row: T) => string): Generator<T> {
  for (let rows = page(''); rows.length > 0; rows = page(keyOf(rows[rows.length - 1] as T))) yield* rows
}
