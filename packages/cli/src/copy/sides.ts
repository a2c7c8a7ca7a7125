import { lstat, readlink, stat } from 'node:fs/promises'
import type { ServiceClient } from '@caisson/api'
import type { ContainersDefinition } from '@caisson/api/container'
import { CaissonError, notFound } from '@caisson/api/error'
import { readHost } from './host-source.ts'
import { writeHost } from './host-target.ts'
import type { Found } from './links.ts'

const TYPE_MASK = 0o170_000
const DIRECTORY = 0o040_000
const CHUNK_BYTES = 256 << 10

export interface CopyOptions {
  /** Keep owners. */
  readonly archive: boolean
  readonly signal: AbortSignal
  /** Told of what is left out. */
  readonly leftOut: (path: string) => void
}

/** Where files are copied from and to: a container, or this host. */
export interface Side {
  /** Without following a link at the end. Undefined: there is nothing. */
  look(path: string, follow: boolean): Promise<Found | undefined>
  /** Yields a tar of a path. `name` undefined: only what is in the directory. */
  read(path: string, name: string | undefined, follow: boolean): AsyncIterable<Buffer>
  /** Unpacks a tar at a directory that is there. */
  write(directory: string, archive: AsyncIterable<Buffer>): Promise<void>
}

export function containerSide(
  containers: ServiceClient<typeof ContainersDefinition>,
  container: string,
  { archive: keepOwners, signal }: CopyOptions,
): Side {
  return {
    async look(path, follow) {
      try {
        const { mode, linkTarget } = await containers.statPath({ container, path, follow }, { signal })
        return { isDirectory: (mode & TYPE_MASK) === DIRECTORY, linkTarget }
      } catch (error) {
        if (error instanceof CaissonError && error.reason === 'PATH_NOT_FOUND') return undefined
        throw error
      }
    },
    async *read(path, name, follow) {
      const content = name === undefined ? `${path.replace(/\/+\.?$/, '')}/.` : path
      for await (const { chunk } of containers.readArchive({ container, path: content, name, follow }, { signal }))
        yield chunk
    },
    async write(path, archive) {
      const options = { container, path, noOverwriteDir: true, keepOwners, makePath: false }
      await containers.writeArchive(upload(options, archive), { signal })
    },
  }
}

async function* upload<O>(options: O, archive: AsyncIterable<Buffer>) {
  yield { item: { $case: 'options' as const, value: options } }
  for await (const bytes of archive)
    for (let at = 0; at < bytes.length; at += CHUNK_BYTES)
      yield { item: { $case: 'chunk' as const, value: bytes.subarray(at, at + CHUNK_BYTES) } }
}

export function hostSide({ archive: keepOwners, leftOut }: CopyOptions): Side {
  return {
    async look(path, follow) {
      try {
        const about = await (follow ? stat(path) : lstat(path))
        return {
          isDirectory: about.isDirectory(),
          linkTarget: about.isSymbolicLink() ? await readlink(path) : '',
        }
      } catch (error) {
        if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined
        throw ofHost(path, error)
      }
    },
    async *read(path, name, follow) {
      try {
        yield* readHost({ path, name, follow }, leftOut)
      } catch (error) {
        throw ofHost(path, error)
      }
    },
    async write(directory, archive) {
      try {
        await writeHost(archive, { directory, keepOwners, leftOut })
      } catch (error) {
        throw ofHost(directory, error)
      }
    },
  }
}

/** What the kernel refuses here is said in its words. */
function ofHost(path: string, thrown: unknown): unknown {
  if (!(thrown instanceof Error) || !('syscall' in thrown)) return thrown
  if ('code' in thrown && thrown.code === 'ENOENT') return notFound('file', path)
  return new CaissonError('failed-precondition', `${path}: ${thrown.message}`, { reason: 'HOST_FILE', cause: thrown })
}
