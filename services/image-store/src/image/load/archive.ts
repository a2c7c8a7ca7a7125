import { type FileHandle, open, readFile } from 'node:fs/promises'
import { CaissonError } from '@caisson/api'
import type { StagingDir } from '../../disk/staging.ts'
import { malformed, tooLarge, unsafe } from './archive-error.ts'
import { ByteReader } from './byte-reader.ts'
import { decompress } from './decompress.ts'
import { type ArchiveEntry, tarEntries } from './tar-entries.ts'

export interface ArchiveLimits {
  readonly maxArchiveBytes: number
  readonly maxArchiveEntries: number
}

/** A file of the archive, kept in the staging folder under a number: no name of the archive becomes a path. */
export interface StagedFile {
  readonly path: string
  readonly size: number
}

/** The files of an archive by their names in it. Links are never made: they are names that stand for names. */
export class Archive {
  readonly #files = new Map<string, StagedFile>()
  readonly #links = new Map<string, string>()

  /** Reads the whole stream into the staging folder. */
  static async read(
    chunks: AsyncIterable<Uint8Array>,
    staging: StagingDir,
    limits: ArchiveLimits,
    report: (bytes: number) => void,
  ): Promise<Archive> {
    const archive = new Archive()
    const budget = { bytes: limits.maxArchiveBytes, entries: limits.maxArchiveEntries }
    let read = 0
    for await (const entry of tarEntries(new ByteReader(bounded(await decompress(chunks), limits)))) {
      budget.bytes -= entry.size
      budget.entries -= 1
      if (budget.bytes < 0) throw tooLarge(`the archive holds more than ${limits.maxArchiveBytes} bytes`)
      if (budget.entries < 0) throw tooLarge(`the archive has more than ${limits.maxArchiveEntries} entries`)
      await archive.#add(entry, staging, (bytes) => {
        read += bytes
        report(read)
      })
    }
    return archive
  }

  has(name: string): boolean {
    return this.#files.has(name)
  }

  /** Names of its files. */
  names(): string[] {
    return [...this.#files.keys()]
  }

  /** A regular file. Links are not followed: what they name is refused. */
  file(name: string): StagedFile {
    const file = this.#files.get(name)
    if (file) return file
    if (this.#links.has(name)) throw unsafe(`${name} is a link`, name)
    throw malformed(`it has no ${name}`, name)
  }

  /** A file, or what a link beside it names within the archive: older archives keep a shared layer once. */
  linkedFile(name: string): StagedFile {
    const link = this.#links.get(name)
    if (link === undefined) return this.file(name)
    if (link.startsWith('/')) throw unsafe(`${name} links to ${JSON.stringify(link)}`, name)
    return this.file(resolveName([...name.split('/').slice(0, -1), ...link.split('/')], name))
  }

  /** The bytes of a small document. */
  async document(file: StagedFile, name: string, maxBytes: number): Promise<Buffer> {
    if (file.size > maxBytes) throw tooLarge(`${name} has ${file.size} bytes, more than ${maxBytes}`)
    return await readFile(file.path)
  }

  async #add(entry: ArchiveEntry, staging: StagingDir, report: (bytes: number) => void): Promise<void> {
    const name = archiveName(entry.path)
    if (entry.type === 'directory') return
    if (name === '') throw malformed('a file has no name')
    if (this.#files.has(name) || this.#links.has(name)) throw unsafe(`${name} is there twice`, name)
    if (entry.type === 'symlink') {
      this.#links.set(name, entry.link)
      return
    }
    const path = staging.at(String(this.#files.size))
    await using file = await open(path, 'wx', 0o600)
    for await (const part of entry.data) {
      await writeAll(file, part)
      report(part.length)
    }
    this.#files.set(name, { path, size: entry.size })
  }
}

/** Headers and what is behind the end count too: a few compressed bytes may stand for any number of them. */
async function* bounded(
  chunks: AsyncIterable<Uint8Array>,
  { maxArchiveBytes }: ArchiveLimits,
): AsyncGenerator<Uint8Array> {
  let bytes = 0
  for await (const chunk of chunks) {
    bytes += chunk.length
    if (bytes > maxArchiveBytes) throw tooLarge(`the archive has more than ${maxArchiveBytes} bytes`)
    yield chunk
  }
}

/** A name within the archive, in normal form: a name that leads out of it is refused, not resolved. */
export function archiveName(path: string): string {
  const parts = path.split('/').filter((part) => part !== '' && part !== '.')
  if (parts.includes('..')) throw unsafe(`${JSON.stringify(path.slice(0, 200))} leads out of it`, path)
  return parts.join('/')
}

function resolveName(parts: readonly string[], from: string): string {
  const resolved: string[] = []
  for (const part of parts) {
    if (part === '' || part === '.') continue
    if (part !== '..') resolved.push(part)
    else if (resolved.pop() === undefined) throw unsafe(`${from} links out of it`, from)
  }
  return resolved.join('/')
}

async function writeAll(file: FileHandle, chunk: Uint8Array): Promise<void> {
  try {
    for (let at = 0; at < chunk.length; ) at += (await file.write(chunk, at)).bytesWritten
  } catch (error) {
    throw CaissonError.from(error)
  }
}
