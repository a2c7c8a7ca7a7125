import type { RpcServer } from '@caisson/api'
import { ContentDefinition, LeasesDefinition, StoreDefinition } from '@caisson/api/content'
import { ImagesDefinition } from '@caisson/api/image'
import { RegistriesDefinition } from '@caisson/api/registries'
import { SnapshotsDefinition } from '@caisson/api/snapshot'
import { TrustDefinition } from '@caisson/api/trust'
import { buildDomain, type ImageStoreDeps } from './domain.ts'
import { type DiskUsage, diskUsage } from './garbage/disk-usage.ts'
import { maintenance } from './garbage/maintenance.ts'
import { limitedSnapshots } from './quota/limited-snapshots.ts'
import { contentHandlers } from './rpc/content.ts'
import { imagesHandlers } from './rpc/images.ts'
import { leasesHandlers } from './rpc/leases.ts'
import { registriesHandlers } from './rpc/registries.ts'
import { snapshotsHandlers } from './rpc/snapshots.ts'
import { storeHandlers } from './rpc/store.ts'
import { trustHandlers } from './rpc/trust.ts'
import { reconcile } from './snapshot/reconcile.ts'

export type ImageStore = ReturnType<typeof createImageStore>

/**
 * Builds the image store from what it is given. `reconcile` comes before `register`; disposing stops the work behind the
 * calls.
 */
export function createImageStore(deps: ImageStoreDeps) {
  const { dir, db, log } = deps
  const domain = buildDomain(deps)
  const { rows, trash, shelf, staging, layers, snapshots, collector, uses, ballast, scheduler, quotas } = domain
  const store = {
    ...domain,
    registries: deps.registries,
    sockets: deps.sockets,

    /** What the store holds, and what is left of its disk. */
    diskUsage: (signal: AbortSignal): Promise<DiskUsage> =>
      diskUsage({ ...domain, dir, table: rows.blobs, snapshotRows: rows.snapshots }, signal),

    /** Brings database and disk to agreement: before anything is served. */
    reconcile: (): void => {
      const tables = { blobs: rows.blobs, layerRows: rows.layers, snapshotRows: rows.snapshots }
      reconcile({ dir, trash, staging, layers, snapshots, ...tables, transactions: db, log })
      collector.collect()
      rows.trust.prune()
      ballast.fill()
      shelf.fill()
      for (const work of [...maintenance(domain), limitedSnapshots(quotas)]) scheduler.plan(work)
    },

    /** Registers the handlers and returns the names of their services. */
    register: (server: RpcServer): readonly string[] => register(server, store),

    /** Resolves when the work behind the calls is done: what was thrown away is gone, folders are made ahead. */
    settled: async (): Promise<void> => {
      await Promise.all([trash.settled(), shelf.filled()])
    },

    [Symbol.asyncDispose]: async (): Promise<void> => {
      await scheduler[Symbol.asyncDispose]()
      uses.flush()
      await Promise.all([trash[Symbol.asyncDispose](), shelf[Symbol.asyncDispose]()])
    },
  }
  return store
}

function register(server: RpcServer, store: ImageStore): readonly string[] {
  server.register(ImagesDefinition, imagesHandlers(store))
  server.register(SnapshotsDefinition, snapshotsHandlers(store))
  server.register(ContentDefinition, contentHandlers(store))
  server.register(LeasesDefinition, leasesHandlers(store))
  server.register(StoreDefinition, storeHandlers(store))
  server.register(TrustDefinition, trustHandlers(store))
  server.register(RegistriesDefinition, registriesHandlers(store))
  const definitions = [ImagesDefinition, SnapshotsDefinition, ContentDefinition, LeasesDefinition, StoreDefinition]
  return [...definitions, TrustDefinition, RegistriesDefinition].map(({ fullName }) => fullName)
}
