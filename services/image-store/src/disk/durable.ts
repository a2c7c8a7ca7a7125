import { mkdirSync, renameSync } from 'node:fs'
import { type FileHandle, open } from 'node:fs/promises'
import { dirname } from 'node:path'

/** Brings the names in a directory to the disk. */
export async function syncDirectory(path: string): Promise<void> {
  const directory: FileHandle = await open(path, 'r')
  try {
    await directory.sync()
  } finally {
    await directory.close()
  }
}

/** Moves a file or tree that is on the disk to its final name, and brings the name to the disk as well. */
export async function publish(staged: string, final: string): Promise<void> {
  const parent = dirname(final)
  const isNew = mkdirSync(parent, { recursive: true, mode: 0o700 }) !== undefined
  renameSync(staged, final)
  await syncDirectory(parent)
  if (isNew) await syncDirectory(dirname(parent))
}
