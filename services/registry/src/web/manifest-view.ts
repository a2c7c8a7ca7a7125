import { type Digest, isConfigType, isDigest, isIndexType, MAX_MANIFEST_BYTES, parseJson } from '@caisson/oci'
import {
  type Entry,
  type Loose,
  looseEntries,
  looseList,
  looseMember,
  looseObject,
  looseSize,
  looseText,
} from './loose.ts'

/** A manifest as far as a page shows it. All texts are its author's. */
export interface ManifestView {
  readonly kind: 'index' | 'image' | 'artifact'
  readonly artifactType: string
  readonly config?: Named
  /** The lowest first. */
  readonly layers: readonly Named[]
  /** Of an index. */
  readonly manifests: readonly Named[]
  readonly subject?: Named
  readonly annotations: readonly Entry[]
}

/** What a descriptor says. */
export interface Named {
  readonly digest: Digest
  readonly mediaType: string
  readonly size: number
  readonly artifactType: string
  /** "linux/arm64/v8"; empty when none is named. */
  readonly platform: string
  readonly annotations: readonly Entry[]
}

/** Reads a manifest that the registry took. Throws what parseJson throws. */
export function viewManifest(bytes: Uint8Array, mediaType: string): ManifestView {
  const json = looseObject(parseJson(bytes, { subject: 'manifest', maxBytes: MAX_MANIFEST_BYTES }))
  const config = named(looseMember(json, 'config'))
  const subject = named(looseMember(json, 'subject'))
  return {
    kind: kindOf(mediaType, config),
    artifactType: looseText(json, 'artifactType') || (config?.mediaType ?? ''),
    ...(config && { config }),
    ...(subject && { subject }),
    layers: looseList(json, 'layers').flatMap((item) => named(item) ?? []),
    manifests: looseList(json, 'manifests').flatMap((item) => named(item) ?? []),
    annotations: looseEntries(json, 'annotations'),
  }
}

/** Bytes that a client fetches for it. */
export function contentSize({ config, layers }: ManifestView): number {
  return layers.reduce((sum, { size }) => sum + size, config?.size ?? 0)
}

/** What an image runs on; manifests that are for no platform (attestations) say unknown/unknown. */
export function platformsOf({ manifests }: ManifestView): string[] {
  const platforms = manifests.map(({ platform }) => platform).filter((name) => name !== '' && !isUnknown(name))
  return [...new Set(platforms)]
}

export const isUnknown = (platform: string): boolean => platform === 'unknown/unknown'

function kindOf(mediaType: string, config: Named | undefined): ManifestView['kind'] {
  if (isIndexType(mediaType)) return 'index'
  return config !== undefined && isConfigType(config.mediaType) ? 'image' : 'artifact'
}

function named(value: unknown): Named | undefined {
  const json = looseObject(value)
  const digest = looseText(json, 'digest')
  if (!isDigest(digest)) return undefined
  return {
    digest,
    mediaType: looseText(json, 'mediaType'),
    size: looseSize(json, 'size'),
    artifactType: looseText(json, 'artifactType'),
    platform: platformName(looseObject(looseMember(json, 'platform'))),
    annotations: looseEntries(json, 'annotations'),
  }
}

/** The same spelling for a platform of an index and of a config. */
export function platformName(json: Loose): string {
  const parts = ['os', 'architecture', 'variant'].map((name) => looseText(json, name))
  return parts.filter((part) => part !== '').join('/')
}
