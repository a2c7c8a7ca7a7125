import { constants } from 'node:fs'
import { open } from 'node:fs/promises'
import type { Readable } from 'node:stream'
import { asDigestResult, asUnpackResult, type DigestResult, type LayerProgress, type UnpackResult } from './answer.ts'
import { type Growth, runHelper } from './helper-process.ts'

/** A directory: an open descriptor of it, or its path. */
export type Directory = number | string

export interface UnpackLimits {
  /** Bytes that the tar may have, and its files together. */
  readonly maxBytes: number
  /** Entries that it may have, with the directories that it only implies. */
  readonly maxEntries: number
  /** The largest user and group id. Default 65535. */
  readonly uidMax?: number
}

export interface UnpackOptions {
  /** The layer: a descriptor, read from where it stands to its end, or a stream. Gzip, zstd or plain, told by its bytes. */
  readonly blob: number | Readable
  /** Given when the blob is a file that others still append to: it is read to the end that it has when it is whole. */
  readonly growth?: Growth
  /** Takes the files. On failure what was written is still there: remove the directory. */
  readonly target: Directory
  /** A descriptor that the bytes of the blob are copied to as they are read. */
  readonly tee?: number
  readonly limits: UnpackLimits
  /** `overlay` (default) turns whiteouts into those of overlayfs; for `plain` they are ordinary files. */
  readonly format?: 'overlay' | 'plain'
  /** No layer is below: whiteouts are checked but not written, for overlayfs would list some of them. */
  readonly lowest?: boolean
  /** Tree and tee are on the disk when it resolves. */
  readonly sync?: boolean
  /** An archive without its end marker is TRUNCATED: for blobs whose digest is not known beforehand. */
  readonly requireEnd?: boolean
  /** Called about four times a second. */
  readonly onProgress?: (progress: LayerProgress) => void
  readonly signal?: AbortSignal
}

/**
 * What the image store lets a native helper do, in a process of its own that is confined to one directory. All throw
 * LayerError, or the reason of the signal; the helper has ended whenever they settle.
 */
export interface Unpacker {
  /** Writes a layer and makes its digests, in one pass. The caller compares the digests before anything is made visible. */
  unpack(options: UnpackOptions): Promise<UnpackResult>
  /** The digest of a blob, and a copy of it where asked. */
  digest(blob: number | Readable, tee?: number, signal?: AbortSignal): Promise<DigestResult>
  /** Removes `name`, one component, below a directory: a tree of any depth, nothing in it is followed. */
  remove(parent: Directory, name: string, signal?: AbortSignal): Promise<void>
  /** Brings the file system of a directory to the disk. */
  sync(directory: Directory, signal?: AbortSignal): Promise<void>
}

/** `program` is the path of caisson-layer. */
export function createUnpacker(program: string): Unpacker {
  return {
    async unpack(options) {
      const args = unpackArguments(options)
      const { blob, growth, tee, onProgress, signal } = options
      return await withDirectory(options.target, async (directory) =>
        asUnpackResult(await runHelper({ program, args, blob, growth, directory, tee, onProgress, signal })),
      )
    },
    async digest(blob, tee, signal) {
      const args = tee === undefined ? ['digest'] : ['digest', '--tee', '--sync']
      return asDigestResult(await runHelper({ program, args, blob, tee, signal }))
    },
    async remove(parent, name, signal) {
      await withDirectory(parent, (directory) => runHelper({ program, args: ['remove', name], directory, signal }))
    },
    async sync(target, signal) {
      await withDirectory(target, (directory) => runHelper({ program, args: ['sync'], directory, signal }))
    },
  }
}

function unpackArguments(options: UnpackOptions): string[] {
  const { limits } = options
  const args = ['unpack', '--max-bytes', String(limits.maxBytes), '--max-entries', String(limits.maxEntries)]
  if (limits.uidMax !== undefined) args.push('--uid-max', String(limits.uidMax))
  if (options.format !== undefined) args.push('--format', options.format)
  if (options.lowest) args.push('--lowest')
  if (options.tee !== undefined) args.push('--tee')
  if (options.growth) args.push('--follow')
  if (options.sync) args.push('--sync')
  if (options.requireEnd) args.push('--require-end')
  if (options.onProgress) args.push('--progress')
  return args
}

/** Opens a directory for one piece of work, unless it is open. */
export async function withDirectory<T>(directory: Directory, work: (descriptor: number) => Promise<T>): Promise<T> {
  if (typeof directory === 'number') return await work(directory)
  await using handle = await open(directory, constants.O_RDONLY | constants.O_DIRECTORY | constants.O_NOFOLLOW)
  return await work(handle.fd)
}
