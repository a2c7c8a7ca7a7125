import { readdir, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { LOG_START, type LogPosition } from './position.ts'

const NAME = /^[0-9]{8,10}$/

/** How far a file's time of change may lag behind the times in it: the kernel's coarse clock, generously. */
const CLOCK_SLACK_NS = 1_000_000_000n

/** The file of a segment. */
export function segmentPath(directory: string, segment: number): string {
  return join(directory, String(segment).padStart(8, '0'))
}

/** The numbers of the segments that are held, ascending. A directory that is not there holds none. */
export async function listSegments(directory: string): Promise<number[]> {
  const names = await ignoringMissing(readdir(directory))
  return (names ?? [])
    .filter((name) => NAME.test(name))
    .map(Number)
    .sort((a, b) => a - b)
}

/** Where the log ends now, as the file system says. A record may be being written there. */
export async function logEnd(directory: string): Promise<LogPosition> {
  for (;;) {
    const segment = (await listSegments(directory)).at(-1)
    if (segment === undefined) return LOG_START
    const file = await ignoringMissing(stat(segmentPath(directory, segment)))
    if (file) return { segment, offset: file.size }
  }
}

/**
 * Where to begin to read what was written at or after a time: segments that were last changed before are passed over, by
 * the clock as it was then. `timeNs` 0n is the beginning of the log.
 */
export async function logSince(directory: string, timeNs: bigint): Promise<LogPosition> {
  if (timeNs === 0n) return LOG_START
  const segments = await listSegments(directory)
  const first = segments[0]
  const last = segments.at(-1)
  for (const segment of segments) {
    const file = await ignoringMissing(stat(segmentPath(directory, segment), { bigint: true }))
    const older = file !== undefined && file.mtimeNs + CLOCK_SLACK_NS < timeNs
    if (segment === last || !older) return segment === first ? LOG_START : { segment, offset: 0 }
  }
  return LOG_START
}

/** Undefined when what was asked for is not there. */
export async function ignoringMissing<T>(work: Promise<T>): Promise<T | undefined> {
  try {
    return await work
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined
    throw error
  }
}
