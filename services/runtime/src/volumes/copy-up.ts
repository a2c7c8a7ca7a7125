import { CaissonError } from '@caisson/api'
import type { Files, PathFacts } from '../files/ports.ts'
import type { HostTrees } from './ports.ts'
import type { Volume } from './volume.ts'
import type { TopDirectory, VolumeDirs } from './volume-dirs.ts'
import { topOf } from './volumes.ts'

export interface CopyUpDeps {
  readonly files: Files
  readonly dirs: VolumeDirs
  readonly trees: HostTrees
}

export interface CopyUp {
  /** The container whose root has the content; it does not run. */
  readonly containerId: string
  readonly target: string
  readonly volume: Volume
  /** Nobody else has it, so that its content can be put there as a whole. */
  readonly isUnused: boolean
  readonly isDurable: boolean
}

/**
 * Fills an empty volume with what the image has where it is mounted, with owners, permissions, attributes and hard links.
 * Of a volume that others use already the content is written as it comes; otherwise it appears at once, or not at all.
 */
export async function copyUp(deps: CopyUpDeps, request: CopyUp, signal: AbortSignal): Promise<void> {
  const { files, dirs, trees } = deps
  const { containerId, target, volume, isUnused, isDurable } = request
  if (!(await dirs.isEmpty(volume.name))) return
  const found = await directoryAt(files, containerId, target, signal)
  if (!found) return
  const top = topLike(volume, found)
  const directory = isUnused ? dirs.makeFilling(volume.name) : dirs.path(volume.name)
  const content = files.read({ id: containerId }, { path: `${target}/.`, follow: true, oneMount: true }, signal)
  const write = { path: '/', makePath: false, noOverwriteDir: false, keepOwners: true }
  await files.write({ directory }, write, content, signal)
  dirs.dress(directory, top)
  if (isDurable) await trees.sync(directory, signal)
  if (isUnused) dirs.useFilling(volume.name)
}

const KIND = 0o170000
const DIRECTORY = 0o040000

async function directoryAt(
  files: Files,
  id: string,
  path: string,
  signal: AbortSignal,
): Promise<PathFacts | undefined> {
  try {
    const found = await files.stat({ id }, path, true, signal)
    return (found.mode & KIND) === DIRECTORY ? found : undefined
  } catch (error) {
    const isNothing = error instanceof CaissonError && ['PATH_NOT_FOUND', 'NOT_A_DIRECTORY'].includes(error.reason)
    if (isNothing) return undefined
    throw error
  }
}

function topLike(volume: Volume, { uid, gid, mode }: PathFacts): TopDirectory {
  const said = topOf(volume)
  return {
    owner: volume.owner ? said.owner : { uid, gid },
    mode: volume.mode === undefined ? mode & 0o7777 : said.mode,
  }
}
