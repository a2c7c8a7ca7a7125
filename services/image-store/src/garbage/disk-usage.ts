import { existsSync } from 'node:fs'
import { lstat } from 'node:fs/promises'
import { join } from 'node:path'
import type { BlobTable } from '../content/ports.ts'
import type { DiskRoom } from '../disk/room.ts'
import type { StateDir } from '../disk/state-dir.ts'
import type { Images } from '../image/images.ts'
import type { ImageLookup } from '../image/lookup.ts'
import type { Layers } from '../snapshot/layers.ts'
import type { SnapshotRecord, SnapshotTable } from '../snapshot/ports.ts'
import { usageOf } from '../snapshot/usage.ts'
import type { Collector } from './collector.ts'
import type { ImageCollector } from './image-collector.ts'

export interface DiskUsage {
  readonly contentBytes: number
  readonly blobs: number
  readonly layerBytes: number
  readonly layers: number
  readonly snapshotBytes: number
  readonly snapshots: number
  readonly partialBytes: number
  readonly stagingBytes: number
  readonly trashBytes: number
  /** With what is kept back for removing. */
  readonly databaseBytes: number
  /** All of the above. */
  readonly totalBytes: number
  /** What collecting garbage would free. */
  readonly reclaimableBytes: number
  readonly reserveBytes: number
  readonly freeBytes: number
  readonly diskBytes: number
  readonly images: readonly ImageUsage[]
  readonly snapshotList: readonly SnapshotUsage[]
}

export interface ImageUsage {
  readonly id: string
  readonly names: readonly string[]
  readonly bytes: number
  readonly uniqueBytes: number
  readonly lastUsedMs: number
  readonly inUse: boolean
}

export interface SnapshotUsage {
  readonly key: string
  readonly image: string
  readonly bytes: number
}

export interface DiskUsageDeps {
  readonly dir: StateDir
  readonly room: DiskRoom
  readonly table: BlobTable
  readonly layers: Layers
  readonly snapshotRows: SnapshotTable
  readonly images: Images
  readonly lookup: ImageLookup
  readonly collector: Collector
  readonly imageCollector: ImageCollector
}

const PAGE = 1_000

/** Tells what the store holds, and what is left of its disk. Layers and blobs are counted as recorded, the rest as it lies. */
export async function diskUsage(deps: DiskUsageDeps, signal: AbortSignal): Promise<DiskUsage> {
  const { dir, room, layers: allLayers, collector } = deps
  const { bytes: contentBytes, count: blobs } = deps.table.totals()
  const layers = [...allLayers.all()]
  const snapshotList = await snapshotUsages(deps, signal)
  const parts = {
    contentBytes,
    layerBytes: sum(layers.map(({ bytes }) => bytes)),
    snapshotBytes: sum(snapshotList.map(({ bytes }) => bytes)),
    partialBytes: await bytesBelow(dir.partial, signal),
    stagingBytes: await bytesBelow(dir.staging, signal),
    trashBytes: await bytesBelow(dir.trash, signal),
    databaseBytes: await bytesOf([dir.database, `${dir.database}-wal`, `${dir.database}-shm`, dir.ballast]),
  }
  return {
    ...parts,
    blobs,
    layers: layers.length,
    snapshots: snapshotList.length,
    totalBytes: sum(Object.values(parts)),
    reclaimableBytes: collector.collect({ dryRun: true }).freedBytes,
    reserveBytes: room.reserveBytes,
    ...room.space(),
    images: imageUsages(deps),
    snapshotList,
  }
}

async function snapshotUsages(deps: DiskUsageDeps, signal: AbortSignal): Promise<SnapshotUsage[]> {
  const usages: SnapshotUsage[] = []
  const { snapshotRows: table } = deps
  for (let rows = table.list('', PAGE, undefined); rows.length > 0; ) {
    for (const row of rows)
      usages.push({ key: row.key, image: row.image ?? '', bytes: await snapshotBytes(deps.dir, row, signal) })
    rows = table.list(rows.at(-1)?.key ?? '', PAGE, undefined)
  }
  return usages
}

/** One that is removed meanwhile has nothing any more. */
async function snapshotBytes(dir: StateDir, { key, kind }: SnapshotRecord, signal: AbortSignal): Promise<number> {
  return kind === 'view' ? 0 : await bytesBelow(join(dir.snapshot(key), 'fs'), signal)
}

function imageUsages({ images, lookup, imageCollector }: DiskUsageDeps): ImageUsage[] {
  const lastUsedMs = imageCollector.lastUsedMs()
  const all = lookup.all().map((image) => ({ image, content: images.contentBytes(image) }))
  const counts = new Map<string, number>()
  for (const { content } of all) for (const digest of content.keys()) counts.set(digest, (counts.get(digest) ?? 0) + 1)
  return all.map(({ image, content }) => ({
    id: image.record.id,
    names: image.names,
    bytes: sum([...content.values()]),
    uniqueBytes: sum([...content].filter(([digest]) => counts.get(digest) === 1).map(([, bytes]) => bytes)),
    lastUsedMs: lastUsedMs(image),
    inUse: images.neededBy(image) !== undefined,
  }))
}

async function bytesBelow(path: string, signal: AbortSignal): Promise<number> {
  try {
    return (await usageOf(path, signal)).bytes
  } catch (error) {
    if (!existsSync(path)) return 0
    throw error
  }
}

async function bytesOf(paths: readonly string[]): Promise<number> {
  const sizes = paths.filter((path) => existsSync(path)).map(async (path) => (await lstat(path)).blocks * 512)
  return sum(await Promise.all(sizes))
}

const sum = (numbers: readonly number[]): number => numbers.reduce((total, number) => total + number, 0)
