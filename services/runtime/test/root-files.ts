import { execFileSync } from 'node:child_process'
import { lstatSync } from 'node:fs'
import { join } from 'node:path'
import { notFound } from '@caisson/api'
import type { FilePlace, Files, PathFacts, ReadRequest, Written } from '../src/files/ports.ts'

/** Files of roots that are one plain directory, and of directories, by tar(1). */
export class RootFiles implements Files {
  readonly #root: string

  constructor(root: string) {
    this.#root = root
  }

  async stat(place: FilePlace, path: string): Promise<PathFacts> {
    const found = lstatSync(join(this.#of(place), path), { throwIfNoEntry: false })
    if (!found) throw notFound('path', path)
    const { mode, uid, gid, size, mtimeNs } = { ...found, mtimeNs: BigInt(Math.round(found.mtimeMs * 1e6)) }
    return { name: path, mode, uid, gid, size, mtimeNs, linkTarget: '' }
  }

  async *read(place: FilePlace, { path }: ReadRequest): AsyncGenerator<Buffer> {
    yield execFileSync('tar', ['-c', '--xattrs', '--numeric-owner', '-C', join(this.#of(place), path), '.'])
  }

  async write(place: FilePlace, _request: unknown, archive: AsyncIterable<Buffer>): Promise<Written> {
    const chunks = await Array.fromAsync(archive)
    const input = Buffer.concat(chunks)
    execFileSync('tar', ['-x', '--xattrs', '--numeric-owner', '-C', this.#of(place)], { input })
    return { bytes: input.length, entries: 0 }
  }

  #of(place: FilePlace): string {
    return 'directory' in place ? place.directory : this.#root
  }
}
