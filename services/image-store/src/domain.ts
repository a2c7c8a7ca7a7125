import { Ballast, type ByteSockets, type EventLog, type Logger, type Store } from '@caisson/service-kit'
import { ImageCommitter, type ImageCommitterDeps } from './commit/image-committer.ts'
import { LayerMaker, type LayerMakerDeps } from './commit/layer-maker.ts'
import { LayerStacks, type LayerStacksDeps } from './commit/layer-stack.ts'
import type { DiffTool } from './commit/ports.ts'
import { SnapshotCommitter, type SnapshotCommitterDeps } from './commit/snapshot-committer.ts'
import { Slots } from './concurrency/slots.ts'
import type { ImageStoreConfig } from './config.ts'
import { BlobStore } from './content/blob-store.ts'
import { Contents } from './content/contents.ts'
import { DiskRoom } from './disk/room.ts'
import { Staging } from './disk/staging.ts'
import type { StateDir } from './disk/state-dir.ts'
import { Trash, type TreeRemover } from './disk/trash.ts'
import { Events } from './events.ts'
import { Collector } from './garbage/collector.ts'
import { ImageCollector } from './garbage/image-collector.ts'
import { ImageUses } from './garbage/image-uses.ts'
import { endedLeases } from './garbage/maintenance.ts'
import { hostTimers, Scheduler, type Timers } from './garbage/scheduler.ts'
import { Verifier } from './garbage/verifier.ts'
import { Images } from './image/images.ts'
import { Importer } from './image/import.ts'
import { Intake } from './image/intake.ts'
import { Loader } from './image/load/loader.ts'
import { ImageLookup, parseImageName } from './image/lookup.ts'
import { LookupVersion } from './image/lookup-version.ts'
import { Registrar } from './image/registrar.ts'
import { Saver } from './image/save/saver.ts'
import { Holds } from './lease/holds.ts'
import { leasedImages } from './lease/leased-images.ts'
import { Leases } from './lease/leases.ts'
import { Downloads } from './pull/downloads.ts'
import { HeldImages } from './pull/held-images.ts'
import { Partials } from './pull/partials.ts'
import { Puller, type PullerDeps } from './pull/puller.ts'
import { Pusher, type PusherDeps } from './push/pusher.ts'
import type { QuotaTool } from './quota/ports.ts'
import { Quotas } from './quota/quotas.ts'
import type { Registries } from './registry/ports.ts'
import { Layers } from './snapshot/layers.ts'
import type { LayerTool } from './snapshot/ports.ts'
import { Preparer } from './snapshot/preparer.ts'
import { Shelf } from './snapshot/shelf.ts'
import { Snapshots } from './snapshot/snapshots.ts'
import { blobOriginTable } from './store/blob-origin-table.ts'
import { blobTable } from './store/blob-table.ts'
import { committedLayerTable } from './store/committed-layer-table.ts'
import { garbageQueries } from './store/garbage-queries.ts'
import { imageSourceTable } from './store/image-source-table.ts'
import { imageTable } from './store/image-table.ts'
import { imageUseTable } from './store/image-use-table.ts'
import { layerTable } from './store/layer-table.ts'
import { leaseTable } from './store/lease-table.ts'
import { nameTable } from './store/name-table.ts'
import { quotaTable } from './store/quota-table.ts'
import { snapshotTable } from './store/snapshot-table.ts'
import { trustTable } from './store/trust-table.ts'
import type { TreeTool } from './tree/ports.ts'
import { Trees } from './tree/trees.ts'
import { TrustGate } from './trust/gate.ts'
import { PolicyFile, type PolicyPlace } from './trust/policy-file.ts'
import { StoredImages } from './trust/stored-image.ts'
import { TrustPolicy } from './trust/trust-policy.ts'

export interface ImageStoreDeps {
  readonly dir: StateDir
  readonly db: Store
  readonly events: EventLog
  readonly tool: LayerTool & TreeRemover
  readonly registries: Registries
  /** For bytes that come from clients on this host. */
  readonly sockets: ByteSockets
  readonly diffTool: DiffTool
  readonly quotaTool: QuotaTool
  /** Access to the files of snapshots and running containers. */
  readonly trees: TreeTool
  readonly config: ImageStoreConfig
  readonly log: Logger
  /** Where the trust policy is. Absent: there is none, every image is accepted. */
  readonly trust?: PolicyPlace
  /** Milliseconds since 1970. Default: the host's clock. */
  readonly clock?: () => number
  /** Default: the host's. */
  readonly timers?: Timers
}

