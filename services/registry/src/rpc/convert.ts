import { invalid, type Partially, type Timestamp, toTimestamp } from '@caisson/api'
import type { Page, Descriptor as WireDescriptor } from '@caisson/api/common'
import type { Repository, Tag, Policy as WirePolicy } from '@caisson/api/registry'
import type { Descriptor } from '@caisson/oci'
import type { ManifestStat, RepositoryRecord, TagRecord } from '../backend/ports.ts'
import { isRepositoryName } from '../distribution/names.ts'
import { matchesPattern, type Policy } from '../policy/policy.ts'

const PAGE_LIMIT = 1_000
const MOST_PATTERNS = 64
const MOST_PATTERN = 256

export const toTime = (ms: number | undefined): Timestamp | undefined =>
  ms === undefined ? undefined : toTimestamp(BigInt(ms) * 1_000_000n)

export function fromPage(page: Page | undefined): { readonly after?: string; readonly limit: number } {
  const size = page?.size ?? 0
  const token = page?.token ?? ''
  if (token.length > 512) throw invalid('page.token is not one that this service gave out')
  return { limit: size === 0 ? PAGE_LIMIT : Math.min(size, PAGE_LIMIT), ...(token !== '' && { after: token }) }
}

/** A page is full when there may be more behind it. */
export function nextToken(names: readonly string[], limit: number): string {
  return names.length === limit ? (names.at(-1) ?? '') : ''
}

export function toRepository(record: RepositoryRecord, policy: Policy): Partially<Repository> {
  const { name, tags, manifests, size } = record
  const times = { pushedAt: toTime(record.pushedAt), pulledAt: toTime(record.pulledAt) }
  return { name, tags, manifests, size, ...times, policy: toPolicy(policy) }
}

export const toTag = (tag: TagRecord, policy: Policy): Partially<Tag> => ({
  name: tag.name,
  target: toTarget(tag.target),
  pushedAt: toTime(tag.pushedAt),
  pulledAt: toTime(tag.pulledAt),
  immutable: policy.immutableTags.some((pattern) => matchesPattern(pattern, tag.name)),
})

export const toTarget = ({ digest, mediaType, size }: ManifestStat): Partially<WireDescriptor> => ({
  digest,
  mediaType,
  size,
})

export const toDescriptor = (descriptor: Descriptor): Partially<WireDescriptor> => ({
  mediaType: descriptor.mediaType,
  digest: descriptor.digest,
  size: descriptor.size,
  annotations: { ...descriptor.annotations },
  artifactType: descriptor.artifactType ?? '',
})

export const toPolicy = (policy: Policy): WirePolicy => ({
  anonymousPull: policy.anonymousPull,
  immutableTags: [...policy.immutableTags],
  quotaBytes: policy.quotaBytes,
  retention: policy.retention.map((rule) => ({ ...rule })),
  deletes: policy.deletes,
})

/** Throws for patterns that are too many or too long, and for rules that would keep nothing. */
export function fromPolicy(policy: WirePolicy): Policy {
  const { anonymousPull, immutableTags, quotaBytes, retention, deletes } = policy
  const patterns = [...immutableTags, ...retention.map(({ tags }) => tags)]
  if (patterns.length > MOST_PATTERNS) throw invalid(`a policy has at most ${MOST_PATTERNS} patterns`)
  if (patterns.some((pattern) => pattern === '' || pattern.length > MOST_PATTERN))
    throw invalid(`patterns of tags have 1 to ${MOST_PATTERN} characters, * for all`)
  if (quotaBytes < 0) throw invalid('quota_bytes is 0 for no limit, or more')
  if (retention.some((rule) => rule.keepNewest + rule.keepDays + rule.keepPulledDays === 0))
    throw invalid('a rule of retention that keeps nothing would remove every tag: set one of its numbers')
  return { anonymousPull, immutableTags, quotaBytes, retention, deletes }
}

/** A repository, or a namespace with `/*` at its end. */
export function policyScope(name: string): string {
  if (isRepositoryName(name.endsWith('/*') ? name.slice(0, -2) : name)) return name
  throw invalid(`${JSON.stringify(name.slice(0, 80))} is neither a repository nor a namespace with /* at its end`, {
    reason: 'NAME_INVALID',
  })
}
