import type { Digest } from '@caisson/oci'
import type { Mount } from '../snapshot/snapshots.ts'

/** A process of a running container. */
export interface LiveRoot {
  readonly pid: number
  /** Field 22 of /proc/pid/stat. */
  readonly startTime: bigint
}

/** A directory of this host, by its absolute path. */
export interface HostDirectory {
  readonly directory: string
}

/** A tree: of a snapshot that nobody has mounted, the root of a running container, or a directory of the host. */
export type TreeRoot = Mount | LiveRoot | HostDirectory

export interface PathInfo {
  /** Type and permissions: st_mode. */
  readonly mode: number
  readonly uid: number
  readonly gid: number
  readonly size: number
  readonly mtimeNs: bigint
  /** '': it is no symlink. */
  readonly linkTarget: string
}

/** Ids of a user and a group. */
export interface Owner {
  readonly uid: number
  readonly gid: number
}

export interface TreeReadRequest {
  readonly paths: readonly string[]
  /** Paths have wildcards, and a link at the end of one is followed. */
  readonly patterns?: boolean
  /** Without patterns: follow a link at the end. */
  readonly follow?: boolean
  /** Of what is at a path; '': of a directory only what is in it. Undefined: the last component. */
  readonly name?: string | undefined
  /** Names are the whole paths. */
  readonly parents?: boolean
  readonly oneMount?: boolean
  readonly owner?: Owner | undefined
  /** Permission bits. */
  readonly mode?: number | undefined
  readonly excludes?: readonly string[]
}

export interface TreeWriteRequest {
  /** The directory. */
  readonly path: string
  /** Make it when it is missing. */
  readonly make: boolean
  /** Directories do not replace other things, nor the other way round. */
  readonly keepKinds: boolean
  /** Undefined: as the archive says. */
  readonly owner: Owner | undefined
}

export interface Written {
  /** Of files. */
  readonly bytes: number
  readonly entries: number
}

/**
 * Reaches into trees that hostile processes may change meanwhile: nothing outside of the root is ever touched. Throws
 * CaissonErrors: PATH_NOT_FOUND, NOT_A_DIRECTORY, KIND_MISMATCH, READ_ONLY, PATH_DENIED, RACE, PROCESS_GONE, ...
 */
export interface TreeTool {
  stat(root: TreeRoot, path: string, follow: boolean, signal: AbortSignal): Promise<PathInfo>
  /** Yields a tar. */
  read(root: TreeRoot, request: TreeReadRequest, signal: AbortSignal): AsyncIterable<Buffer>
  /** Unpacks a tar: plain, gzip or zstd. */
  write(
    root: TreeRoot,
    request: TreeWriteRequest,
    archive: AsyncIterable<Uint8Array>,
    signal: AbortSignal,
  ): Promise<Written>
  /** One digest for each path, which may have wildcards. */
  hash(
    root: TreeRoot,
    paths: readonly string[],
    excludes: readonly string[],
    signal: AbortSignal,
  ): Promise<readonly Digest[]>
}
