import { type Partially, type Timestamp, toTimestamp } from '@caisson/api'
import type { Page, Platform as WirePlatform } from '@caisson/api/common'
import type { Blob, Lease } from '@caisson/api/content'
import type { Image, ImageConfig } from '@caisson/api/image'
import { type PrepareResponse, type Snapshot, SnapshotKind as WireKind } from '@caisson/api/snapshot'
import type { ImageTrust } from '@caisson/api/trust'
import type { Platform } from '@caisson/oci'
import type { BlobRecord } from '../content/ports.ts'
import type { FoundImage } from '../image/lookup.ts'
import type { HealthCheck, RunConfig } from '../image/ports.ts'
import type { LeaseRecord } from '../lease/ports.ts'
import type { LayerRecord, SnapshotKind, SnapshotRecord } from '../snapshot/ports.ts'
import type { PreparedTogether } from '../snapshot/preparer.ts'
import type { PreparedSnapshot } from '../snapshot/snapshots.ts'

const PAGE_LIMIT = 1_000

export const toTime = (ms: number): Timestamp | undefined => toTimestamp(BigInt(ms) * 1_000_000n)

export const fromTime = (time: Timestamp | undefined): number =>
  time ? time.seconds * 1_000 + Math.floor(time.nanos / 1_000_000) : 0

/** A time as documents have it. */
export function toTimeOfText(text: string): Timestamp | undefined {
  const ms = Date.parse(text)
  return Number.isNaN(ms) ? undefined : toTime(ms)
}

export function fromPage(page: Page | undefined): { after: string; limit: number } {
  const size = page?.size ?? 0
  return { after: page?.token ?? '', limit: size === 0 ? PAGE_LIMIT : Math.min(size, PAGE_LIMIT) }
}

/** A page is full when there may be more behind it. */
export function nextToken<T>(rows: readonly T[], limit: number, keyOf: (row: T) => string): string {
  const last = rows.at(-1)
  return last !== undefined && rows.length === limit ? keyOf(last) : ''
}

const toPlatform = ({ os, architecture, variant }: Platform): WirePlatform => ({
  os,
  architecture,
  variant: variant ?? '',
})

export function toBlob(blob: BlobRecord): Partially<Blob> {
  return { digest: blob.digest, size: blob.size, createdAt: toTime(blob.createdMs) }
}

export function toLease(lease: LeaseRecord): Partially<Lease> {
  const { id, resources, labels } = lease
  return { id, resources, labels, expiresAt: toTime(lease.expiresMs), createdAt: toTime(lease.createdMs) }
}

export type LayerLookup = (chainId: FoundImage['record']['layers'][number]['chainId']) => LayerRecord | undefined

export function toImage(
  { record, target, names, repoDigests }: FoundImage,
  layerOf: LayerLookup,
  uniqueSize = 0,
  trust?: Partially<ImageTrust>,
): Partially<Image> {
  const layers = record.layers.map(({ digest, size, mediaType, diffId, chainId }) => ({
    digest,
    size,
    mediaType,
    diffId,
    unpackedSize: layerOf(chainId)?.bytes ?? 0,
  }))
  return {
    id: record.id,
    digest: target,
    names,
    platform: toPlatform(record.platform),
    config: toConfig(record.config),
    layers,
    history: record.history.map(({ created, ...entry }) => ({ ...entry, createdAt: toTimeOfText(created) })),
    createdAt: toTimeOfText(record.created),
    storedAt: toTime(record.storedMs),
    size: layers.reduce((sum, layer) => sum + layer.unpackedSize, 0),
    uniqueSize,
    author: record.author,
    manifest: { ...record.manifest },
    repoDigests,
    trust,
  }
}

function toConfig(config: RunConfig): Partially<ImageConfig> {
  return { ...config, healthCheck: config.healthCheck ? toHealthCheck(config.healthCheck) : undefined }
}

export function fromConfig(config: ImageConfig): RunConfig {
  const { healthCheck, ...rest } = config
  return { ...rest, ...(healthCheck && { healthCheck }) }
}

const toHealthCheck = (check: HealthCheck): HealthCheck => ({ ...check })

const KINDS = {
  active: WireKind.ACTIVE,
  view: WireKind.VIEW,
  committed: WireKind.COMMITTED,
} as const satisfies Record<SnapshotKind, WireKind>

export function fromKind(kind: WireKind): SnapshotKind | undefined {
  return (Object.keys(KINDS) as SnapshotKind[]).find((name) => KINDS[name] === kind)
}

export function toSnapshot(snapshot: SnapshotRecord): Partially<Snapshot> {
  const { key, parent, labels } = snapshot
  return { key, kind: KINDS[snapshot.kind], parent, labels, createdAt: toTime(snapshot.createdMs) }
}

export function toPrepared(
  { snapshot, mount, image, lookup, more = [] }: PreparedSnapshot & Partial<PreparedTogether>,
  layerOf: LayerLookup,
): Partially<PrepareResponse> {
  return {
    snapshot: toSnapshot(snapshot),
    mount,
    more,
    image: image ? toImage(image, layerOf) : undefined,
    ...(lookup && { lookupVersion: Buffer.from(lookup.bytes), lookupVersionPath: lookup.path }),
  }
}
