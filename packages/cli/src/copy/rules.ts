import { basename, dirname } from 'node:path/posix'
import { failedPrecondition, invalid, notFound } from '@caisson/api/error'

export interface Source {
  readonly path: string
  readonly isDirectory: boolean
}

export interface Target {
  readonly path: string
  /** Undefined: there is nothing. */
  readonly kind: 'directory' | 'other' | undefined
}

/** Where a copy goes. */
export interface Placement {
  /** The directory that takes it; it must exist. */
  readonly directory: string
  /** What the copy is called there. Undefined: only what is in the source directory goes there. */
  readonly name: string | undefined
}

/** The rules of `docker cp`, for one file or directory. */
export function placeCopy(source: Source, target: Target): Placement {
  if (target.kind === 'directory')
    return { directory: target.path, name: isContent(source) ? undefined : basename(source.path) }
  if (target.kind === 'other' && source.isDirectory)
    throw invalid(`${target.path} is no directory: a directory cannot be copied to it`, { reason: 'NOT_A_DIRECTORY' })
  if (target.kind === 'other' && assertsDirectory(target.path))
    throw invalid(`${target.path} is no directory`, { reason: 'NOT_A_DIRECTORY' })
  if (!source.isDirectory && assertsDirectory(target.path))
    throw notFound('directory', target.path, 'make it first, or leave the slash at its end out')
  const name = basename(target.path)
  if (name === '' || name === '.' || name === '..') throw notFound('directory', target.path)
  return { directory: dirname(target.path), name }
}

/** A tar goes into a directory that is there. */
export function placeStream(target: Target): string {
  if (target.kind === 'directory') return target.path
  throw failedPrecondition('NOT_A_DIRECTORY', `${target.path} is no directory: a tar goes into one that is there`)
}

/** Ends with a slash or a dot: it means a directory. */
export function assertsDirectory(path: string): boolean {
  return /(^|\/)\.?$/.test(path)
}

/** `dir/.` and the root stand for what is in them. */
export function isContent({ path, isDirectory }: Source): boolean {
  return isDirectory && (/(^|\/)\.$/.test(path) || /^\/*$/.test(path))
}
