import { exhausted, invalid, unimplemented } from '@caisson/api'
import {
  chainIds,
  checkLayerCount,
  type Digest,
  digestAlgorithm,
  type ImageManifest,
  isConfigType,
  isLayerType,
  type ImageConfig as OciConfig,
  OciFormatError,
  type HistoryEntry as OciHistoryEntry,
} from '@caisson/oci'
import type { HealthCheck, HistoryEntry, ImageLayer, ImageRecord, RunConfig } from './ports.ts'

/** A document and its name. */
export interface Document {
  readonly digest: Digest
  readonly bytes: Uint8Array
}

export interface ImageDocuments {
  readonly manifest: ImageManifest
  readonly manifestDocument: Document
  readonly config: OciConfig
  readonly configDigest: Digest
  /** What names of the image point at: its manifest, or an index that has it. */
  readonly target: Digest
}

/** Makes what the service knows of an image of its documents, and refuses what is not an image to run. */
export function recordOf(documents: ImageDocuments, limits: { maxLayers: number }, storedMs: number): ImageRecord {
  const { manifest, manifestDocument, config, configDigest, target } = documents
  checkKind(manifest)
  asUnsafe(() => checkLayerCount(manifest, config))
  if (manifest.layers.length > limits.maxLayers)
    throw exhausted('TOO_MANY_LAYERS', `the image has ${manifest.layers.length} layers, more than ${limits.maxLayers}`)
  const created = config.created ?? ''
  return {
    id: configDigest,
    digest: target,
    manifest: {
      mediaType: manifest.mediaType,
      digest: manifestDocument.digest,
      size: manifestDocument.bytes.length,
    },
    platform: config.platform,
    config: runConfigOf(config),
    layers: layersOf(manifest, config),
    history: config.history.map(historyOf),
    author: config.author ?? '',
    created,
    createdMs: Date.parse(created) || 0,
    storedMs,
  }
}

/** Reads a document; one that is over a limit is told as such, and not as malformed. */
export function readLimited<T>(read: () => T): T {
  try {
    return read()
  } catch (error) {
    if (error instanceof OciFormatError && LIMITS.has(error.reason))
      throw exhausted(error.reason, error.message, { cause: error, details: { subject: error.subject } })
    throw error
  }
}

/** A document that is over the limit. */
export function tooLarge(digest: Digest, size: number, limit: number): Error {
  return exhausted('DOCUMENT_TOO_LARGE', `document ${digest} has ${size} bytes, more than ${limit}`, {
    details: { digest },
  })
}

const LIMITS: ReadonlySet<string> = new Set(['LIMIT_EXCEEDED', 'JSON_TOO_LARGE'])

function asUnsafe(check: () => void): void {
  try {
    check()
  } catch (error) {
    if (!(error instanceof OciFormatError)) throw error
    throw invalid(error.message, { reason: 'UNSAFE_CONTENT', cause: error })
  }
}

/** Refuses manifests of something else than a root file system. */
export function checkKind(manifest: ImageManifest): void {
  const other = manifest.layers.find((layer) => !isLayerType(layer.mediaType))
  if (isConfigType(manifest.config.mediaType) && !other) return
  const type = other?.mediaType ?? manifest.config.mediaType
  throw invalid(`this is no image that a container can run: it holds ${type}`, { reason: 'NOT_AN_IMAGE' })
}

function layersOf(manifest: ImageManifest, config: OciConfig): ImageLayer[] {
  for (const digest of [...manifest.layers.map((layer) => layer.digest), ...config.diffIds])
    if (digestAlgorithm(digest) !== 'sha256')
      throw unimplemented(`layers are read by their sha256 only, this image has ${digest}`, {
        reason: 'DIGEST_UNSUPPORTED',
      })
  const chain = chainIds(config.diffIds)
  return manifest.layers.map(({ digest, size, mediaType }, at) => {
    const [diffId, chainId] = [config.diffIds[at], chain[at]]
    if (!diffId || !chainId) throw new Error('an image has fewer diff ids than were counted')
    return { digest, size, mediaType, diffId, chainId }
  })
}

function runConfigOf({ container }: OciConfig): RunConfig {
  const { healthcheck, stopTimeoutSeconds: _, ...rest } = container
  return { ...rest, ...(healthcheck && { healthCheck: healthCheckOf(healthcheck) }) }
}

function healthCheckOf(check: NonNullable<OciConfig['container']['healthcheck']>): HealthCheck {
  return {
    test: check.test,
    intervalNs: check.intervalNs ?? 0,
    timeoutNs: check.timeoutNs ?? 0,
    startPeriodNs: check.startPeriodNs ?? 0,
    startIntervalNs: check.startIntervalNs ?? 0,
    retries: check.retries ?? 0,
  }
}

function historyOf(entry: OciHistoryEntry): HistoryEntry {
  return {
    created: entry.created ?? '',
    createdBy: entry.createdBy ?? '',
    emptyLayer: entry.isEmptyLayer,
    comment: entry.comment ?? '',
    author: entry.author ?? '',
  }
}
