import type { Digest } from '@caisson/oci'
import type { DiskSpace } from '../disk/room.ts'

/** Which images go by themselves. */
export interface ImagePolicy {
  /** Percent of the disk in use above which images go, the one unused longest first ... */
  readonly highPercent: number
  /** ... until no more than this is. */
  readonly lowPercent: number
  /** Seconds that an image stays after its last use, however full the disk is. */
  readonly minAgeSeconds: number
  /** Seconds after its last use when an image goes, however empty the disk is. 0: never. */
  readonly maxAgeSeconds: number
  /** So many images that were used last stay. */
  readonly keepRecent: number
}

/** An image that nothing needs. */
export interface Candidate {
  readonly id: Digest
  /** Milliseconds since 1970. */
  readonly lastUsedMs: number
  readonly isPinned: boolean
  /** Bytes by blob and chain id. */
  readonly content: ReadonlyMap<Digest, number>
}

export interface Victim {
  readonly id: Digest
  readonly reason: 'unused' | 'disk-pressure'
  /** Bytes that go with it and those before it. */
  readonly bytes: number
}

/** Chooses the images that go. `shared` counts the images, needed ones too, that have a blob or layer. */
export function chooseImages(
  candidates: readonly Candidate[],
  shared: ReadonlyMap<Digest, number>,
  policy: ImagePolicy,
  disk: DiskSpace,
  nowMs: number,
): Victim[] {
  const byUse = candidates.toSorted((a, b) => a.lastUsedMs - b.lastUsedMs || (a.id < b.id ? -1 : 1))
  const old = byUse.slice(0, Math.max(0, byUse.length - policy.keepRecent)).filter(({ isPinned }) => !isPinned)
  const counts = new Map(shared)
  const most = (disk.diskBytes * policy.lowPercent) / 100
  const used = disk.diskBytes - disk.freeBytes
  let tooMuch = used > (disk.diskBytes * policy.highPercent) / 100 ? used - most : 0
  const victims: Victim[] = []
  for (const image of old) {
    const ageSeconds = (nowMs - image.lastUsedMs) / 1_000
    const isUnused = policy.maxAgeSeconds > 0 && ageSeconds > policy.maxAgeSeconds
    if (!isUnused && (tooMuch <= 0 || ageSeconds < policy.minAgeSeconds)) continue
    const bytes = release(image.content, counts)
    tooMuch -= bytes
    victims.push({ id: image.id, reason: isUnused ? 'unused' : 'disk-pressure', bytes })
  }
  return victims
}

/** Takes one image from the counts, and returns the bytes that no other has then. */
function release(content: ReadonlyMap<Digest, number>, counts: Map<Digest, number>): number {
  let bytes = 0
  for (const [digest, size] of content) {
    const left = (counts.get(digest) ?? 1) - 1
    counts.set(digest, left)
    if (left === 0) bytes += size
  }
  return bytes
}
