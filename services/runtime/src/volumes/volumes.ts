import { randomBytes } from 'node:crypto'
import { alreadyExists, conflict, notFound, now } from '@caisson/api'
import type { Logger } from '@caisson/service-kit'
import { KeyedMutex } from '../container/mutex.ts'
import type { Transaction } from '../container/transaction.ts'
import type { VolumeTable } from '../store/volume-table.ts'
import { type Backing, backingOf } from './driver-options.ts'
import type { HostTrees } from './ports.ts'
import { earlierOf, sameAs } from './same-volume.ts'
import type { Volume, VolumeDraft } from './volume.ts'
import { DEFAULT_MODE, type TopDirectory, type VolumeDirs } from './volume-dirs.ts'
import type { VolumeEvents } from './volume-events.ts'

export interface VolumesDeps {
  readonly transaction: Transaction
  readonly table: VolumeTable
  readonly events: VolumeEvents
  readonly dirs: VolumeDirs
  readonly trees: HostTrees
  readonly log: Logger
}

const ROOT = { uid: 0, gid: 0 } as const
/** How long counting may take. */
const USAGE_MS = 5_000

/**
 * The volumes of this host. A directory is on the disk before its record is, and the record is gone before the directory
 * is: what a crash leaves is directories without records, and `sweep` finds them.
 */
export class Volumes implements AsyncDisposable {
  readonly #deps: VolumesDeps
  readonly #mutex = new KeyedMutex()
  readonly #making = new Map<string, Volume>()
  readonly #holds = new Map<string, number>()
  readonly #stopping = new AbortController()
  readonly #removing = new Set<Promise<void>>()

  constructor(deps: VolumesDeps) {
    this.#deps = deps
  }

  /** Makes a volume, or gives the one that has the name and is the same otherwise. VOLUME_EXISTS when it is not. */
  create(draft: VolumeDraft, requestId: string): Promise<Volume> {
    const { table } = this.#deps
    const name = draft.name === '' ? madeUpName() : draft.name
    const make = (): Promise<Volume> =>
      this.alone(name, async () => {
        const known = table.get(name)
        if (known) return sameAs(known, draft)
        return this.#makeRecorded({ ...draft, name, createdNs: now(), anonymous: draft.name === '' }, requestId)
      })
    if (requestId === '') return make()
    return this.#mutex.run(`request ${requestId}`, async () => this.earlier(draft, requestId) ?? make())
  }

  /** What an earlier try of a request made. REQUEST_ID_REUSED when it asked for something else. */
  earlier(draft: VolumeDraft, requestId: string): Volume | undefined {
    const earlier = requestId === '' ? undefined : this.#deps.table.getByRequest(requestId)
    return earlier && earlierOf(earlier, draft)
  }

  /** Makes a volume that is not there yet, and fills its directory before its record is written. VOLUME_EXISTS. */
  createFilled(draft: VolumeDraft, requestId: string, fill: (path: string) => Promise<void>): Promise<Volume> {
    const name = draft.name === '' ? madeUpName() : draft.name
    const volume = { ...draft, name, createdNs: now(), anonymous: draft.name === '' }
    return this.alone(name, async () => {
      if (this.find(name)) throw alreadyExists('volume', name, 'remove it first, or choose another name')
      return await this.#makeRecorded(volume, requestId, fill)
    })
  }

