import type { Logger } from '@caisson/service-kit'
import type { ContainerEvents } from '../events.ts'
import type { ControlGroups, Roots, Sandboxes } from '../ports.ts'
import type { ContainerTable } from '../store/container-table.ts'
import type { VolumeStore } from '../volumes/build-volumes.ts'
import type { ContainerVolumes } from '../volumes/container-volumes.ts'
import type { Container } from './container.ts'
import type { Creator } from './create.ts'
import type { Discards } from './discards.ts'
import type { Milestones } from './milestones.ts'
import type { KeyedMutex } from './mutex.ts'
import type { Registry } from './registry.ts'
import type { Spares } from './spares.ts'
import type { StateDirs } from './state-dirs.ts'
import type { Supervisor } from './supervisor.ts'
import type { Transaction } from './transaction.ts'

/** What the acts on containers work with. */
export interface Core {
  readonly transaction: Transaction
  readonly table: ContainerTable
  readonly events: ContainerEvents
  readonly registry: Registry
  readonly creator: Creator
  readonly supervisor: Supervisor
  readonly milestones: Milestones
  readonly discards: Discards
  readonly spares: Spares
  readonly stateDirs: StateDirs
  /** Acts that change where a container is in its life hold its lock. */
  readonly mutex: KeyedMutex
  readonly volumes: ContainerVolumes
  readonly volumeStore: VolumeStore
  readonly roots: Roots
  readonly sandboxes: Sandboxes
  readonly controlGroups: ControlGroups
  readonly log: Logger
  /** Looks in a while what became of a container whose monitor cannot be reached. */
  readonly lookAfter: (id: string) => void
  /** Makes networks and record of a container agree in the background: the outcome of a change is not known. */
  readonly agreeSoon: (id: string) => void
}

/** Waits until a container is in no passing state, and returns it as it is then. */
export function settled(core: Core, { id }: Container): Promise<Container> {
  return core.mutex.run(id, async () => core.registry.get(id))
}

/** Runs an act on a container alone: what it gets is how the container is when its turn has come. */
export function alone<T>(core: Core, reference: string, act: (container: Container) => Promise<T>): Promise<T> {
  const { id } = core.registry.resolve(reference)
  return core.mutex.run(id, () => act(core.registry.get(id)))
}
