import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { type Digest, digestAlgorithm, digestHex } from '@caisson/oci'

/** Where the service keeps its things. Only digests, keys that were checked and random names become paths. */
export interface StateDir {
  readonly database: string
  readonly blobs: string
  readonly layers: string
  readonly snapshots: string
  readonly staging: string
  readonly trash: string
  /** Downloads that are not whole yet. */
  readonly partial: string
  /** Space kept back for removing. */
  readonly ballast: string
  /** Folders of snapshots that are made ahead. */
  readonly shelf: string
  /** Changes with what names mean. */
  readonly lookupVersion: string
  /** What an image without layers is mounted on. */
  readonly emptyLayer: string
  blob(digest: Digest): string
  /** The folder of an unpacked layer; its root file system is `fs` in it. */
  layer(chainId: Digest): string
  /** The folder of a snapshot, with `fs` and `work` in it. */
  snapshot(key: string): string
}

/** Makes the folders below `root`, which has mode 0700, and names them. */
export function openStateDir(root: string): StateDir {
  const at = (...parts: string[]): string => join(root, ...parts)
  const dir: StateDir = {
    database: at('image-store.db'),
    blobs: at('blobs'),
    layers: at('layers'),
    snapshots: at('snapshots'),
    staging: at('staging'),
    trash: at('trash'),
    partial: at('partial'),
    ballast: at('ballast'),
    shelf: at('shelf'),
    lookupVersion: at('lookup-version'),
    emptyLayer: at('empty', 'fs'),
    blob: (digest) => {
      const hex = digestHex(digest)
      return at('blobs', digestAlgorithm(digest), hex.slice(0, 2), hex)
    },
    layer: (chainId) => at('layers', digestHex(chainId)),
    snapshot: (key) => at('snapshots', key),
  }
  const { blobs, layers, snapshots, staging, trash, partial, shelf } = dir
  for (const path of [root, blobs, layers, snapshots, staging, trash, partial, shelf, at('empty')])
    mkdirSync(path, { recursive: true, mode: 0o700 })
  mkdirSync(dir.emptyLayer, { recursive: true, mode: 0o755 })
  return dir
}
