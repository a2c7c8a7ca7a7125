import { posix } from 'node:path'
import { CaissonError } from '@caisson/api'
import type { Owner, TreeReadRequest, TreeRoot, TreeTool, TreeWriteRequest } from './ports.ts'
import { hasWildcard } from './tree-path.ts'

export interface CopyRequest {
  /** Keys of snapshots. */
  readonly from: string
  readonly to: string
  /** With wildcards. */
  readonly sources: readonly string[]
  readonly target: string
  readonly owner: Owner | undefined
  readonly mode: number | undefined
  readonly excludes: readonly string[]
  readonly parents: boolean
}

export interface CopyPlan {
  readonly read: TreeReadRequest
  readonly write: TreeWriteRequest
}

const TYPE_MASK = 0o170_000
const DIRECTORY = 0o040_000

/** What a copy reads and where it goes, by the rules of COPY in a Dockerfile. */
export async function planCopy(
  request: CopyRequest,
  tool: TreeTool,
  roots: { readonly from: TreeRoot; readonly to: TreeRoot },
  signal: AbortSignal,
): Promise<CopyPlan> {
  const { sources, target, owner, mode, excludes, parents } = request
  const read = { paths: sources, patterns: true, owner, mode, excludes, parents }
  const write = { path: target, make: true, keepKinds: true, owner: undefined }
  if (parents) return { read, write }
  const [only = ''] = sources
  const isOne = sources.length === 1 && !hasWildcard(only)
  const isNamed = isOne && !target.endsWith('/') && !(await isDirectory(tool, roots.from, only, signal))
  if (!isNamed || (await isDirectory(tool, roots.to, target, signal))) return { read: { ...read, name: '' }, write }
  return { read: { ...read, name: posix.basename(target) }, write: { ...write, path: posix.dirname(target) } }
}

async function isDirectory(tool: TreeTool, root: TreeRoot, path: string, signal: AbortSignal): Promise<boolean> {
  try {
    return ((await tool.stat(root, path, true, signal)).mode & TYPE_MASK) === DIRECTORY
  } catch (error) {
    if (error instanceof CaissonError && error.reason === 'PATH_NOT_FOUND') return false
    throw error
  }
}
