import { dirname, join } from 'node:path/posix'
import { invalid } from '@caisson/api/error'

export interface Found {
  readonly isDirectory: boolean
  /** '': it is no symlink. */
  readonly linkTarget: string
}

/** What is at a path, without following a link at its end. Undefined: nothing. */
export type Look = (path: string) => Promise<Found | undefined>

const MAX_LINKS = 40

/** Follows links at the end of a path, also to a place where nothing is yet. */
export async function followLinks(path: string, look: Look): Promise<{ path: string; found: Found | undefined }> {
  let at = path
  for (let count = 0; count < MAX_LINKS; count++) {
    const found = await look(at)
    if (!found || found.linkTarget === '') return { path: at, found }
    at = found.linkTarget.startsWith('/') ? found.linkTarget : join(dirname(at), found.linkTarget)
  }
  throw invalid(`${path}: more than ${MAX_LINKS} links lead on from here`, { reason: 'TOO_MANY_LINKS' })
}
