import { constants } from 'node:fs'
import { type FileHandle, lstat, open, readdir } from 'node:fs/promises'

const FLAGS = constants.O_RDONLY | constants.O_DIRECTORY | constants.O_NOFOLLOW

/** Bytes of the regular files of an unpacked layer, each counted once. No link is followed and no file is read. */
export async function layerCount(path: string, signal: AbortSignal): Promise<{ bytes: number }> {
  await using root = await open(path, FLAGS)
  const found = { bytes: 0 }
  await count(root, found, new Set(), signal)
  return found
}

async function count(
  directory: FileHandle,
  found: { bytes: number },
  counted: Set<string>,
  signal: AbortSignal,
): Promise<void> {
  const here = `/proc/self/fd/${directory.fd}`
  for (const entry of await readdir(here, { encoding: 'buffer', withFileTypes: true })) {
    signal.throwIfAborted()
    const path = Buffer.concat([Buffer.from(`${here}/`), entry.name])
    const about = await lstat(path)
    if (about.isFile() && (about.nlink === 1 || !counted.has(`${about.ino}`))) found.bytes += about.size
    if (about.isFile() && about.nlink > 1) counted.add(`${about.ino}`)
    if (!about.isDirectory()) continue
    await using below = await open(path, FLAGS)
    await count(below, found, counted, signal)
  }
}
