import { availableParallelism } from 'node:os'
import { busConfig } from '@caisson/bus'
import { credentialsConfig, registriesConfig } from '@caisson/registry-client'
import { baseConfig } from '@caisson/service-kit'
import { z } from 'zod'
import type { TreeLimits } from './layer/tree-tool.ts'

const GIB = 2 ** 30
const MIB = 2 ** 20

/** What the image store can be told: DIR/etc/image-store.json. */
export const configSchema = baseConfig.extend({
  /** Bytes of its disk that new content leaves free. Absent: 5 % of the disk, at most 1 GiB. */
  diskReserveBytes: z.int().min(0).optional(),
  /** Where events are published too. Absent: nowhere. */
  bus: busConfig,
  /** The trust policy: a file that must be there. Empty: DIR/etc/trust.json, if it is there. */
  trust: z.string().default(''),
  /** Bytes that the layers of one image may hold when unpacked. */
  maxUnpackedBytes: z
    .int()
    .min(1)
    .default(20 * GIB),
  /** Files and directories that the layers of one image may hold. */
  maxUnpackedEntries: z.int().min(1).default(2_000_000),
  /** Layers that are unpacked at once, of all images, and as many more while they arrive. Each takes up to two processors. */
  maxUnpacks: z
    .int()
    .min(1)
    .default(Math.max(2, Math.ceil(availableParallelism() / 2))),
  /** Layers an image may have; overlayfs takes 500. */
  maxLayers: z.int().min(1).max(500).default(500),
  /** Indexes within indexes. */
  maxIndexDepth: z.int().min(1).max(16).default(4),
  /** Bytes of a manifest, an index or a config. */
  maxManifestBytes: z
    .int()
    .min(1024)
    .default(4 * MIB),
  /** Bytes of an archive that is loaded. */
  maxArchiveBytes: z
    .int()
    .min(1024)
    .default(40 * GIB),
  /** Entries of an archive that is loaded. */
  maxArchiveEntries: z.int().min(1).default(20_000),
  /** How registries are reached: mirrors, certificates, plain http. By the name in references; "*" for all others. */
  registries: registriesConfig,
  /** Where the credentials for registries are. */
  credentials: credentialsConfig,
  /** Downloads and uploads of one pull or push that run at once. */
  maxTransfersPerCall: z.int().min(1).max(64).default(3),
  /** Downloads of all pulls that run at once; and as many uploads. */
  maxTransfers: z.int().min(1).max(256).default(12),
  /** Attempts in a row that bring no byte before a download or an upload fails. */
  transferAttempts: z.int().min(1).default(5),
  /** Milliseconds before the second attempt; each further one waits twice as long. */
  transferBackoffMs: z.int().min(0).default(250),
  /** Milliseconds without a byte after which a connection counts as broken. */
  transferIdleMs: z.int().min(1).default(30_000),
  /** Bytes of downloads that ended early and are kept to go on with them. */
  maxPartialBytes: z
    .int()
    .min(0)
    .default(10 * GIB),
  /** Seconds that they are kept. */
  maxPartialAgeSeconds: z
    .int()
    .min(0)
    .default(7 * 24 * 3600),
  /** Tags that a pull of all of them may bring. */
  maxTags: z.int().min(1).default(1_000),
  /** Device nodes that a container made become part of layers that are committed. */
  commitDevices: z.boolean().default(false),
  /** What is removed by itself. */
  gc: z
    .strictObject({
      /** Percent of the disk in use above which images that nothing needs go, the one unused longest first. */
      highPercent: z.number().min(0).max(100).default(90),
      /** They go until no more than this is in use. */
      lowPercent: z.number().min(0).max(100).default(80),
      /** Seconds that an image stays after its last use, however full the disk is. */
      minAgeSeconds: z.int().min(0).default(86_400),
      /** Seconds after its last use when an image goes, however empty the disk is. 0: never. */
      maxAgeSeconds: z.int().min(0).default(0),
      /** So many images that were used last stay. */
      keepRecent: z.int().min(0).default(0),
      /** Names of images that stay. */
      pinned: z.array(z.string()).max(1_000).default([]),
      /** Seconds between two looks. 0: only when a client asks. */
      intervalSeconds: z.int().min(0).default(300),
    })
    .refine(({ lowPercent, highPercent }) => lowPercent <= highPercent, 'lowPercent is above highPercent')
    .prefault({}),
  /** Seconds between two checks of everything that is stored, with repair. 0: none. */
  scrubIntervalSeconds: z.int().min(0).default(0),
  /**
   * Numbers of the project quotas that limit snapshots. Nobody else may use them on the disk of the image store.
   */
  quotaProjects: z
    .strictObject({ first: z.int().min(1).max(0xffff_0000), count: z.int().min(1).max(10_000_000) })
    .refine(({ first, count }) => first + count <= 0xffff_ffff, 'project numbers end at 4294967294')
    .default({ first: 1_129_512_960, count: 1_000_000 }),
  /** The largest user and group id in a layer: containers have this many ids and one. */
  maxId: z.int().min(0).max(0xffff_fffe).default(65_535),
})

export type ImageStoreConfig = z.infer<typeof configSchema>

/** What one archive into or out of a tree may hold: as much as an image. */
export function treeLimits({ maxUnpackedBytes, maxUnpackedEntries, maxId }: ImageStoreConfig): TreeLimits {
  return { maxBytes: maxUnpackedBytes, maxEntries: maxUnpackedEntries, uidMax: maxId }
}
