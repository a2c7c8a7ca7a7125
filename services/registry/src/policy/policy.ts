/** What a repository, or every one below a name, allows and keeps. */
export interface Policy {
  /** Everybody may pull. */
  readonly anonymousPull: boolean
  /** Patterns of tags that never move, and that no rule of retention removes. */
  readonly immutableTags: readonly string[]
  /** Most bytes of what the policy is set for, 0: no limit. */
  readonly quotaBytes: number
  readonly retention: readonly RetentionRule[]
  /** Tags, manifests and blobs may be removed over HTTP. */
  readonly deletes: boolean
}

export interface RetentionRule {
  /** Pattern of the tags it is about. */
  readonly tags: string
  /** The newest that are kept; 0: by age alone. */
  readonly keepNewest: number
  /** Days that tags are kept after their push; 0: by number alone. */
  readonly keepDays: number
  /** Days that tags are kept after their last pull; 0: pulls do not count. */
  readonly keepPulledDays: number
}

/** A policy, and where it was set: `team/app`, `team/*`, or `*` for what the configuration says. */
export interface EffectivePolicy extends Policy {
  readonly scope: string
}

/** The most specific first: team/sub/app, team/sub/*, team/*, *. */
export function scopesOf(repository: string): string[] {
  const parts = repository.split('/')
  const above = parts.slice(0, -1).map((_, index) => `${parts.slice(0, index + 1).join('/')}/*`)
  return [repository, ...above.reverse(), '*']
}

/** Whether a name matches a pattern, in which `*` stands for any text. Linear in both. */
export function matchesPattern(pattern: string, name: string): boolean {
  const [first = '', ...rest] = pattern.split('*')
  if (rest.length === 0) return pattern === name
  if (!name.startsWith(first)) return false
  const last = rest.pop() ?? ''
  let at = first.length
  for (const part of rest) {
    const found = name.indexOf(part, at)
    if (found === -1) return false
    at = found + part.length
  }
  return name.length - last.length >= at && name.endsWith(last)
}
