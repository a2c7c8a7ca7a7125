import type { Digest, LayerCompression } from '@caisson/oci'

/** An unpacked layer: the directory that layers/<chain id>/fs is. */
export interface LayerRecord {
  /** Names the stack of layers up to this one (image-spec, chain id). */
  readonly chainId: Digest
  readonly diffId: Digest
  /** Chain id of the layer below. Undefined: it is the lowest. */
  readonly parent: Digest | undefined
  /** Bytes of its files. */
  readonly bytes: number
  readonly entries: number
  /** It hides everything below it. */
  readonly opaque: boolean
  /** Mode and owner of its root directory: what a merged root shows. */
  readonly root: RootAttributes
  readonly createdMs: number
}

export interface RootAttributes {
  /** Permission bits. */
  readonly mode: number
  readonly uid: number
  readonly gid: number
}

/** What is known of the layers. A row is there only once the directory is durable. */
export interface LayerTable {
  get(chainId: Digest): LayerRecord | undefined
  insert(layer: LayerRecord): void
  delete(chainId: Digest): void
  all(): LayerRecord[]
}

export type SnapshotKind = 'active' | 'view' | 'committed'

export interface SnapshotRecord {
  readonly key: string
  readonly kind: SnapshotKind
  /** Chain id of its topmost layer. Undefined: it stands on nothing. */
  readonly base: Digest | undefined
  /** Key of the committed snapshot that it was made on. Empty: none. */
  readonly parent: string
  /** Id of the image that it was made from. Undefined: none. */
  readonly image: Digest | undefined
  readonly labels: Readonly<Record<string, string>>
  readonly createdMs: number
}

export interface SnapshotTable {
  get(key: string): SnapshotRecord | undefined
  insert(snapshot: SnapshotRecord): void
  delete(key: string): void
  /** By key, those behind `after`. */
  list(after: string, limit: number, kind: SnapshotKind | undefined): SnapshotRecord[]
  /** Whether snapshots stand on this one. */
  hasChildren(key: string): boolean
  /** One snapshot of an image, when there is any. */
  ofImage(image: Digest): string | undefined
}

/** A file that others still append to. */
export interface GrowingFile {
  readonly path: string
  /** Resolves when all of it is there; tells each time it has grown until then. Rejects when it will never be whole. */
  whole(onGrowth: () => void, signal: AbortSignal): Promise<void>
}

/** What a layer is allowed, and where it goes. */
export interface UnpackRequest {
  /** The blob: bytes as they come, a file, or one that is read while it grows. */
  readonly source: AsyncIterable<Uint8Array> | { readonly path: string } | GrowingFile
  /** An empty directory that takes its files. */
  readonly target: string
  /** A file to be made with the bytes of the blob. Absent: none. */
  readonly copy?: string
  readonly maxBytes: number
  readonly maxEntries: number
  /** An archive without its end marker is refused: for sources whose digest is not known beforehand. */
  readonly requireEnd: boolean
  /** No layer is below it: there is nothing to hide. */
  readonly lowest: boolean
}

export interface UnpackedLayer {
  /** Digest and bytes of the blob as it came. */
  readonly digest: Digest
  readonly size: number
  /** Digest of the tar in it. */
  readonly diffId: Digest
  readonly compression: LayerCompression
  /** Bytes of the files. */
  readonly bytes: number
  readonly entries: number
  readonly opaque: boolean
  /** The archive says what the root is. Otherwise its mode and owner are those of the layer below. */
  readonly hasRoot: boolean
}

/** Writes layers in one pass. When it resolves, files and copy are on the disk. Throws CaissonError. */
export interface LayerTool {
  unpack(
    request: UnpackRequest,
    report: (done: { bytes: number; entries: number }) => void,
    signal: AbortSignal,
  ): Promise<UnpackedLayer>
  /** The SHA-256 and the length of a file. */
  digest(path: string, signal: AbortSignal): Promise<{ digest: Digest; size: number }>
}
