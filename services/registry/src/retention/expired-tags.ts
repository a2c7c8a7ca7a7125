import type { TagRecord } from '../backend/ports.ts'
import { matchesPattern, type Policy, type RetentionRule } from '../policy/policy.ts'

export interface ExpiredTag {
  readonly tag: TagRecord
  /** The pattern of the rule that did it. */
  readonly rule: string
}

const DAY_MS = 86_400_000

/**
 * Tags that no rule keeps. A tag that no rule is about stays; one that several are about stays when one of them keeps it.
 * A rule keeps the newest by push, and those that were pushed or pulled lately. One that never moves stays in any case: once
 * it was removed it could be pushed again with something else.
 */
export function expiredTags(
  tags: readonly TagRecord[],
  { retention, immutableTags }: Pick<Policy, 'retention' | 'immutableTags'>,
  now: number,
): ExpiredTag[] {
  const judged = retention.map((rule) => {
    const about = tags.filter(({ name }) => matchesPattern(rule.tags, name))
    return { rule, about: new Set(about), kept: keptBy(rule, about, now) }
  })
  return tags.flatMap((tag) => {
    const matching = judged.filter(({ about }) => about.has(tag))
    const first = matching[0]
    if (first === undefined || matching.some(({ kept }) => kept.has(tag))) return []
    if (immutableTags.some((pattern) => matchesPattern(pattern, tag.name))) return []
    return [{ tag, rule: first.rule.tags }]
  })
}

function keptBy(rule: RetentionRule, about: readonly TagRecord[], now: number): Set<TagRecord> {
  const newest = about.toSorted((one, other) => other.pushedAt - one.pushedAt).slice(0, rule.keepNewest)
  const recent = about.filter(
    ({ pushedAt, pulledAt }) =>
      isWithin(pushedAt, rule.keepDays, now) ||
      (pulledAt !== undefined && isWithin(pulledAt, rule.keepPulledDays, now)),
  )
  return new Set([...newest, ...recent])
}

const isWithin = (at: number, days: number, now: number): boolean => days > 0 && at > now - days * DAY_MS
