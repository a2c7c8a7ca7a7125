import { posix } from 'node:path'
import { invalid } from '@caisson/api'

const MAX_BYTES = 4_096

/** A path inside a tree, from its root on; what it ends with stays as it is. Throws on what can be no path. */
export function treePath(path: string): string {
  if (path === '' || path.includes('\0') || Buffer.byteLength(path) > MAX_BYTES)
    throw invalid(`a path has 1 to ${MAX_BYTES} bytes and no NUL`, { reason: 'INVALID_PATH' })
  return path.startsWith('/') ? path : `/${path}`
}

/** The last component as it was asked for. '/' for the root. */
export function nameOf(path: string): string {
  return posix.basename(path) || '/'
}

/** A pattern of what is left out. */
export function treePattern(pattern: string): string {
  if (pattern === '' || pattern.includes('\0') || Buffer.byteLength(pattern) > MAX_BYTES)
    throw invalid(`a pattern has 1 to ${MAX_BYTES} bytes and no NUL`, { reason: 'INVALID_PATH' })
  return pattern
}

/** Whether it means more than one path. */
export function hasWildcard(path: string): boolean {
  return /[*?[\\]/.test(path)
}