/** Builds the domain from what it is given; nothing is begun yet. */
export function buildDomain(deps: ImageStoreDeps) {
  const { dir, db, tool, config, log, clock = Date.now, timers = hostTimers } = deps
  const rows = tablesOf(db)
  const events = new Events(deps.events)
  const holds = new Holds()
  const ballast = new Ballast(dir.ballast)
  const room = new DiskRoom(dir.blobs, config.diskReserveBytes)
  const trash = new Trash(dir.trash, tool, log, { ballast })
  const staging = new Staging(dir.staging, trash, log)
  const shelf = new Shelf(dir.shelf, log)
  const uses = new ImageUses(rows.uses, db, clock)
  const disk = { dir, room, ballast, trash, staging, shelf }
  const common = { ...disk, uses, holds, tool, events, transactions: db, clock, limits: config }

  const blobs = new BlobStore({ ...common, table: rows.blobs })
  const layers = new Layers({ ...common, table: rows.layers })
  const partials = new Partials(dir.partial, config, clock)
  const collectorTables = { blobs: rows.blobs, layerRows: rows.layers, leases: rows.leases }
  const collector = new Collector({ ...common, ...collectorTables, partials, layers, queries: garbageQueries(db) })
  const scheduler = new Scheduler(timers, log)
  const leaseEnds = endedLeases(collector, rows.leases, clock, log)
  const leasedContent = leasedImages(rows.images, rows.names)
  const leases = new Leases(rows.leases, leasedContent, db, clock, () => scheduler.plan(leaseEnds))
  const contents = new Contents({ ...common, blobs, table: rows.blobs, collector, leases })
  const lookup = new ImageLookup(rows.images, rows.names, rows.sources, new LookupVersion(dir.lookupVersion))
  const registrar = new Registrar({ ...common, ...rows, lookup })
  const images = new Images({ ...common, ...rows, lookup, collector })
  const intake = new Intake({ ...common, blobs, layers })
  const content = { blobs, layers, lookup, registrar, collector, intake, partials }
  const judging = buildTrust(deps, rows, { events, clock, blobs })
  const quotaParts = { table: rows.quotas, tool: deps.quotaTool, projects: config.quotaProjects }
  const quotas = new Quotas({ ...common, log, ...quotaParts })
  const snapshots = new Snapshots({ ...common, quotas, table: rows.snapshots, layers })
  const preparer = new Preparer({ ...common, quotas, lookup, layers, snapshots, gate: judging.gate })
  const trees = new Trees({ tool: deps.trees, preparer, room })
  const waysIn = {
    importer: new Importer({ ...common, ...content }),
    loader: new Loader({ ...common, ...content, storedImages: judging.storedImages }),
    ...buildTransfers({ ...common, ...content, registries: deps.registries, admission: judging.trust }, rows),
    ...buildCommitters({ ...common, ...content, diffTool: deps.diffTool, snapshots, leases, log }, rows),
  }
  const saver = new Saver({ ...common, ...content, images: rows.images })
  const verifier = new Verifier({
    ...common,
    ...{ table: rows.blobs, imageRows: rows.images, layerRows: rows.layers, snapshotRows: rows.snapshots },
    ...{ lookup, layers, refetch: waysIn.puller, unpack: preparer.unpack.bind(preparer) },
  })
  const pinned = new Set(config.gc.pinned.map(parseImageName))
  const imageCollector = new ImageCollector({
    ...{ images, lookup, uses, collector, holds, space: room, pinned, policy: config.gc, clock },
  })
  const care = {
    quotas,
    uses,
    holds,
    imageCollector,
    scheduler,
    endedLeases: leaseEnds,
    verifier,
    leases,
    clock,
    config,
    log,
  }
  return {
    ...disk,
    ...care,
    ...content,
    ...judging,
    ...waysIn,
    rows,
    contents,
    images,
    saver,
    snapshots,
    preparer,
    trees,
  }
}

function buildTrust(
  { db, log, trust: place }: ImageStoreDeps,
  rows: Tables,
  common: { events: Events; clock: () => number; blobs: BlobStore },
) {
  const policyFile = new PolicyFile(place, log)
  const trust = new TrustPolicy({ ...common, policy: policyFile, table: rows.trust, transactions: db, log })
  const gate = new TrustGate({ ...common, trust, images: rows.images })
  return { policyFile, trust, gate, storedImages: new StoredImages({ ...common, trust }) }
}

/** What makes layers and images of what containers changed. */
function buildCommitters(common: CommitDeps, { committedLayers }: Tables) {
  const stacks = new LayerStacks({ ...common, committedLayers })
  const maker = new LayerMaker({ ...common, stacks })
  return {
    snapshotCommitter: new SnapshotCommitter({ ...common, maker, committedLayers }),
    imageCommitter: new ImageCommitter({ ...common, maker, stacks }),
  }
}

type CommitDeps = Omit<LayerMakerDeps, 'stacks'> &
  Omit<LayerStacksDeps, 'committedLayers'> &
  Omit<SnapshotCommitterDeps, 'maker' | 'committedLayers'> &
  Omit<ImageCommitterDeps, 'maker' | 'stacks'>

/** What brings images from registries and sends them there. */
function buildTransfers(common: TransferDeps, rows: Tables) {
  const { limits, blobs, partials } = common
  const downloads = new Downloads({ partials, slots: new Slots(limits.maxTransfers), limits })
  const held = new HeldImages({ images: rows.images, names: rows.names, blobs })
  const puller = new Puller({ ...common, downloads, held, origins: rows.origins })
  const uploadSlots = new Slots(limits.maxTransfers)
  const pusher = new Pusher({ ...common, origins: rows.origins, uploadSlots })
  return { puller, pusher }
}

type TransferDeps = Omit<PullerDeps, 'downloads' | 'held' | 'origins'> &
  Omit<PusherDeps, 'origins' | 'uploadSlots'> & { readonly limits: ImageStoreConfig }

type Tables = ReturnType<typeof tablesOf>

function tablesOf(db: Store) {
  return {
    blobs: blobTable(db),
    layers: layerTable(db),
    images: imageTable(db),
    names: nameTable(db),
    uses: imageUseTable(db),
    sources: imageSourceTable(db),
    origins: blobOriginTable(db),
    snapshots: snapshotTable(db),
    committedLayers: committedLayerTable(db),
    leases: leaseTable(db),
    quotas: quotaTable(db),
    trust: trustTable(db),
  }
}