  /**
   * A volume that is a container's alone until its record is written with the container's (`record`). It goes again by
   * `sweep` when that never happens.
   */
  makePrivate(draft: VolumeDraft, isDurable: boolean): Volume & Disposable {
    const name = madeUpName()
    const volume: Volume = { ...draft, name, createdNs: now(), anonymous: true }
    this.#making.set(name, volume)
    try {
      this.#makeDirectory(volume, isDurable)
    } catch (error) {
      this.#making.delete(name)
      throw error
    }
    return { ...volume, [Symbol.dispose]: () => void this.#making.delete(name) }
  }

  /** Writes the record of one that was made by `makePrivate`; inside a transaction. */
  record({ name, driver, options, labels, createdNs, anonymous, madeFor, quotaBytes }: Volume): void {
    const volume = { name, driver, options, labels, createdNs, anonymous, madeFor, quotaBytes }
    this.#deps.table.insert(volume, '')
    this.#deps.events.created(volume, '')
  }

  get(name: string): Volume {
    const volume = this.#deps.table.get(name)
    if (!volume) throw notFound('volume', name)
    return volume
  }

  find(name: string): Volume | undefined {
    return this.#deps.table.get(name)
  }

  /** The same, also when it is one that has no record yet (`makePrivate`). */
  findAny(name: string): Volume | undefined {
    return this.find(name) ?? this.#making.get(name)
  }

  backing(volume: Volume): Backing {
    return backingOf(volume)
  }

  /** Where its content is on the host. */
  path(volume: Volume): string {
    const backing = backingOf(volume)
    return backing.kind === 'host' ? backing.path : this.#deps.dirs.path(volume.name)
  }

  /** Mounts what has to be mounted before it can be used. */
  async ready(volume: Volume, signal: AbortSignal): Promise<void> {
    if (backingOf(volume).kind === 'tmpfs') await this.alone(volume.name, () => this.#mount(volume, signal))
  }

  /** Bytes on disk; -1 when they cannot be counted in time. */
  async usage(volume: Volume, signal: AbortSignal): Promise<number> {
    if (this.backing(volume).kind === 'host') return -1
    try {
      return await this.#deps.trees.usage(this.path(volume), AbortSignal.any([signal, AbortSignal.timeout(USAGE_MS)]))
    } catch (error) {
      signal.throwIfAborted()
      this.#deps.log.info({ volume: volume.name, error: String(error) }, 'its size is not known')
      return -1
    }
  }

  /** Runs work on a volume that nothing else makes, fills or removes meanwhile. */
  alone<T>(name: string, work: () => Promise<T>): Promise<T> {
    return this.#mutex.run(`name ${name}`, work)
  }

  /** Keeps a volume from being removed until the hold is disposed. */
  hold(name: string): Disposable {
    this.#holds.set(name, (this.#holds.get(name) ?? 0) + 1)
    return {
      [Symbol.dispose]: () => {
        const left = (this.#holds.get(name) ?? 1) - 1
        if (left > 0) this.#holds.set(name, left)
        else this.#holds.delete(name)
      },
    }
  }

  /** By how many it is held. */
  holders(name: string): number {
    return this.#holds.get(name) ?? 0
  }

  /** Whether a container uses it, or is being made with it. */
  isUsed(name: string): boolean {
    return this.holders(name) > 0 || this.#deps.table.usesOf(name).length > 0
  }

  /** Removes a volume. VOLUME_IN_USE; with `force` one that is not there is no error. */
  remove(name: string, force: boolean): Promise<void> {
    return this.alone(name, async () => {
      const volume = force ? this.find(name) : this.get(name)
      if (!volume) return
      if (this.isUsed(name))
        throw inUse(
          volume,
          this.#deps.table.usesOf(name).map(({ containerId }) => containerId),
        )
      this.#deps.transaction(() => this.forget(volume))
      this.sweep(name)
    })
  }

  /** Removes its record; inside a transaction, after which `sweep` has to follow. */
  forget(volume: Volume): void {
    this.#deps.table.delete(volume.name)
    this.#deps.events.removed(volume)
  }

  /** Throws the directory of a volume away that has no record, nor will have one. Its bytes are freed later. */
  sweep(name: string): void {
    const { table, dirs, log } = this.#deps
    if (this.#making.has(name) || table.get(name)) return
    void this.#background(async (signal) => {
      await this.#deps.trees.unmount(dirs.path(name), signal)
      if (this.#making.has(name) || table.get(name) || !dirs.names().includes(name)) return
      await this.#deps.trees.remove(dirs.discard(name), signal)
    }).catch((error: unknown) => {
      log.warn({ volume: name, error: String(error) }, 'what is left of a volume is removed at the next start')
    })
  }

  /** Brings records and directories together; before the service serves. */
  reconcile(): void {
    const { table, dirs, log } = this.#deps
    const known = table.names()
    for (const name of dirs.names()) {
      if (known.delete(name)) continue
      log.info({ volume: name }, 'removing a volume that was never finished, or was removed')
      this.sweep(name)
    }
    for (const name of known) {
      const volume = table.get(name)
      if (volume && backingOf(volume).kind !== 'host')
        log.error({ volume: name }, 'its directory is gone: its content is lost')
    }
    for (const path of dirs.leftovers()) this.#removeTree(path)
  }

  /** Resolves when nothing is being removed. */
  async settled(): Promise<void> {
    await Promise.allSettled(this.#removing)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stopping.abort()
    await this.settled()
  }

  async #mount(volume: Volume, signal: AbortSignal): Promise<void> {
    const { dirs, trees } = this.#deps
    const backing = backingOf(volume)
    if (backing.kind === 'tmpfs') await trees.mountTmpfs(dirs.path(volume.name), backing.options, signal)
  }

  async #makeRecorded(
    volume: Volume,
    requestId: string,
    fill: (path: string) => Promise<void> = async () => {},
  ): Promise<Volume> {
    this.#making.set(volume.name, volume)
    try {
      this.#makeDirectory(volume, true)
      await this.#mount(volume, this.#stopping.signal)
      await fill(this.path(volume))
      this.#deps.transaction(() => {
        this.#deps.table.insert(volume, requestId)
        this.#deps.events.created(volume, requestId)
      })
      return volume
    } finally {
      this.#making.delete(volume.name)
      this.sweep(volume.name)
    }
  }

  /** A directory that is there already belongs to nobody: a volume of that name was removed a moment ago. */
  #makeDirectory(volume: Volume, isDurable: boolean): void {
    const { dirs } = this.#deps
    if (backingOf(volume).kind === 'host') return
    if (dirs.names().includes(volume.name)) {
      this.#removeTree(dirs.discard(volume.name))
    }
    dirs.make(volume.name, topOf(volume), isDurable)
  }

  #removeTree(path: string): void {
    const { trees, log } = this.#deps
    void this.#background((signal) => trees.remove(path, signal)).catch((error: unknown) => {
      log.warn({ path, error: String(error) }, 'what was thrown away is removed at the next start')
    })
  }

  #background(work: (signal: AbortSignal) => Promise<void>): Promise<void> {
    const task = work(this.#stopping.signal)
    this.#removing.add(task)
    return task.finally(() => this.#removing.delete(task))
  }
}

/** What the top directory of a volume is like that nothing was put into. */
export function topOf({ owner = ROOT, mode = DEFAULT_MODE }: Volume): TopDirectory {
  return { owner, mode }
}

/** As long as an id, so that nobody takes it for a name of his own. */
function madeUpName(): string {
  return randomBytes(32).toString('hex')
}

function inUse({ name }: Volume, containers: readonly string[]): Error {
  const who =
    containers.length === 0 ? 'a container that is being made' : containers.map((id) => id.slice(0, 12)).join(', ')
  return conflict('VOLUME_IN_USE', `the volume ${name} is used by ${who}: remove what uses it first`, {
    details: { volume: name, containers: containers.slice(0, 100).join(',') },
  })
}
