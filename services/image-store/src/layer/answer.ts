import type { PathInfo, Written } from '../tree/ports.ts'
import { LAYER_REASONS, type LayerFailure, type LayerReason } from './layer-error.ts'

export type Compression = 'none' | 'gzip' | 'zstd'

export interface UnpackResult {
  /** SHA-256 of the bytes of the blob, all of them: `sha256:<hex>`. */
  readonly digest: string
  /** SHA-256 of the tar in it. */
  readonly diffId: string
  /** Bytes of the blob. */
  readonly compressedBytes: number
  /** Bytes of the tar. */
  readonly bytes: number
  /** Bytes of the files together. */
  readonly contentBytes: number
  readonly entries: number
  readonly compression: Compression
  /** The layer hides all that is below it. Overlayfs does not heed such a mark: the lower layers must not be mounted. */
  readonly rootOpaque: boolean
  /** The archive has an entry for the root: its mode and owner are meant. */
  readonly rootEntry: boolean
}

export interface DigestResult {
  readonly digest: string
  readonly bytes: number
}

export interface DiffResult {
  /** SHA-256 of the bytes of the blob. */
  readonly digest: string
  /** SHA-256 of the tar in it. */
  readonly diffId: string
  /** Bytes of the blob. */
  readonly compressedBytes: number
  readonly entries: number
  /** Sockets and devices that were left out. */
  readonly skipped: number
  /** Files that changed while they were read. */
  readonly changed: number
}

/** Something that is different from the layers below: new, different, gone. */
export interface LayerChange {
  readonly kind: 'A' | 'C' | 'D'
  /** Absolute; bytes, for names need not be text. */
  readonly path: Buffer
}

/** How far an unpack is. */
export interface LayerProgress {
  /** Bytes of the tar. */
  readonly bytes: number
  readonly entries: number
}

/** A line that the helper printed, by its only or first key. */
export type Answer =
  | { readonly kind: 'progress'; readonly progress: LayerProgress }
  | { readonly kind: 'change'; readonly change: LayerChange }
  | { readonly kind: 'failure'; readonly failure: LayerFailure }
  | { readonly kind: 'done'; readonly value: Readonly<Record<string, unknown>> }

const DIGEST = /^sha256:[0-9a-f]{64}$/
const HEXADECIMAL = /^(?:[0-9a-f]{2})+$/
const CHANGES: readonly LayerChange['kind'][] = ['A', 'C', 'D']
const COMPRESSIONS: readonly Compression[] = ['none', 'gzip', 'zstd']

/** Reads one line of the helper. Throws on anything that the helper never prints. */
export function parseAnswer(line: string): Answer {
  const value = asRecord(JSON.parse(line))
  if ('progress' in value) return { kind: 'progress', progress: asProgress(asRecord(value['progress'])) }
  if ('change' in value) return { kind: 'change', change: asChange(value) }
  if ('error' in value) return { kind: 'failure', failure: asFailure(asRecord(value['error'])) }
  return { kind: 'done', value }
}

export function asUnpackResult(value: Readonly<Record<string, unknown>>): UnpackResult {
  return {
    digest: asDigest(value['digest']),
    diffId: asDigest(value['diffId']),
    compressedBytes: asCount(value['compressedBytes']),
    bytes: asCount(value['bytes']),
    contentBytes: asCount(value['contentBytes']),
    entries: asCount(value['entries']),
    compression: asOneOf(COMPRESSIONS, value['compression']),
    rootOpaque: value['rootOpaque'] === true,
    rootEntry: value['rootEntry'] === true,
  }
}

export function asDigestResult(value: Readonly<Record<string, unknown>>): DigestResult {
  return { digest: asDigest(value['digest']), bytes: asCount(value['bytes']) }
}

export function asDiffResult(value: Readonly<Record<string, unknown>>): DiffResult {
  return {
    digest: asDigest(value['digest']),
    diffId: asDigest(value['diffId']),
    compressedBytes: asCount(value['compressedBytes']),
    entries: asCount(value['entries']),
    skipped: asCount(value['skipped']),
    changed: asCount(value['changed']),
  }
}

function asChange(value: Readonly<Record<string, unknown>>): LayerChange {
  const path = asText(value['path'])
  if (!HEXADECIMAL.test(path)) throw unexpected(value)
  return { kind: asOneOf(CHANGES, value['change']), path: Buffer.from(path, 'hex') }
}

export function asPathInfo(value: Readonly<Record<string, unknown>>): PathInfo {
  const { mtime } = value
  if (!Array.isArray(mtime) || !mtime.every(Number.isSafeInteger)) throw unexpected(value)
  const [seconds = 0, nanoseconds = 0] = mtime
  return {
    mode: asCount(value['mode']),
    uid: asCount(value['uid']),
    gid: asCount(value['gid']),
    size: asCount(value['size']),
    mtimeNs: BigInt(seconds) * 1_000_000_000n + BigInt(nanoseconds),
    linkTarget: asText(value['target']),
  }
}

export function asWritten(value: Readonly<Record<string, unknown>>): Written {
  return { bytes: asCount(value['bytes']), entries: asCount(value['entries']) }
}

export function asHashes(value: Readonly<Record<string, unknown>>): string[] {
  const { digests } = value
  if (!Array.isArray(digests)) throw unexpected(value)
  return digests.map(asDigest)
}

function asProgress(value: Readonly<Record<string, unknown>>): LayerProgress {
  return { bytes: asCount(value['bytes']), entries: asCount(value['entries']) }
}

function asFailure(value: Readonly<Record<string, unknown>>): LayerFailure {
  return {
    reason: asOneOf<LayerReason>(LAYER_REASONS, value['reason']),
    path: asText(value['path']),
    message: asText(value['message']),
    step: asText(value['step']),
    errno: asCount(value['errno']),
  }
}

function asRecord(value: unknown): Readonly<Record<string, unknown>> {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw unexpected(value)
  return value as Readonly<Record<string, unknown>>
}

function asText(value: unknown): string {
  if (typeof value !== 'string') throw unexpected(value)
  return value
}

function asCount(value: unknown): number {
  if (typeof value !== 'number' || !Number.isSafeInteger(value) || value < 0) throw unexpected(value)
  return value
}

function asDigest(value: unknown): string {
  if (typeof value !== 'string' || !DIGEST.test(value)) throw unexpected(value)
  return value
}

function asOneOf<T extends string>(words: readonly T[], value: unknown): T {
  const word = words.find((candidate) => candidate === value)
  if (word === undefined) throw unexpected(value)
  return word
}

function unexpected(value: unknown): TypeError {
  return new TypeError(`the layer helper answered something unexpected: ${JSON.stringify(value)}`)
}
