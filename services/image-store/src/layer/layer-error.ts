/** Why a layer was not unpacked. */
export type LayerReason =
  /** The layer tries something that no honest layer needs. */
  | 'UNSAFE_CONTENT'
  /** It is larger than the caller allows. */
  | 'LIMIT'
  /** It is no layer: malformed compression or tar. */
  | 'INVALID'
  /** The disk, the quota or the inode table is full. */
  | 'NOSPACE'
  /** It ends too early. */
  | 'TRUNCATED'
  /** There is nothing at the path. */
  | 'MISSING'
  /** Something on the path, or at its end, is no directory. */
  | 'NOT_DIRECTORY'
  /** A directory would take the place of something else, or the other way round. */
  | 'KIND'
  /** The file system takes no changes. */
  | 'READ_ONLY'
  /** The root of the container may not do it either. */
  | 'DENIED'
  /** Something is mounted there. */
  | 'BUSY'
  /** The tree changed in a way that leaves no right answer. */
  | 'RACE'
  /** The process whose tree was meant has ended. */
  | 'GONE'
  /** Everything else that the kernel refused, and a helper that did not answer. */
  | 'IO'

export const LAYER_REASONS: readonly LayerReason[] = [
  'UNSAFE_CONTENT',
  'LIMIT',
  'INVALID',
  'NOSPACE',
  'TRUNCATED',
  'MISSING',
  'NOT_DIRECTORY',
  'KIND',
  'READ_ONLY',
  'DENIED',
  'BUSY',
  'RACE',
  'GONE',
  'IO',
]

export interface LayerFailure {
  readonly reason: LayerReason
  /** The entry concerned, as the archive names it; bytes that are not UTF-8 are replaced. Empty: none. */
  readonly path: string
  readonly message: string
  /** Where it happened: read, inflate, tar, name, create, write, link, whiteout, xattr, attributes, tee, sync ... */
  readonly step: string
  /** The errno value, or 0. */
  readonly errno: number
}

/** A layer could not be unpacked, or a tree not be removed. What was written by then is still there. */
export class LayerError extends Error {
  readonly reason: LayerReason
  readonly path: string
  readonly step: string
  readonly errno: number

  constructor(failure: LayerFailure, options?: ErrorOptions) {
    super(failure.path === '' ? failure.message : `${JSON.stringify(failure.path)}: ${failure.message}`, options)
    this.name = 'LayerError'
    this.reason = failure.reason
    this.path = failure.path
    this.step = failure.step
    this.errno = failure.errno
  }
}
