import { type Handlers, invalid, toTimestamp } from '@caisson/api'
import type { CopyRequest, LiveRoot, SnapshotsDefinition } from '@caisson/api/snapshot'
import type { ImageStore } from '../service.ts'
import { parseSnapshotKey } from '../snapshot/snapshot-key.ts'
import type { Owner } from '../tree/ports.ts'
import { nameOf, treePath, treePattern } from '../tree/tree-path.ts'
import type { TreeName } from '../tree/trees.ts'
import { openUpload } from './uploads.ts'

type Methods = 'statPath' | 'readArchive' | 'writeArchive' | 'hashPaths' | 'copy'

const ROOT: Owner = { uid: 0, gid: 0 }
const MAX_PATH = 4_095
const MAX_PATHS = 1_000
const MAX_ID = 0xffff_fffe

/** The part of caisson.image.v1.Snapshots that reaches into trees. */
export function treeHandlers({ trees }: ImageStore): Pick<Handlers<typeof SnapshotsDefinition>, Methods> {
  return {
    statPath: async (request, { signal }) => {
      const { path, follow } = request
      const info = await trees.stat(treeName(request), treePath(path), follow, signal)
      const { mode, size, uid, gid, linkTarget, mtimeNs } = info
      return { name: nameOf(path), mode, size, uid, gid, linkTarget, modifiedAt: toTimestamp(mtimeNs) }
    },
    readArchive: async function* (request, { signal }) {
      const { path, follow, oneMount, name } = request
      const wanted = {
        paths: [treePath(path)],
        follow,
        oneMount,
        name: name === undefined ? undefined : entryName(name),
      }
      for await (const chunk of trees.read(treeName(request), wanted, signal)) yield { chunk }
    },
    writeArchive: async (requests, { signal }) => {
      const { options, chunks } = await openUpload(requests)
      const { path, makePath: make, noOverwriteDir: keepKinds, keepOwners } = options
      const request = { path: treePath(path), make, keepKinds, owner: keepOwners ? undefined : ROOT }
      return await trees.write(treeName(options), request, chunks, signal)
    },
    hashPaths: async ({ key, paths, exclude }, { signal }) => {
      const wanted = atLeastOne(paths).map(treePath)
      return { digests: [...(await trees.hash(parseSnapshotKey(key), wanted, patterns(exclude), signal))] }
    },
    copy: (request, { signal }) => trees.copy(copyIn(request), signal),
  }
}

interface Named {
  readonly key: string
  readonly live?: LiveRoot | undefined
  readonly directory: string
}

function treeName({ key, live, directory }: Named): TreeName {
  if ([key !== '', live !== undefined, directory !== ''].filter(Boolean).length > 1)
    throw invalid('name a snapshot, a live root or a directory, not two of them', { reason: 'ROOT_TWICE' })
  if (directory !== '') return { directory: hostDirectory(directory) }
  if (!live) return { key: parseSnapshotKey(key) }
  const { pid, startTime } = live
  if (!Number.isInteger(pid) || pid < 1 || pid > 0x7fff_ffff)
    throw invalid(`${pid} is no process id`, { reason: 'INVALID_PID' })
  return { live: { pid, startTime: BigInt(startTime) } }
}

function hostDirectory(path: string): string {
  if (!path.startsWith('/') || path.includes('\0') || Buffer.byteLength(path) > MAX_PATH)
    throw invalid('directory: it is an absolute path of this host', { reason: 'INVALID_PATH' })
  return path
}

/** A name in an archive is one component. */
function entryName(name: string): string {
  if (name === '' || name === '.' || name === '..' || /[/\0]/.test(name) || Buffer.byteLength(name) > 255)
    throw invalid('name: it is one component of at most 255 bytes', { reason: 'INVALID_NAME' })
  return name
}

function copyIn(request: CopyRequest) {
  const { from, to, sources, target, owner, mode, exclude, parents } = request
  return {
    from: parseSnapshotKey(from),
    to: parseSnapshotKey(to),
    sources: atLeastOne(sources).map(treePath),
    target: treePath(target),
    owner: owner === '' ? undefined : ownerIn(owner),
    mode: mode === '' ? undefined : modeIn(mode),
    excludes: patterns(exclude),
    parents,
  }
}

function ownerIn(text: string): Owner {
  const [, uid, gid] = /^(\d{1,10}):(\d{1,10})$/.exec(text) ?? []
  if (uid === undefined || Number(uid) > MAX_ID || Number(gid) > MAX_ID)
    throw invalid('owner: it is uid:gid, in digits', { reason: 'INVALID_OWNER' })
  return { uid: Number(uid), gid: Number(gid) }
}

function modeIn(text: string): number {
  if (!/^[0-7]{1,5}$/.test(text) || Number.parseInt(text, 8) > 0o7777)
    throw invalid('mode: it is octal, at most 7777', { reason: 'INVALID_MODE' })
  return Number.parseInt(text, 8)
}

function patterns(exclude: readonly string[]): readonly string[] {
  if (exclude.length > MAX_PATHS) throw invalid(`at most ${MAX_PATHS} patterns`, { reason: 'TOO_MANY' })
  return exclude.map(treePattern)
}

function atLeastOne(paths: readonly string[]): readonly string[] {
  if (paths.length === 0 || paths.length > MAX_PATHS)
    throw invalid(`name 1 to ${MAX_PATHS} paths`, { reason: 'PATHS_MISSING' })
  return paths
}
