import type { Digest, Platform } from '@caisson/oci'

/** How the health of a container is found out. Times are nanoseconds, 0 is the default. */
export interface HealthCheck {
  readonly test: readonly string[]
  readonly intervalNs: number
  readonly timeoutNs: number
  readonly startPeriodNs: number
  readonly startIntervalNs: number
  readonly retries: number
}

/** What containers of an image run with unless told otherwise. */
export interface RunConfig {
  readonly user: string
  readonly exposedPorts: readonly string[]
  readonly env: readonly string[]
  readonly entrypoint: readonly string[]
  readonly cmd: readonly string[]
  readonly volumes: readonly string[]
  readonly workingDir: string
  readonly labels: Readonly<Record<string, string>>
  readonly stopSignal: string
  readonly healthCheck?: HealthCheck
  readonly shell: readonly string[]
  readonly onBuild: readonly string[]
}

export interface HistoryEntry {
  /** RFC 3339. Empty: not said. */
  readonly created: string
  readonly createdBy: string
  readonly emptyLayer: boolean
  readonly comment: string
  readonly author: string
}

export interface ImageLayer {
  readonly digest: Digest
  readonly size: number
  readonly mediaType: string
  readonly diffId: Digest
  readonly chainId: Digest
}

/** What an image is; it never changes. */
export interface ImageRecord {
  /** Digest of its config. */
  readonly id: Digest
  /** Digest of its manifest, or of the index it was chosen from. */
  readonly digest: Digest
  readonly manifest: { readonly mediaType: string; readonly digest: Digest; readonly size: number }
  readonly platform: Platform
  readonly config: RunConfig
  /** The lowest first. */
  readonly layers: readonly ImageLayer[]
  readonly history: readonly HistoryEntry[]
  readonly author: string
  /** RFC 3339. Empty: not said. */
  readonly created: string
  /** Milliseconds since 1970; 0: not said. */
  readonly createdMs: number
  readonly storedMs: number
}

/** An image and what it needs, as it is registered. */
export interface ImageDraft {
  readonly record: ImageRecord
  /** Digests that names may point at and mean this image: its manifest, the indexes it was chosen from. */
  readonly targets: readonly Digest[]
  /** Every blob that belongs to it. */
  readonly blobs: readonly Digest[]
}

/** Where an image is in the list of all: the newest first, and by id where they are as old. */
export interface ImagePlace {
  readonly createdMs: number
  readonly id: string
}

export interface ImageTable {
  get(id: Digest): ImageRecord | undefined
  /** Adds an image, or further targets and blobs to one that is there. */
  put(draft: ImageDraft): void
  /** Removes the image and its references; its names have to be gone. */
  delete(id: Digest): void
  /** Images whose id begins with `sha256:` and these digits: at most `limit`. */
  byIdPrefix(digits: string, limit: number): ImageRecord[]
  byTarget(digest: Digest): ImageRecord[]
  all(): ImageRecord[]
  /** The newest first, those behind `after`. */
  page(after: ImagePlace | undefined, limit: number): ImageRecord[]
  /** Digests that mean this image. */
  targets(id: Digest): Digest[]
  /** Chain ids of its layers that no other image has. */
  soleLayers(id: Digest): Digest[]
  /** The same of every image that has such. */
  allSoleLayers(): Map<Digest, Digest[]>
  /** Blobs that belong to it. */
  blobs(id: Digest): Digest[]
}

export interface NameTable {
  /** What a name points at. */
  get(name: string): Digest | undefined
  set(name: string, target: Digest): void
  delete(name: string): void
  /** Names that point at this digest. */
  of(target: Digest): string[]
  /** All names by the images that they mean, each list in order. */
  ofImages(): Map<Digest, string[]>
}

/** Where registries have images, as pulls and pushes told. */
export interface ImageSourceTable {
  /** `repository` with its registry: docker.io/library/debian; `digest` is of a manifest or an index there. */
  add(image: Digest, source: RegistrySource): void
  /** docker.io/library/debian@sha256:... */
  of(image: Digest): string[]
  /** The same of every image that has some, by its id. */
  ofImages(): Map<Digest, string[]>
}

export interface RegistrySource {
  readonly repository: string
  readonly digest: Digest
}
