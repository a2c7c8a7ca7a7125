import type { Logger } from '@caisson/service-kit'
import type { Backend, GarbagePolicy } from './backend/ports.ts'
import { hours, type RegistryConfig } from './config.ts'
import { RepositoryBlobs } from './distribution/blobs.ts'
import { Listings } from './distribution/listings.ts'
import { RepositoryManifests } from './distribution/manifests.ts'
import { type PullCount, PullNotes } from './distribution/pull-notes.ts'
import { Quota } from './distribution/quota.ts'
import { RepositoryUploads } from './distribution/uploads.ts'
import type { Chore } from './maintenance/maintenance.ts'
import { Policies } from './policy/policies.ts'
import { Retention } from './retention/retention.ts'
import { Mirror } from './upstream/mirror.ts'
import type { Remotes } from './upstream/ports.ts'
import type { Spool } from './upstream/spool.ts'
import { Upstreams } from './upstream/upstreams.ts'

export interface DomainDeps {
  readonly backend: Backend
  readonly config: RegistryConfig
  /** Told of pulls now and then. */
  readonly tellPulls: (pulls: readonly PullCount[]) => void
  readonly clock?: () => number
  readonly log: Logger
  /** How other registries are reached, and where downloads lie until they are whole. Absent: they are not. */
  readonly mirroring?: { readonly remotes: Remotes; readonly spool: Spool }
}

export type Domain = ReturnType<typeof buildDomain>

/** Builds the domain from what it is given; nothing is begun yet. */
export function buildDomain({ backend, config, tellPulls, log, mirroring, clock = Date.now }: DomainDeps) {
  const policies = new Policies(backend.documents, { ...config.policy, retention: [] }, clock)
  const quota = new Quota(backend, policies)
  const pulls = new PullNotes(backend.records, tellPulls, clock)
  const { sparseIndexes } = config
  const uploads = new RepositoryUploads(backend, quota)
  const manifests = new RepositoryManifests({ backend, policies, quota, pulls, sparseIndexes })
  const upstreams = new Upstreams(backend.documents, backend.records, clock)
  const parts = { backend, policies, quota, uploads, manifests, upstreams, clock, log }
  return {
    backend,
    policies,
    pulls,
    blobs: new RepositoryBlobs(backend, policies),
    uploads,
    manifests,
    upstreams,
    mirror: mirroring && new Mirror({ ...parts, ...mirroring, config: config.upstreams }),
    listings: new Listings(backend.records),
    retention: new Retention({ backend, policies, pulls, clock }),
    garbagePolicy: garbagePolicy(config),
    clock,
  }
}

function garbagePolicy({ garbage }: RegistryConfig): Omit<GarbagePolicy, 'dryRun'> {
  const { graceHours, untaggedDays } = garbage
  return { graceMs: hours(graceHours), ...(untaggedDays > 0 && { untaggedMs: hours(24 * untaggedDays) }) }
}

const PULLS_MS = 5_000
const EXPIRE_MS = 600_000

/** What comes round by itself. */
export function choresOf(domain: Domain, config: RegistryConfig, log: Logger): Chore[] {
  const { backend, pulls, retention, mirror, clock } = domain
  const clean = async (signal: AbortSignal): Promise<void> => {
    let tags = 0
    for await (const _ of retention.apply({ dryRun: false }, signal)) tags++
    let freed = 0
    for await (const removed of backend.garbage.collect({ ...domain.garbagePolicy, dryRun: false }, signal))
      freed += removed.freed
    log.info({ tags, freed }, 'cleaned up')
  }
  const chores: Chore[] = [
    { name: 'pulls', everyMs: PULLS_MS, run: () => pulls.flush() },
    {
      name: 'uploads',
      everyMs: EXPIRE_MS,
      run: async () => {
        const before = clock() - hours(config.uploadHours)
        await backend.uploads.expire(before)
        await mirror?.expire(before)
      },
    },
  ]
  if (config.garbage.everyHours > 0)
    chores.push({ name: 'garbage', everyMs: hours(config.garbage.everyHours), run: clean })
  return chores
}
