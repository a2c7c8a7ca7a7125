import { alreadyExists, conflict } from '@caisson/api'
import type { VolumeTable } from '../store/volume-table.ts'
import type { HostTrees } from './ports.ts'
import type { Volume, VolumeDraft } from './volume.ts'
import type { Volumes } from './volumes.ts'

export interface CloneDeps {
  readonly volumes: Volumes
  readonly table: VolumeTable
  readonly trees: HostTrees
  readonly standingStill: <T>(containers: readonly string[], work: () => Promise<T>) => Promise<T>
}

export interface CloneRequest {
  readonly source: string
  /** '': one is made up. */
  readonly name: string
  readonly labels: Readonly<Record<string, string>>
  /** '': none. */
  readonly requestId: string
}

/**
 * Makes a volume with the content that another has at one moment: containers that may write to it stand still meanwhile.
 * The record is written when all of the content is on the disk. VOLUME_EXISTS when the name is taken.
 */
export async function cloneVolume(deps: CloneDeps, request: CloneRequest, signal: AbortSignal): Promise<Volume> {
  const { volumes, table, trees, standingStill } = deps
  using _hold = volumes.hold(request.source)
  const source = volumes.get(request.source)
  const { driver, options, quotaBytes, owner, mode } = source
  const backing = volumes.backing(source)
  if (backing.kind === 'host')
    throw conflict('VOLUME_NOT_CLONED', `the volume ${source.name} is a directory of the host: copy that`, {
      details: { volume: source.name },
    })
  const draft: VolumeDraft = {
    ...{ name: request.name, driver, options, labels: request.labels, madeFor: '', quotaBytes },
    ...(owner && { owner }),
    ...(mode !== undefined && { mode }),
  }
  const earlier = volumes.earlier(draft, request.requestId)
  if (earlier) return earlier
  if (request.name !== '' && volumes.find(request.name))
    throw alreadyExists('volume', request.name, 'remove it first, or choose another name')
  await volumes.ready(source, signal)
  const writers = table.usesOf(source.name).filter(({ readOnly }) => !readOnly)
  return await volumes.createFilled(draft, request.requestId, async (path) => {
    await standingStill(
      writers.map(({ containerId }) => containerId),
      () => trees.copy(volumes.path(source), path, signal),
    )
    await trees.sync(path, signal)
  })
}
