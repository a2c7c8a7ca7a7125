import { constants } from 'node:fs'
import { type FileHandle, lstat, open, readdir } from 'node:fs/promises'

/** What a tree takes. */
export interface Usage {
  /** Bytes on the disk. */
  readonly bytes: number
  readonly inodes: number
}

const BLOCK = 512
const FLAGS = constants.O_RDONLY | constants.O_DIRECTORY | constants.O_NOFOLLOW

/**
 * Counts a tree that a container may change meanwhile. Each directory is opened below the one it is in and never through
 * a link, so nothing outside the tree is looked at; what vanishes on the way does not count. Files with several names
 * count once.
 */
export async function usageOf(path: string, signal: AbortSignal): Promise<Usage> {
  await using root = await open(path, FLAGS)
  const counted = new Set<string>()
  const usage = { bytes: 0, inodes: 0 }
  await count(root, { usage, counted, signal })
  return usage
}

interface Walk {
  readonly usage: { bytes: number; inodes: number }
  readonly counted: Set<string>
  readonly signal: AbortSignal
}

async function count(directory: FileHandle, walk: Walk): Promise<void> {
  for (const entry of await readdir(`/proc/self/fd/${directory.fd}`, { encoding: 'buffer', withFileTypes: true })) {
    walk.signal.throwIfAborted()
    const path = Buffer.concat([Buffer.from(`/proc/self/fd/${directory.fd}/`), entry.name])
    await present(async () => {
      const about = await lstat(path)
      const key = `${about.dev}:${about.ino}`
      if (about.nlink > 1 && !about.isDirectory() && walk.counted.has(key)) return
      walk.counted.add(key)
      walk.usage.bytes += about.blocks * BLOCK
      walk.usage.inodes += 1
      if (!about.isDirectory()) return
      await using below = await open(path, FLAGS)
      await count(below, walk)
    })
  }
}

/** What is gone, or is no directory any more, was changed meanwhile. */
async function present(work: () => Promise<void>): Promise<void> {
  try {
    await work()
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? error.code : undefined
    if (code !== 'ENOENT' && code !== 'ENOTDIR' && code !== 'ELOOP') throw error
  }
}
