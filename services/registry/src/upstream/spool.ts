import { createHash } from 'node:crypto'
import { constants, mkdirSync } from 'node:fs'
import { type FileHandle, open, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Digest } from '@caisson/oci'
import { isRepositoryName, type RepositoryName } from '../distribution/names.ts'

/** An upload that a download was written to. */
export interface SpoolNote {
  readonly repository: RepositoryName
  readonly upload: string
}

const UPLOAD = /^[0-9a-f]{32}$/
const NAME = /^[0-9a-f]{64}$/

/**
 * Downloads under way as files of this process: `<name>` has the bytes, `<name>.upload` names the upload that they go to. A file
 * outlives the process, and the next download of the blob goes on behind it. It belongs to one repository: what another one has
 * is no reason to show it here.
 */
export class Spool {
  readonly #dir: string

  private constructor(dir: string) {
    this.#dir = dir
  }

  static open(dir: string): Spool {
    mkdirSync(dir, { recursive: true, mode: 0o700 })
    return new Spool(dir)
  }

  nameOf(repository: RepositoryName, digest: Digest): string {
    return createHash('sha256').update(`${repository}@${digest}`).digest('hex')
  }

  /** The file, which may have bytes already. */
  async file(name: string): Promise<FileHandle> {
    return await open(join(this.#dir, name), constants.O_RDWR | constants.O_CREAT, 0o600)
  }

  async note(name: string, { repository, upload }: SpoolNote): Promise<void> {
    await writeFile(join(this.#dir, `${name}.upload`), `${upload} ${repository}`, { mode: 0o600 })
  }

  /** The upload that an earlier download did not end. A note that was cut off names none. */
  async noted(name: string): Promise<SpoolNote | undefined> {
    const text = await unlessMissing(readFile(join(this.#dir, `${name}.upload`), 'utf8'))
    const [upload = '', repository = ''] = text?.split(' ') ?? []
    return UPLOAD.test(upload) && isRepositoryName(repository) ? { upload, repository } : undefined
  }

  async forgetNote(name: string): Promise<void> {
    await rm(join(this.#dir, `${name}.upload`), { force: true })
  }

  /** Readers that have it open read on. */
  async remove(name: string): Promise<void> {
    await rm(join(this.#dir, name), { force: true })
    await this.forgetNote(name)
  }

  /** Files that nothing was added to since `before`. */
  async idleSince(before: number): Promise<string[]> {
    const names = new Set((await readdir(this.#dir)).map((name) => name.replace(/\.upload$/, '')))
    const idle: string[] = []
    for (const name of names) {
      const found = await unlessMissing(stat(join(this.#dir, name)))
      if (NAME.test(name) && (found?.mtimeMs ?? 0) < before) idle.push(name)
    }
    return idle
  }
}

/** Undefined: there is no such file. */
async function unlessMissing<T>(looking: Promise<T>): Promise<T | undefined> {
  return await looking.catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return undefined
    throw error
  })
}
