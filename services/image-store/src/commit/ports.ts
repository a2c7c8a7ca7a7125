import type { Digest, LayerCompression } from '@caisson/oci'

/** A blob that is a layer, as manifests name it. */
export interface LayerBlob {
  readonly digest: Digest
  /** Bytes. */
  readonly size: number
  readonly mediaType: string
}

/** The blobs of committed snapshots. They go with their snapshots. */
export interface CommittedLayerTable {
  get(snapshot: string): LayerBlob | undefined
  insert(snapshot: string, layer: LayerBlob): void
}

/** What is to be made a layer, and where it goes. */
export interface DiffRequest {
  /** The upper directory of a snapshot. */
  readonly upper: string
  /** A file to be made with the bytes of the blob. */
  readonly blob: string
  readonly compression: LayerCompression
  /** Bytes that the files may have together. */
  readonly maxBytes: number
  readonly maxEntries: number
  /** Devices become part of the layer. */
  readonly devices: boolean
}

export interface DiffedLayer {
  readonly digest: Digest
  /** Bytes of the blob. */
  readonly size: number
  readonly diffId: Digest
  /** Sockets and devices that were left out. */
  readonly skipped: number
  /** Files that changed while they were read. */
  readonly changed: number
}

/** A path that is different from the layers below. */
export interface TreeChange {
  readonly kind: 'added' | 'modified' | 'deleted'
  /** Absolute inside the tree; bytes. */
  readonly path: Buffer
}

/** Reads what snapshots changed. Throws CaissonError. */
export interface DiffTool {
  /** When it resolves the blob is on the disk. */
  diff(request: DiffRequest, signal: AbortSignal): Promise<DiffedLayer>
  changes(
    what: { readonly upper: string; readonly lowerDirs: readonly string[]; readonly maxEntries: number },
    signal: AbortSignal,
  ): AsyncGenerator<TreeChange>
}
