import { Readable } from 'node:stream'
import type { Digest } from '@caisson/oci'
import type { Owner, TreeReadRequest, TreeRoot, TreeTool, TreeWriteRequest } from '../tree/ports.ts'
import { asHashes, asPathInfo, asWritten } from './answer.ts'
import { runHelper, streamHelper } from './helper-process.ts'
import { telling } from './telling.ts'

export interface TreeLimits {
  /** Of one archive. */
  readonly maxBytes: number
  readonly maxEntries: number
  /** The largest user and group id. */
  readonly uidMax: number
}

const told = telling({
  internally: 'the files cannot be reached',
  otherwise: '',
  of: {
    UNSAFE_CONTENT: { code: 'invalid-argument', reason: 'UNSAFE_CONTENT', advice: 'it would lead out of its place' },
    LIMIT: { code: 'resource-exhausted', reason: 'ARCHIVE_TOO_LARGE', advice: 'copy it in parts' },
    INVALID: { code: 'invalid-argument', reason: 'INVALID_ARCHIVE', advice: 'name a path and a tar as they can be' },
    NOSPACE: { code: 'resource-exhausted', reason: 'NO_SPACE', advice: 'free space on the disk' },
    TRUNCATED: { code: 'data-loss', reason: 'TRUNCATED', advice: 'send it again, as a whole' },
    MISSING: { code: 'not-found', reason: 'PATH_NOT_FOUND', advice: 'name a path that is there' },
    NOT_DIRECTORY: { code: 'invalid-argument', reason: 'NOT_A_DIRECTORY', advice: 'name a directory' },
    KIND: { code: 'invalid-argument', reason: 'KIND_MISMATCH', advice: 'remove what is there first' },
    READ_ONLY: { code: 'failed-precondition', reason: 'READ_ONLY', advice: 'write to another place' },
    DENIED: { code: 'permission-denied', reason: 'PATH_DENIED', advice: 'the root of the container may not either' },
    BUSY: {
      code: 'failed-precondition',
      reason: 'PATH_BUSY',
      advice: 'something is mounted there: write to its source',
    },
    RACE: { code: 'aborted', reason: 'RACE', advice: 'try again' },
    GONE: { code: 'not-found', reason: 'PROCESS_GONE', advice: 'try again' },
  },
})

/** The native helper as access to trees. `program` is the path of caisson-layer. */
export function treeTool(program: string, limits: TreeLimits): TreeTool {
  return {
    stat: (root, path, follow, signal) =>
      told.one(async () => {
        const args = ['tree-stat', ...rootArguments(root), ...(follow ? ['--follow'] : []), '--', path]
        return asPathInfo(await runHelper({ program, args, signal }))
      }),
    read: (root, request, signal) =>
      told.many(streamHelper({ program, args: readArguments(root, request, limits), signal })),
    write: (root, request, archive, signal) =>
      told.one(async () => {
        const blob = Readable.from(archive, { objectMode: false })
        return asWritten(await runHelper({ program, args: writeArguments(root, request, limits), blob, signal }))
      }),
    hash: (root, paths, excludes, signal) =>
      told.one(async () => {
        const args = ['tree-hash', ...rootArguments(root), ...excludeArguments(excludes)]
        args.push('--max-entries', String(limits.maxEntries), '--', ...paths)
        return asHashes(await runHelper({ program, args, signal })) as Digest[]
      }),
  }
}

function rootArguments(root: TreeRoot): string[] {
  if ('directory' in root) return ['--directory', root.directory]
  if ('pid' in root) return ['--live', `${root.pid}:${root.startTime}`]
  const lowers = root.lowerDirs.flatMap((directory) => ['--lower', directory])
  return root.upperDir === '' ? lowers : [...lowers, '--upper', root.upperDir, '--work', root.workDir]
}

const excludeArguments = (excludes: readonly string[]): string[] => excludes.flatMap((each) => ['--exclude', each])

const ownerArguments = (owner: Owner | undefined): string[] => (owner ? ['--owner', `${owner.uid}:${owner.gid}`] : [])

function readArguments(root: TreeRoot, request: TreeReadRequest, limits: TreeLimits): string[] {
  const args = ['tree-read', ...rootArguments(root), '--max-entries', String(limits.maxEntries)]
  if (request.patterns) args.push('--patterns')
  if (request.follow) args.push('--follow')
  if (request.oneMount) args.push('--one-mount')
  if (request.parents) args.push('--parents')
  if (request.name !== undefined) args.push('--name', request.name)
  if (request.mode !== undefined) args.push('--mode', request.mode.toString(8))
  args.push(...ownerArguments(request.owner), ...excludeArguments(request.excludes ?? []))
  return [...args, '--', ...request.paths]
}

function writeArguments(root: TreeRoot, request: TreeWriteRequest, limits: TreeLimits): string[] {
  const { maxBytes, maxEntries, uidMax } = limits
  const args = ['tree-write', ...rootArguments(root), '--max-bytes', String(maxBytes)]
  args.push('--max-entries', String(maxEntries), '--uid-max', String(uidMax))
  if (request.make) args.push('--make')
  if (request.keepKinds) args.push('--keep-kinds')
  return [...args, ...ownerArguments(request.owner), '--', request.path]
}
