import { join } from 'node:path'
import type { EventLog, Logger, Store } from '@caisson/service-kit'
import type { Container } from '../container/container.ts'
import type { Transaction } from '../container/transaction.ts'
import type { Files } from '../files/ports.ts'
import { VolumeTable } from '../store/volume-table.ts'
import { ContainerVolumes } from './container-volumes.ts'
import type { HostTrees } from './ports.ts'
import { VolumeDirs } from './volume-dirs.ts'
import { VolumeEvents } from './volume-events.ts'
import { Volumes } from './volumes.ts'

export interface BuildVolumesDeps {
  readonly store: Store
  readonly eventLog: EventLog
  readonly transaction: Transaction
  readonly files: Files
  readonly trees: HostTrees
  /** The service's own folder. */
  readonly dataDir: string
  readonly log: Logger
  readonly resolve: (reference: string) => Container
}

/** Volumes by themselves. */
export interface VolumeStore {
  readonly volumes: Volumes
  readonly table: VolumeTable
  readonly dirs: VolumeDirs
}

/** Puts the parts of volumes together. */
export function buildVolumes(deps: BuildVolumesDeps): { volumeStore: VolumeStore; volumes: ContainerVolumes } {
  const { store, eventLog, transaction, files, trees, dataDir, log, resolve } = deps
  const table = new VolumeTable(store)
  const events = new VolumeEvents(eventLog)
  const dirs = new VolumeDirs(join(dataDir, 'volumes'))
  const volumes = new Volumes({ transaction, table, events, dirs, trees, log })
  return {
    volumeStore: { volumes, table, dirs },
    volumes: new ContainerVolumes({ volumes, table, events, dirs, trees, files, resolve }),
  }
}
