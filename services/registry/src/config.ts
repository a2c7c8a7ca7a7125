import { isIP } from 'node:net'
import { busConfig } from '@caisson/bus'
import { baseConfig } from '@caisson/service-kit'
import { z } from 'zod'
import { accessConfig } from './access/config.ts'
import { bucketConfig } from './backend/bucket/config.ts'
import { upstreamsConfig } from './upstream/config.ts'

const HOUR_MS = 3_600_000

const policy = z.strictObject({
  /** Everybody may pull. */
  anonymousPull: z.boolean().default(false),
  /** Patterns of tags that never move. */
  immutableTags: z.array(z.string().max(256)).max(64).default([]),
  /** Most bytes of everything together. 0: no limit. */
  quotaBytes: z.int().min(0).default(0),
  /** Tags, manifests and blobs may be removed over HTTP. */
  deletes: z.boolean().default(false),
})

const garbage = z.strictObject({
  /** Hours between two collections. 0: only when it is asked for. */
  everyHours: z.number().min(0).default(24),
  /** Hours that blobs are kept that no manifest names. */
  graceHours: z.number().min(0).default(24),
  /** Days that manifests are kept that have no tag, no index and no subject. 0: for good. */
  untaggedDays: z.number().min(0).default(0),
})

const outgoing = z.strictObject({
  /** Seconds that a receiver of webhooks has for its answer. */
  timeoutSeconds: z.number().min(0.1).max(300).default(10),
  /** Seconds before the first new attempt of a delivery or a copy; twice as many before each further one. */
  firstRetrySeconds: z.number().min(0.01).default(1),
  /** Most seconds between two attempts. */
  mostRetrySeconds: z.number().min(0.1).max(3_600).default(300),
  /** Seconds after which changes that another process of a pool made are noticed. */
  refreshSeconds: z.number().min(0.1).default(5),
  /** Repositories that are copied to others at a time, by each process. */
  copiesAtOnce: z.int().min(1).max(64).default(4),
  /** Hours between two syncs of replications. 0: only when it is asked for. */
  syncHours: z.number().min(0).default(24),
})

/** DIR/etc/registry.json */
export const configSchema = baseConfig
  .extend({
    /** Where events are published too. Absent: nowhere. */
    bus: busConfig,
    /** Keeps everything in this bucket, which other registries may serve too. Absent: on the disk. */
    bucket: bucketConfig.optional(),
    /** Address that is listened on. */
    host: z.string().default('127.0.0.1'),
    /** 0: any that is free. */
    port: z.int().min(0).max(65_535).default(5_000),
    /** Certificate and key, PEM files; read again when they change. Absent: plain HTTP. */
    tls: z.strictObject({ certificate: z.string(), key: z.string() }).optional(),
    /** Plain HTTP on an address that others reach. */
    insecure: z.boolean().default(false),
    /** `open`: everybody may do everything; only on a loopback address. */
    access: z.enum(['users', 'open']).default('users'),
    /** How users are let in. */
    accounts: accessConfig,
    /** What clients call the registry: https://registry.example. Empty: what they say. */
    publicUrl: z.string().default(''),
    /** Addresses and subnets of proxies whose X-Forwarded headers are believed. */
    trustedProxies: z.array(z.string()).default([]),
    /** Seconds without a byte after which a connection is closed. */
    idleSeconds: z.number().min(0.1).default(60),
    maxConnections: z.int().min(1).default(10_000),
    /** Hours that an unfinished upload is kept. */
    uploadHours: z.number().min(0.001).default(24),
    /** Indexes may name manifests that are not here. */
    sparseIndexes: z.boolean().default(false),
    /** Pages for browsers at /ui/. */
    web: z.boolean().default(true),
    /** What holds where no policy is set. */
    policy: policy.default(() => policy.parse({})),
    garbage: garbage.default(() => garbage.parse({})),
    /** How webhooks and replications reach others. */
    outgoing: outgoing.default(() => outgoing.parse({})),
    /** How content of other registries is fetched. */
    upstreams: upstreamsConfig,
  })
  .refine((config) => config.access !== 'open' || isLoopback(config.host), {
    path: ['access'],
    message: 'open is for a loopback address only: everybody who reaches the registry could change it',
  })
  .refine((config) => config.tls !== undefined || config.insecure || isLoopback(config.host), {
    path: ['tls'],
    message: 'plain HTTP is for a loopback address only: set tls, or insecure to send passwords in the clear',
  })

export type RegistryConfig = z.infer<typeof configSchema>

export const hours = (count: number): number => count * HOUR_MS

/** Addresses that only this machine reaches. */
export function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '::1' || (isIP(host) === 4 && host.startsWith('127.'))
}
