import { mkdirSync, renameSync } from 'node:fs'
import { join } from 'node:path'
import { alreadyExists, conflict, failedPrecondition, notFound } from '@caisson/api'
import { type Digest, digestHex, digestOf } from '@caisson/oci'
import type { Ballast } from '@caisson/service-kit'
import type { Transactions } from '../content/ports.ts'
import type { StateDir } from '../disk/state-dir.ts'
import type { Trash } from '../disk/trash.ts'
import type { Events } from '../events.ts'
import type { FoundImage } from '../image/lookup.ts'
import type { LimitedFolder, Quotas } from '../quota/quotas.ts'
import { giveAttributes, type Layers } from './layers.ts'
import type { SnapshotKind, SnapshotRecord, SnapshotTable } from './ports.ts'
import type { Shelf } from './shelf.ts'

/** What to mount; the directories are ours. */
export interface Mount {
  readonly lowerDirs: readonly string[]
  /** Empty: read-only. */
  readonly upperDir: string
  readonly workDir: string
  /** For overlayfs. */
  readonly options: readonly string[]
}

/**
 * Hosts differ in what overlayfs does unasked. A change must be whole in its own layer to be committed, and no layer may
 * say where another's content is.
 */
const OPTIONS: readonly string[] = ['redirect_dir=nofollow', 'metacopy=off']

export interface PreparedSnapshot {
  readonly snapshot: SnapshotRecord
  readonly mount: Mount
  readonly image: FoundImage | undefined
  /** As long as this file holds these bytes, the image is what was asked for. Absent: ask again. */
  readonly lookup?: { readonly path: string; readonly bytes: Uint8Array }
}

/** What a snapshot stands on. */
export type SnapshotBase = { readonly image: FoundImage } | { readonly parent: string }

export interface SnapshotRequest {
  readonly key: string
  readonly kind: 'active' | 'view'
  readonly labels: Readonly<Record<string, string>>
  /** crash: it need not survive a power cut. */
  readonly durability?: 'power-cut' | 'crash'
  /** Bytes it may hold. 0 or absent: no limit. */
  readonly quotaBytes?: number
}

export interface SnapshotsDeps {
  readonly dir: StateDir
  readonly trash: Trash
  readonly ballast: Ballast
  readonly shelf: Shelf
  readonly table: SnapshotTable
  readonly transactions: Transactions
  readonly layers: Layers
  readonly quotas: Pick<Quotas, 'assign' | 'bytesOf'>
  readonly events: Events
  readonly clock: () => number
}

/**
 * Snapshots: a few directories and a row each. Everything here is synchronous: between the look at an image and the row
 * that protects it nothing else runs.
 */
export class Snapshots {
  readonly #deps: SnapshotsDeps

  constructor(deps: SnapshotsDeps) {
    this.#deps = deps
  }

  /**
   * Makes a snapshot whose layers are unpacked; one with a quota takes the limited folder over. Asking again for the same
   * one returns it.
   */
  create(request: SnapshotRequest, base: SnapshotBase, folder?: LimitedFolder): SnapshotRecord {
    const wanted = this.#record(request, base)
    const present = this.#deps.table.get(request.key)
    if (present) return this.#sameOrRefused(present, wanted, request.quotaBytes ?? 0)
    if (request.quotaBytes && !folder)
      throw conflict('SNAPSHOT_CHANGED', `snapshot ${request.key} was removed meanwhile: ask again`)
    this.#insert([wanted], request.durability, folder)
    return wanted
  }

