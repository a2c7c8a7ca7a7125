import type { Files } from '../files/ports.ts'
import type { VolumeTable } from '../store/volume-table.ts'
import { type CloneRequest, cloneVolume } from './clone.ts'
import type { HostTrees } from './ports.ts'
import type { Volume } from './volume.ts'
import type { VolumeDirs } from './volume-dirs.ts'
import type { Volumes } from './volumes.ts'

export interface VolumeLifeDeps {
  readonly volumes: Volumes
  readonly table: VolumeTable
  readonly dirs: VolumeDirs
  readonly files: Files
  readonly trees: HostTrees
  /** Runs work while these containers stand still, those of them that run. */
  readonly standingStill: <T>(containers: readonly string[], work: () => Promise<T>) => Promise<T>
}

/** What can be done to volumes as a whole. */
export class VolumeLife {
  readonly volumes: Volumes
  readonly table: VolumeTable
  readonly #deps: VolumeLifeDeps

  constructor(deps: VolumeLifeDeps) {
    this.volumes = deps.volumes
    this.table = deps.table
    this.#deps = deps
  }

  clone(request: CloneRequest, signal: AbortSignal): Promise<Volume> {
    return cloneVolume(this.#deps, request, signal)
  }

  /** Yields a tar of what is in a volume. */
  async *export(name: string, signal: AbortSignal): AsyncGenerator<Buffer> {
    using _hold = this.volumes.hold(name)
    const volume = this.volumes.get(name)
    await this.volumes.ready(volume, signal)
    const request = { path: '/.', follow: true, oneMount: true }
    yield* this.#deps.files.read({ directory: this.volumes.path(volume) }, request, signal)
  }

  /** Unpacks a tar in a volume, which is made when it is not there; it goes again when that fails. */
  async import(name: string, archive: AsyncIterable<Buffer>, signal: AbortSignal): Promise<Volume> {
    const { files, trees } = this.#deps
    const isNew = this.volumes.find(name) === undefined
    const volume = this.volumes.find(name) ?? (await this.volumes.create(plain(name), ''))
    try {
      using _hold = this.volumes.hold(name)
      await this.volumes.ready(volume, signal)
      const directory = this.volumes.path(volume)
      const write = { path: '/', makePath: false, noOverwriteDir: false, keepOwners: true }
      await files.write({ directory }, write, archive, signal)
      await trees.sync(directory, signal)
      return volume
    } catch (error) {
      if (isNew && !this.volumes.isUsed(name)) await this.volumes.remove(name, true)
      throw error
    }
  }
}

function plain(name: string) {
  return { name, driver: 'local', options: {}, labels: {}, madeFor: '', quotaBytes: 0 } as const
}
