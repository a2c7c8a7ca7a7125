import { failedPrecondition } from '@caisson/api'
import type { Digest } from '@caisson/oci'
import type { Room } from '../disk/room.ts'
import type { Preparer } from '../snapshot/preparer.ts'
import type { Mount } from '../snapshot/snapshots.ts'
import { type CopyRequest, planCopy } from './copy-plan.ts'
import { Exclusive } from './exclusive.ts'
import type {
  HostDirectory,
  LiveRoot,
  PathInfo,
  TreeReadRequest,
  TreeRoot,
  TreeTool,
  TreeWriteRequest,
  Written,
} from './ports.ts'

/** Whose tree: that of a snapshot, by its key, that of a running container, or a directory of the host. */
export type TreeName = { readonly key: string } | { readonly live: LiveRoot } | HostDirectory

export interface TreesDeps {
  readonly tool: TreeTool
  readonly preparer: Preparer
  readonly room: Room
}

/** Access to the files of snapshots and of running containers. A snapshot is read and written by one call at a time. */
export class Trees {
  readonly #deps: TreesDeps
  readonly #exclusive = new Exclusive()

  constructor(deps: TreesDeps) {
    this.#deps = deps
  }

  async stat(name: TreeName, path: string, follow: boolean, signal: AbortSignal): Promise<PathInfo> {
    return await this.#deps.tool.stat(await this.#readable(name, signal), path, follow, signal)
  }

  /** Yields a tar. */
  async *read(name: TreeName, request: TreeReadRequest, signal: AbortSignal): AsyncGenerator<Buffer> {
    yield* this.#deps.tool.read(await this.#readable(name, signal), request, signal)
  }

  async write(
    name: TreeName,
    request: TreeWriteRequest,
    archive: AsyncIterable<Uint8Array>,
    signal: AbortSignal,
  ): Promise<Written> {
    if ('live' in name) return await this.#deps.tool.write(name.live, request, archive, signal)
    if ('directory' in name)
      return await this.#deps.room.during(0, signal, (inRoom) => this.#deps.tool.write(name, request, archive, inRoom))
    return await this.#deps.room.during(0, signal, (inRoom) =>
      this.#exclusive.run(name.key, async () =>
        this.#deps.tool.write(await this.#writable(name.key, inRoom), request, archive, inRoom),
      ),
    )
  }

  async hash(
    key: string,
    paths: readonly string[],
    excludes: readonly string[],
    signal: AbortSignal,
  ): Promise<readonly Digest[]> {
    return await this.#deps.tool.hash(await this.#readable({ key }, signal), paths, excludes, signal)
  }

  async copy(request: CopyRequest, signal: AbortSignal): Promise<Written> {
    const { tool, room } = this.#deps
    if (request.from === request.to)
      throw failedPrecondition('SAME_SNAPSHOT', `${request.from} cannot be copied into itself: name two snapshots`)
    const copy = (inRoom: AbortSignal) => async (): Promise<Written> => {
      const from = await this.#readable({ key: request.from }, inRoom)
      const to = await this.#writable(request.to, inRoom)
      const plan = await planCopy(request, tool, { from, to }, inRoom)
      return await tool.write(to, plan.write, tool.read(from, plan.read, inRoom), inRoom)
    }
    return await room.during(0, signal, (inRoom) => this.#exclusive.run(request.to, copy(inRoom)))
  }

  async #readable(name: TreeName, signal: AbortSignal): Promise<TreeRoot> {
    if ('live' in name) return name.live
    if ('directory' in name) return name
    return readOnly((await this.#deps.preparer.get(name.key, signal)).mount)
  }

  async #writable(key: string, signal: AbortSignal): Promise<Mount> {
    const { mount } = await this.#deps.preparer.get(key, signal)
    if (mount.upperDir === '')
      throw failedPrecondition('READ_ONLY', `snapshot ${key} is read-only: prepare a writable one`)
    return mount
  }
}

/** What overlayfs takes. */
const MAX_LOWERS = 500

/** Its changes are one more layer then: reading leaves no trace. With as many layers as there can be they are none. */
function readOnly(mount: Mount): Mount {
  const { lowerDirs, upperDir } = mount
  if (lowerDirs.length === MAX_LOWERS) return mount
  return { ...mount, lowerDirs: upperDir === '' ? lowerDirs : [upperDir, ...lowerDirs], upperDir: '', workDir: '' }
}
