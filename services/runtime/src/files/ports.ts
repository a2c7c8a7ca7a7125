import type { ProcessFacts } from '../container/container.ts'

/** Where files are: in the root of a container that nobody has mounted, at a process of one, or in a directory of the host. */
export type FilePlace = { readonly id: string } | { readonly process: ProcessFacts } | { readonly directory: string }

export interface PathFacts {
  /** Last component of the path as it was asked for. */
  readonly name: string
  /** Type and permissions: st_mode. */
  readonly mode: number
  /** By the container's ids. */
  readonly uid: number
  readonly gid: number
  readonly size: number
  readonly mtimeNs: bigint
  /** '': it is no symlink. */
  readonly linkTarget: string
}

export interface ReadRequest {
  readonly path: string
  /** Follow a link at its end. */
  readonly follow: boolean
  /** Of the path in the archive. Undefined: its last component. */
  readonly name?: string | undefined
  /** Leave out what is mounted. */
  readonly oneMount: boolean
}

export interface WriteRequest {
  /** The directory. */
  readonly path: string
  readonly makePath: boolean
  readonly noOverwriteDir: boolean
  readonly keepOwners: boolean
}

export interface Written {
  readonly bytes: number
  readonly entries: number
}

/** Files of containers: the image store. PATH_NOT_FOUND, READ_ONLY, RACE; PROCESS_GONE when a process has ended. */
export interface Files {
  stat(place: FilePlace, path: string, follow: boolean, signal: AbortSignal): Promise<PathFacts>
  /** Yields a tar. */
  read(place: FilePlace, request: ReadRequest, signal: AbortSignal): AsyncIterable<Buffer>
  /** Unpacks a tar. */
  write(place: FilePlace, request: WriteRequest, archive: AsyncIterable<Buffer>, signal: AbortSignal): Promise<Written>
}
