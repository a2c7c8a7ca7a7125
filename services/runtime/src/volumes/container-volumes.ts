import { statSync } from 'node:fs'
import { CaissonError, failedPrecondition } from '@caisson/api'
import type { Container } from '../container/container.ts'
import type { ContainerSpec, MountSpec, VolumeMountSpec } from '../container/spec.ts'
import type { VolumeTable } from '../store/volume-table.ts'
import { type CopyUpDeps, copyUp } from './copy-up.ts'
import { plannedMounts } from './planned-mounts.ts'
import type { Volume, VolumeDraft } from './volume.ts'
import type { VolumeEvents } from './volume-events.ts'
import type { Volumes } from './volumes.ts'

export interface ContainerVolumesDeps extends CopyUpDeps {
  readonly volumes: Volumes
  readonly table: VolumeTable
  readonly events: VolumeEvents
  /** By id, name or unique prefix of the id. */
  readonly resolve: (reference: string) => Container
}

export interface VolumesRequest {
  readonly containerId: string
  readonly spec: ContainerSpec
  /** Where the image wants volumes. */
  readonly imageVolumes: readonly string[]
}

/** The mounts of a container that is being made, and what was made for them. */
export interface PreparedVolumes {
  readonly mounts: readonly MountSpec[]
  /** Writes down which volumes the container uses; inside the transaction that writes the container, after it. */
  save(containerId: string): void
  /** Lets go of them. What was made for this container alone and was never written down is thrown away. */
  [Symbol.dispose](): void
}

/** The volumes of containers. */
export class ContainerVolumes {
  readonly #deps: ContainerVolumesDeps

  constructor(deps: ContainerVolumesDeps) {
    this.#deps = deps
  }

