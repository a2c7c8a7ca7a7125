import type { FileHandle } from 'node:fs/promises'
import { CaissonError, invalid } from '@caisson/api/error'
import { type Extract, extract, type Header } from 'tar-stream'
import { type Attributes, giveAttributes, HostDirectory, isCode } from './host-directory.ts'

export interface HostTarget {
  /** It exists. */
  readonly directory: string
  /** As the archive says; otherwise everything belongs to the user, without set-id bits. */
  readonly keepOwners: boolean
  /** What cannot be made here is told of. */
  readonly leftOut: (path: string) => void
}

/**
 * Unpacks a tar below a directory of this host. The archive is not trusted: nothing is made outside of the directory, no
 * link is followed, and a directory and something else never replace one another.
 */
export async function writeHost(archive: AsyncIterable<Buffer>, target: HostTarget): Promise<void> {
  await using writer = new TreeWriter(await HostDirectory.open(target.directory), target)
  const entries = extract()
  const feeding = feed(archive, entries)
  // Its failure reaches the loop through the entries.
  feeding.catch((error) => entries.destroy(error))
  for await (const entry of entries) {
    await writer.add(entry.header, entry)
    entry.resume()
  }
  await feeding
  await writer.finish()
}

async function feed(archive: AsyncIterable<Buffer>, entries: Extract): Promise<void> {
  for await (const chunk of archive)
    if (!entries.write(chunk)) await new Promise<void>((resolve) => entries.once('drain', () => resolve()))
  entries.end(undefined)
}

/** Where an entry goes: its directory, held open by the writer, and its name. */
interface Place {
  readonly directory: HostDirectory
  readonly name: string
}

class TreeWriter implements AsyncDisposable {
  readonly #target: HostTarget
  /** The way to the directory that was used last: its names, and the directories with the root in front. */
  readonly #names: string[] = []
  readonly #open: HostDirectory[]
  /** Directories that were made, and what they get when nothing is made in them any more. */
  readonly #made = new Map<string, Attributes>()

  constructor(root: HostDirectory, target: HostTarget) {
    this.#open = [root]
    this.#target = target
  }

  async add(header: Header, content: AsyncIterable<unknown>): Promise<void> {
    const parts = partsOf(header.name)
    const place = await this.#place(parts)
    if (!place) return
    if (header.type === 'directory') await this.#addDirectory(place, parts.join('/'), header)
    else if (header.type === 'file' || header.type === 'contiguous-file') await this.#addFile(place, header, content)
    else if (header.type === 'symlink') await this.#addSymlink(place, header)
    else if (header.type === 'link') await this.#addLink(parts, header)
    else this.#target.leftOut(header.name)
  }

  /** The deepest first: a directory without the right to write may hold others. */
  async finish(): Promise<void> {
    for (const [path, attributes] of [...this.#made].reverse()) {
      const parts = path.split('/')
      await (await this.#enter(parts)).finish(attributes)
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const directory of this.#open) await directory[Symbol.asyncDispose]()
  }

  async #place(parts: readonly string[]): Promise<Place | undefined> {
    const name = parts.at(-1)
    return name === undefined ? undefined : { directory: await this.#enter(parts.slice(0, -1)), name }
  }

  /** Goes to a directory, making what is missing on the way. */
  async #enter(parts: readonly string[]): Promise<HostDirectory> {
    let common = 0
    while (common < this.#names.length && this.#names[common] === parts[common]) common++
    for (const directory of this.#open.splice(common + 1)) await directory[Symbol.asyncDispose]()
    this.#names.length = common
    for (const name of parts.slice(common)) {
      const above = this.#last()
      this.#open.push(await openOrMake(above, name, parts))
      this.#names.push(name)
    }
    return this.#last()
  }

  #last(): HostDirectory {
    return this.#open.at(-1) as HostDirectory
  }

  async #addDirectory({ directory, name }: Place, path: string, header: Header): Promise<void> {
    const there = await directory.look(name)
    if (there && !there.isDirectory()) throw mismatch(path, 'something else is where a directory would be made')
    if (there) return
    await directory.makeDirectory(name)
    this.#made.set(path, this.#attributes(header))
  }

  async #addFile(place: Place, header: Header, content: AsyncIterable<unknown>): Promise<void> {
    await makeRoom(place, header.name)
    await using file = await place.directory.makeFile(place.name)
    await writeContent(file, content)
    await giveAttributes(file, this.#attributes(header))
  }

  async #addSymlink(place: Place, header: Header): Promise<void> {
    await makeRoom(place, header.name)
    await place.directory.makeLink(place.name, header.linkname ?? '')
  }

  async #addLink(parts: readonly string[], header: Header): Promise<void> {
    const source = partsOf(header.linkname ?? '')
    const sourceName = source.at(-1)
    await using from = await this.#reopen(source.slice(0, -1))
    const place = await this.#place(parts)
    if (sourceName === undefined || !place) return
    if (!(await from.look(sourceName))?.isFile()) throw mismatch(header.name, 'a hard link to what is no file')
    await makeRoom(place, header.name)
    await place.directory.linkFrom(from, sourceName, place.name)
  }

  /** A directory that stays open while the writer goes elsewhere. */
  async #reopen(parts: readonly string[]): Promise<HostDirectory> {
    await this.#enter(parts)
    return await this.#last().child('.')
  }

  #attributes(header: Header): Attributes {
    const { keepOwners } = this.#target
    const mode = (header.mode ?? 0o644) & (keepOwners ? 0o7777 : 0o1777)
    const owner = keepOwners ? { uid: header.uid, gid: header.gid } : { uid: undefined, gid: undefined }
    return { mode, ...owner, mtime: header.mtime ?? new Date(0) }
  }
}

async function openOrMake(above: HostDirectory, name: string, parts: readonly string[]): Promise<HostDirectory> {
  try {
    return await above.child(name)
  } catch (error) {
    if (isCode(error, 'ELOOP') || isCode(error, 'ENOTDIR'))
      throw mismatch(parts.join('/'), 'a link or a file is where a directory should be')
    if (!isCode(error, 'ENOENT')) throw error
  }
  await above.makeDirectory(name)
  return await above.child(name)
}

/** A file or link that is there is replaced, so that other names of it keep what they have. */
async function makeRoom({ directory, name }: Place, path: string): Promise<void> {
  const there = await directory.look(name)
  if (!there) return
  if (there.isDirectory()) throw mismatch(path, 'a directory is where a file would be made')
  if (!there.isFile() && !there.isSymbolicLink()) throw mismatch(path, 'a device or FIFO is where a file would be made')
  await directory.remove(name)
}

async function writeContent(file: FileHandle, content: AsyncIterable<unknown>): Promise<void> {
  for await (const chunk of content)
    for (let rest = chunk as Buffer; rest.length > 0; ) rest = rest.subarray((await file.write(rest)).bytesWritten)
}

/** The components of a name. One that leads out of the directory is refused. */
function partsOf(name: string): string[] {
  const parts = name.split('/').filter((part) => part !== '' && part !== '.')
  if (parts.includes('..') || name.includes('\0'))
    throw invalid(`the archive names ${JSON.stringify(name)}, which leads out of its place: do not trust its source`, {
      reason: 'UNSAFE_CONTENT',
    })
  return parts
}

function mismatch(path: string, why: string): CaissonError {
  return new CaissonError('invalid-argument', `${path}: ${why}`, { reason: 'KIND_MISMATCH', details: { path } })
}
