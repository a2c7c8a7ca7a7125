import type { Stats } from 'node:fs'
import { constants } from 'node:fs'
import { lstat, open, readdir, readlink, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { CaissonError } from '@caisson/api/error'
import { type Header, type Pack, pack } from 'tar-stream'

type NewHeader = Partial<Header> & Pick<Header, 'name'>

const CHUNK_BYTES = 256 << 10

export interface HostSource {
  readonly path: string
  /** In the archive. Undefined: only what is in the directory. */
  readonly name: string | undefined
  /** Follow a link at the end of the path. */
  readonly follow: boolean
}

/** Files of this host as a tar. Sockets, devices and FIFOs are left out and told of. */
export async function* readHost(source: HostSource, leftOut: (path: string) => void): AsyncGenerator<Buffer> {
  const archive = pack()
  const packing = packAll(archive, source, leftOut)
  // Its failure reaches the reader through the archive.
  packing.catch((error) => archive.destroy(error))
  for await (const chunk of archive) yield chunk as Buffer
  await packing
}

async function packAll(archive: Pack, { path, name, follow }: HostSource, leftOut: (path: string) => void) {
  const about = await (follow ? stat(path) : lstat(path))
  if (name === undefined) await packContent(archive, path, '', leftOut)
  else await packEntry(archive, path, name, about, leftOut)
  archive.finalize()
}

async function packContent(archive: Pack, path: string, prefix: string, leftOut: (path: string) => void) {
  for (const child of (await readdir(path)).sort()) {
    const inside = join(path, child)
    await packEntry(archive, inside, `${prefix}${child}`, await lstat(inside), leftOut)
  }
}

async function packEntry(archive: Pack, path: string, name: string, about: Stats, leftOut: (path: string) => void) {
  const common = { name, mode: about.mode & 0o7777, uid: about.uid, gid: about.gid, mtime: about.mtime }
  if (about.isDirectory()) {
    await put(archive, { ...common, type: 'directory' })
    await packContent(archive, path, `${name}/`, leftOut)
  } else if (about.isSymbolicLink()) await put(archive, { ...common, type: 'symlink', linkname: await readlink(path) })
  else if (about.isFile()) await packFile(archive, path, common)
  else leftOut(path)
}

function put(archive: Pack, header: NewHeader): Promise<void> {
  return new Promise((resolve, reject) => {
    archive.entry(header, (error) => (error ? reject(error) : resolve()))
  })
}

/** As many bytes as it has now: it may grow meanwhile. */
async function packFile(archive: Pack, path: string, header: NewHeader): Promise<void> {
  await using file = await open(path, constants.O_RDONLY | constants.O_NONBLOCK)
  const { size } = await file.stat()
  const entry = archive.entry({ ...header, type: 'file', size })
  let left = size
  while (left > 0) {
    const { bytesRead, buffer } = await file.read(Buffer.allocUnsafe(Math.min(left, CHUNK_BYTES)), 0, null, null)
    if (bytesRead === 0) throw new CaissonError('aborted', `${path} became shorter while it was read: try again`)
    left -= bytesRead
    if (!entry.write(buffer.subarray(0, bytesRead)))
      await new Promise<void>((resolve) => entry.once('drain', () => resolve()))
  }
  const ended = new Promise<void>((resolve, reject) => {
    entry.once('finish', () => resolve())
    entry.once('error', reject)
  })
  entry.end(undefined)
  await ended
}
