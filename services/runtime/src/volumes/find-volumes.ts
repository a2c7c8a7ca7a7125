import type { VolumeTable } from '../store/volume-table.ts'
import type { Volume } from './volume.ts'
import type { Volumes } from './volumes.ts'

export interface VolumeFilter {
  /** Parts of names. */
  readonly names: readonly string[]
  /** name, or name=value. */
  readonly labels: readonly string[]
  readonly dangling?: boolean | undefined
  /** '': all. */
  readonly driver: string
}

export interface VolumePage {
  readonly volumes: readonly Volume[]
  /** '': this was the last. */
  readonly nextPageToken: string
}

const MOST = 1_000

/** Lists volumes by name, behind the one that the token names. */
export function listVolumes(table: VolumeTable, filter: VolumeFilter, size: number, token: string): VolumePage {
  const most = size === 0 ? MOST : Math.min(size, MOST)
  const found: Volume[] = []
  for (let after = token; ; ) {
    const batch = table.listAfter(after, MOST)
    for (const volume of batch) {
      if (isAsked(table, volume, filter)) {
        if (found.length === most) return { volumes: found, nextPageToken: found.at(-1)?.name ?? '' }
        found.push(volume)
      }
      after = volume.name
    }
    if (batch.length < MOST) return { volumes: found, nextPageToken: '' }
  }
}

export interface PrunedVolumes {
  readonly removed: readonly string[]
  readonly freedBytes: number
}

/** Removes volumes that no container uses: those without a name of their own, or all. */
export async function pruneVolumes(
  volumes: Volumes,
  table: VolumeTable,
  filter: VolumeFilter,
  all: boolean,
  signal: AbortSignal,
): Promise<PrunedVolumes> {
  const removed: string[] = []
  let freedBytes = 0
  for (const name of table.names()) {
    signal.throwIfAborted()
    const volume = table.get(name)
    if (!volume || !(all || volume.anonymous) || volumes.isUsed(name) || !isAsked(table, volume, filter)) continue
    const bytes = await volumes.usage(volume, signal)
    // One that was taken into use meanwhile stays.
    if (volumes.isUsed(name)) continue
    await volumes.remove(name, true)
    removed.push(name)
    freedBytes += Math.max(0, bytes)
  }
  return { removed, freedBytes }
}

function isAsked(table: VolumeTable, volume: Volume, { names, labels, dangling, driver }: VolumeFilter): boolean {
  if (driver !== '' && volume.driver !== driver) return false
  if (names.length > 0 && !names.some((name) => volume.name.includes(name))) return false
  if (dangling !== undefined && (table.usesOf(volume.name).length === 0) !== dangling) return false
  return labels.every((label) => {
    const [name = '', value] = label.split(/=(.*)/s, 2)
    return Object.hasOwn(volume.labels, name) && (value === undefined || volume.labels[name] === value)
  })
}
