import { constants, type Stats } from 'node:fs'
import { type FileHandle, link, lstat, mkdir, open, symlink, unlink } from 'node:fs/promises'

const { O_CREAT, O_DIRECTORY, O_EXCL, O_NOFOLLOW, O_NONBLOCK, O_RDONLY, O_WRONLY } = constants

/**
 * A directory of this host by its descriptor. Names in it are reached through the descriptor and never followed: whoever
 * swaps a directory for a link meanwhile (a container that has it mounted) wins nothing.
 */
export class HostDirectory implements AsyncDisposable {
  readonly #handle: FileHandle

  private constructor(handle: FileHandle) {
    this.#handle = handle
  }

  /** `path` may lead there by links: it is the user's own. */
  static async open(path: string): Promise<HostDirectory> {
    return new HostDirectory(await open(path, O_RDONLY | O_DIRECTORY))
  }

  /** A directory in this one; ELOOP or ENOTDIR when it is something else. */
  async child(name: string): Promise<HostDirectory> {
    return new HostDirectory(await open(this.#at(name), O_RDONLY | O_DIRECTORY | O_NOFOLLOW))
  }

  /** Undefined: there is nothing. */
  async look(name: string): Promise<Stats | undefined> {
    try {
      return await lstat(this.#at(name))
    } catch (error) {
      if (isCode(error, 'ENOENT')) return undefined
      throw error
    }
  }

  /** Makes a directory that only its owner may use. */
  async makeDirectory(name: string): Promise<void> {
    await mkdir(this.#at(name), 0o700)
  }

  /** Makes a file; EEXIST when something is there. */
  async makeFile(name: string): Promise<FileHandle> {
    return await open(this.#at(name), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_NONBLOCK, 0o600)
  }

  async makeLink(name: string, target: string): Promise<void> {
    await symlink(target, this.#at(name))
  }

  /** One more name for a file of `directory`. */
  async linkFrom(directory: HostDirectory, from: string, name: string): Promise<void> {
    await link(directory.#at(from), this.#at(name))
  }

  async remove(name: string): Promise<void> {
    await unlink(this.#at(name))
  }

  /** Gives this directory its last attributes. */
  async finish({ mode, uid, gid, mtime }: Attributes): Promise<void> {
    await giveAttributes(this.#handle, { mode, uid, gid, mtime })
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#handle.close()
  }

  #at(name: string): string {
    return `/proc/self/fd/${this.#handle.fd}/${name}`
  }
}

export interface Attributes {
  readonly mode: number
  /** Undefined: the user's. */
  readonly uid: number | undefined
  readonly gid: number | undefined
  readonly mtime: Date
}

/** In this order: a change of owner takes set-id bits away. */
export async function giveAttributes(handle: FileHandle, { mode, uid, gid, mtime }: Attributes): Promise<void> {
  if (uid !== undefined && gid !== undefined) await handle.chown(uid, gid)
  await handle.chmod(mode)
  await handle.utimes(mtime, mtime)
}

export function isCode(error: unknown, code: string): boolean {
  return error instanceof Error && 'code' in error && error.code === code
}
