/** Trees of the host, as a whole. What is in them was written by containers: nothing in them is followed. */
export interface HostTrees {
  /** Removes a tree. One that is not there is no error. */
  remove(path: string, signal: AbortSignal): Promise<void>
  /** Bytes on disk. */
  usage(path: string, signal: AbortSignal): Promise<number>
  /** Copies what is in a directory into another, which is empty, with all attributes; blocks are shared where they can be. */
  copy(from: string, to: string, signal: AbortSignal): Promise<void>
  /** Brings the file system that a path is in to the disk. */
  sync(path: string, signal: AbortSignal): Promise<void>
  /** Mounts a tmpfs with such options, unless something is mounted there. */
  mountTmpfs(path: string, options: readonly string[], signal: AbortSignal): Promise<void>
  /** Takes what is mounted at a path away. Nothing is no error. */
  unmount(path: string, signal: AbortSignal): Promise<void>
}