  /**
   * Makes several that nobody has made before, all or none, without quotas. Throws `already-exists` when there is one with
   * such a key.
   */
  createAll(keys: readonly string[], request: Omit<SnapshotRequest, 'key'>, base: SnapshotBase): SnapshotRecord[] {
    const wanted = keys.map((key) => this.#record({ ...request, key }, base))
    for (const { key } of wanted)
      if (this.#deps.table.get(key))
        throw alreadyExists('snapshot', key, 'several at once must be new: choose another key')
    this.#insert(wanted, request.durability)
    return wanted
  }

  find(key: string): SnapshotRecord | undefined {
    return this.#deps.table.get(key)
  }

  get(key: string): SnapshotRecord {
    const snapshot = this.find(key)
    if (!snapshot) throw notFound('snapshot', key)
    return snapshot
  }

  /**
   * Adds a committed snapshot of what `from` changed: the layer with this chain id. An empty key is made of what it stands
   * on and what it holds. Asking again for the same one returns it. Belongs into a transaction.
   */
  insertCommitted(wantedKey: string, from: SnapshotRecord, chainId: Digest): SnapshotRecord {
    const { table, clock, events } = this.#deps
    const { parent, image, labels } = from
    const key = wantedKey === '' ? keyOfContent(chainId, from) : wantedKey
    const wanted = { key, kind: 'committed', base: chainId, parent, image, labels, createdMs: clock() } as const
    const present = table.get(key)
    if (present) return this.#sameOrRefused(present, wanted, 0)
    table.insert(wanted)
    events.snapshotCommitted(wanted, from.key)
    return wanted
  }

  mountOf(snapshot: SnapshotRecord): Mount {
    const path = this.#deps.dir.snapshot(snapshot.key)
    const lowerDirs = this.#deps.layers.lowerDirs(snapshot.base)
    if (snapshot.kind !== 'active') return { lowerDirs, upperDir: '', workDir: '', options: OPTIONS }
    return { lowerDirs, upperDir: join(path, 'fs'), workDir: join(path, 'work'), options: OPTIONS }
  }

  list(after: string, limit: number, kind: SnapshotKind | undefined): SnapshotRecord[] {
    return this.#deps.table.list(after, limit, kind)
  }

  /** Takes a snapshot away. One that is not there is not an error. */
  remove(key: string): void {
    const { table, transactions, ballast, events, dir, trash } = this.#deps
    const snapshot = table.get(key)
    if (!snapshot) return
    if (table.hasChildren(key))
      throw failedPrecondition('SNAPSHOT_IN_USE', `snapshot ${key} has snapshots standing on it: remove those first`)
    const forget = (): void => {
      table.delete(key)
      events.snapshotRemoved(snapshot)
    }
    ballast.spend(() => transactions.transaction(forget, 'crash'))
    if (snapshot.kind === 'active') trash.discard(dir.snapshot(key))
  }

  /** Makes the directories of a snapshot anew that lost them in a crash. */
  repair(snapshot: SnapshotRecord): void {
    const path = this.#deps.dir.snapshot(snapshot.key)
    this.#undo(path)
    this.#makeDirectories(path, snapshot)
  }

  #insert(wanted: readonly SnapshotRecord[], durability: SnapshotRequest['durability'], folder?: LimitedFolder): void {
    const { dir, transactions, table, quotas, events } = this.#deps
    try {
      for (const snapshot of wanted) this.#makeDirectories(dir.snapshot(snapshot.key), snapshot, folder)
      transactions.transaction(() => {
        for (const snapshot of wanted) {
          table.insert(snapshot)
          if (folder) quotas.assign(folder.project, snapshot.key)
          events.snapshotPrepared(snapshot)
        }
      }, durability)
    } catch (error) {
      for (const { key } of wanted) this.#undo(dir.snapshot(key))
      throw error
    }
  }

  #record({ key, kind, labels }: SnapshotRequest, base: SnapshotBase): SnapshotRecord {
    const common = { key, kind, labels, createdMs: this.#deps.clock() }
    if ('image' in base) {
      const { record } = base.image
      return { ...common, base: record.layers.at(-1)?.chainId, parent: '', image: record.id }
    }
    const parent = this.get(base.parent)
    if (parent.kind !== 'committed')
      throw failedPrecondition('SNAPSHOT_NOT_COMMITTED', `snapshot ${parent.key} can change: commit it first`)
    return { ...common, base: parent.base, parent: parent.key, image: parent.image }
  }

  #makeDirectories(path: string, snapshot: SnapshotRecord, folder?: LimitedFolder): void {
    // The others are their layers: they have nothing of their own.
    if (snapshot.kind !== 'active') return
    if (folder) renameSync(folder.path, path)
    else if (!this.#deps.shelf.take(path)) {
      mkdirSync(path, { mode: 0o700 })
      mkdirSync(join(path, 'fs'), { mode: 0o700 })
      mkdirSync(join(path, 'work'), { mode: 0o700 })
    }
    giveAttributes(join(path, 'fs'), this.#deps.layers.rootOf(snapshot.base))
  }

  #sameOrRefused(present: SnapshotRecord, wanted: SnapshotRecord, quotaBytes: number): SnapshotRecord {
    const same = (['kind', 'base', 'parent', 'image'] as const).every((field) => present[field] === wanted[field])
    if (!same) throw alreadyExists('snapshot', present.key, 'it stands on something else: choose another key')
    if (this.#deps.quotas.bytesOf(present.key) === quotaBytes) return present
    throw alreadyExists('snapshot', present.key, 'it has another quota: choose another key')
  }

  #undo(path: string): void {
    try {
      this.#deps.trash.discard(path)
    } catch (error) {
      if (!(error instanceof Error && 'code' in error && error.code === 'ENOENT')) throw error
    }
  }
}

function keyOfContent(chainId: Digest, { parent, image }: SnapshotRecord): string {
  return `committed-${digestHex(digestOf(`${chainId} ${parent} ${image ?? ''}`))}`
}