  /** Finds or makes the volumes of a container whose root is prepared, and fills those that are empty. */
  async prepare(request: VolumesRequest, signal: AbortSignal): Promise<PreparedVolumes> {
    const { spec, imageVolumes } = request
    const planned = plannedMounts(spec, imageVolumes, this.#deps.resolve)
    const work = new Preparation(this.#deps, request, signal)
    try {
      const mounts: MountSpec[] = []
      for (const mount of planned) mounts.push(mount.kind === 'volume' ? await work.mount(mount) : mount)
      return work.done(mounts)
    } catch (error) {
      work[Symbol.dispose]()
      throw error
    }
  }

  /** Makes ready what a container is about to be started with. VOLUME_GONE when a directory is not there. */
  async ready(container: Container, signal: AbortSignal): Promise<void> {
    for (const mount of volumeMounts(container)) {
      const volume = this.#deps.volumes.findAny(mount.source)
      if (volume) await this.#deps.volumes.ready(volume, signal)
      if (!volume || !mount.path || !statSync(mount.path, { throwIfNoEntry: false })?.isDirectory())
        throw failedPrecondition(
          'VOLUME_GONE',
          `the volume ${mount.source} has no directory ${mount.path ?? ''} any more: put it back, or make the container anew`,
          { details: { volume: mount.source, container: container.id } },
        )
    }
  }

  /** Tells that a container was started; inside the transaction that says so. */
  mounted(container: Container): void {
    for (const { source, target, readOnly } of volumeMounts(container)) {
      const volume = this.#deps.table.get(source)
      if (volume) this.#deps.events.mounted(volume, container.id, target, readOnly)
    }
  }

  /**
   * Removes the records of the anonymous volumes that only this container uses. To be called inside the transaction that
   * removes the container: `remove` does that. What it returns is called when the transaction is done.
   */
  removeWith(container: Container, remove: () => void): () => void {
    const { table, volumes } = this.#deps
    const own = volumeMounts(container).length === 0 ? [] : table.anonymousOf(container.id)
    remove()
    const gone = own.filter(({ name }) => volumes.holders(name) === 0)
    for (const volume of gone) volumes.forget(volume)
    return () => {
      for (const { name } of gone) volumes.sweep(name)
    }
  }
}

export function volumeMounts({ spec }: Pick<Container, 'spec'>): VolumeMountSpec[] {
  return spec.mounts.filter((mount) => mount.kind === 'volume')
}

/** The volumes of one container, while it is being made. */
class Preparation implements Disposable {
  readonly #deps: ContainerVolumesDeps
  readonly #request: VolumesRequest
  readonly #signal: AbortSignal
  readonly #holds = new DisposableStack()
  readonly #private: Volume[] = []

  constructor(deps: ContainerVolumesDeps, request: VolumesRequest, signal: AbortSignal) {
    this.#deps = deps
    this.#request = request
    this.#signal = signal
  }

  async mount(mount: VolumeMountSpec): Promise<VolumeMountSpec> {
    const { volumes } = this.#deps
    const volume = mount.source === '' ? this.#anonymous(mount) : await this.#named(mount)
    await this.#fill(volume, mount)
    const backing = volumes.backing(volume)
    const readOnly = mount.readOnly || (backing.kind === 'host' && backing.readOnly)
    return { ...mount, source: volume.name, readOnly, path: volumes.path(volume) }
  }

  done(mounts: readonly MountSpec[]): PreparedVolumes {
    const { volumes, table } = this.#deps
    return {
      mounts,
      save: (containerId) => {
        for (const volume of this.#private) volumes.record(volume)
        for (const mount of mounts)
          if (mount.kind === 'volume') table.addUse(mount.source, { containerId, readOnly: mount.readOnly })
      },
      [Symbol.dispose]: () => this[Symbol.dispose](),
    }
  }

  [Symbol.dispose](): void {
    this.#holds[Symbol.dispose]()
    for (const { name } of this.#private.splice(0)) this.#deps.volumes.sweep(name)
  }

  #anonymous(mount: VolumeMountSpec): Volume {
    const { containerId, spec } = this.#request
    const volume = this.#deps.volumes.makePrivate(draftOf(mount, containerId), !spec.autoRemove)
    this.#holds.use(volume)
    this.#private.push(volume)
    return volume
  }

  async #named(mount: VolumeMountSpec): Promise<Volume> {
    const { volumes } = this.#deps
    // Held first: it must not be removed between being found and being written down.
    this.#holds.use(volumes.hold(mount.source))
    const known = volumes.find(mount.source)
    if (known && (mount.driver === '' || mount.driver === known.driver)) return known
    return volumes.create(draftOf(mount, ''), '')
  }

  async #fill(volume: Volume, mount: VolumeMountSpec): Promise<void> {
    const { volumes, table } = this.#deps
    const { containerId, spec } = this.#request
    if (mount.noCopy || mount.subpath !== '' || volumes.backing(volume).kind !== 'directory') return
    const isUnused = (): boolean => table.usesOf(volume.name).length === 0 && volumes.holders(volume.name) <= 1
    const isDurable = !(volume.anonymous && spec.autoRemove)
    await volumes.alone(volume.name, () =>
      copyUp(
        this.#deps,
        { containerId, target: mount.target, volume, isUnused: isUnused(), isDurable },
        this.#signal,
      ).catch((error: unknown) => {
        throw error instanceof CaissonError ? filling(error, volume, mount.target) : error
      }),
    )
  }
}

function filling(cause: CaissonError, { name }: Volume, target: string): CaissonError {
  return new CaissonError(
    cause.code,
    `the volume ${name} cannot be filled with what the image has at ${target}: ${cause.message}; nocopy leaves it empty`,
    { reason: cause.reason, details: { ...cause.details, volume: name }, cause },
  )
}

function draftOf({ source, driver, driverOptions, labels }: VolumeMountSpec, madeFor: string): VolumeDraft {
  return {
    name: source,
    driver: driver === '' ? 'local' : driver,
    options: driverOptions,
    labels,
    madeFor,
    quotaBytes: 0,
  }
}
