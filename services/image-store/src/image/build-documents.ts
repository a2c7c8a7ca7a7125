import { type Digest, type LayerCompression, MEDIA_TYPE, type Platform } from '@caisson/oci'
import type { HealthCheck, HistoryEntry, RunConfig } from './ports.ts'

const LAYER_TYPE: Readonly<Record<LayerCompression, string>> = {
  none: MEDIA_TYPE.ociLayer,
  gzip: MEDIA_TYPE.ociLayerGzip,
  zstd: MEDIA_TYPE.ociLayerZstd,
}

export const layerMediaType = (compression: LayerCompression): string => LAYER_TYPE[compression]

export interface ConfigParts {
  readonly platform: Platform
  readonly config: RunConfig
  /** RFC 3339. */
  readonly created: string
  readonly author?: string
  /** Docker's own: how long its containers have to stop. */
  readonly stopTimeoutSeconds?: number | undefined
  readonly diffIds: readonly Digest[]
  readonly history: readonly HistoryEntry[]
}

/** The config document of an image (image-spec, config). The same parts make the same bytes. */
export function buildConfig(parts: ConfigParts): Buffer {
  const { platform, config, created, author, diffIds, history, stopTimeoutSeconds } = parts
  return toBytes({
    created,
    author,
    architecture: platform.architecture,
    os: platform.os,
    variant: platform.variant,
    'os.version': platform.osVersion,
    'os.features': platform.osFeatures,
    config: { ...runConfigDocument(config), StopTimeout: stopTimeoutSeconds },
    rootfs: { type: 'layers', diff_ids: diffIds },
    history: history.map((entry) => ({
      created: entry.created,
      created_by: entry.createdBy,
      comment: entry.comment,
      author: entry.author,
      ...(entry.emptyLayer ? { empty_layer: true } : {}),
    })),
  })
}

export interface DescriptorPart {
  readonly mediaType: string
  readonly digest: Digest
  readonly size: number
}

/** The manifest of an image (image-spec, manifest). */
export function buildManifest(config: Omit<DescriptorPart, 'mediaType'>, layers: readonly DescriptorPart[]): Buffer {
  const descriptor = ({ mediaType, digest, size }: DescriptorPart): DescriptorPart => ({ mediaType, digest, size })
  return toBytes({
    schemaVersion: 2,
    mediaType: MEDIA_TYPE.ociManifest,
    config: descriptor({ mediaType: MEDIA_TYPE.ociConfig, ...config }),
    layers: layers.map(descriptor),
  })
}

function runConfigDocument(config: RunConfig): object {
  return {
    User: config.user,
    ExposedPorts: asSet(config.exposedPorts),
    Env: config.env,
    Entrypoint: config.entrypoint,
    Cmd: config.cmd,
    Volumes: asSet(config.volumes),
    WorkingDir: config.workingDir,
    Labels: Object.fromEntries(Object.entries(config.labels).sort(([a], [b]) => (a < b ? -1 : 1))),
    StopSignal: config.stopSignal,
    Healthcheck: config.healthCheck && healthCheckDocument(config.healthCheck),
    Shell: config.shell,
    OnBuild: config.onBuild,
  }
}

/** What is 0 is the default and is left out. */
function healthCheckDocument(check: HealthCheck): object {
  const orAbsent = (value: number): number | undefined => (value === 0 ? undefined : value)
  return {
    Test: check.test,
    Interval: orAbsent(check.intervalNs),
    Timeout: orAbsent(check.timeoutNs),
    StartPeriod: orAbsent(check.startPeriodNs),
    StartInterval: orAbsent(check.startIntervalNs),
    Retries: orAbsent(check.retries),
  }
}

const asSet = (names: readonly string[]): object => Object.fromEntries([...names].sort().map((name) => [name, {}]))

/** What is empty is left out, as Go's documents have it. */
function toBytes(document: object): Buffer {
  return Buffer.from(
    JSON.stringify(document, (key, value) => (key !== 'diff_ids' && isEmpty(value) ? undefined : value)),
  )
}

function isEmpty(value: unknown): boolean {
  if (value === '' || value === undefined) return true
  if (Array.isArray(value)) return value.length === 0
  return false
}
