import type { RetentionRule } from '@caisson/api/registry'
import { parseInteger } from './numbers.ts'
import { refuse } from './refusal.ts'

const COUNTS = { newest: 'keepNewest', days: 'keepDays', 'pulled-days': 'keepPulledDays' } as const
const MOST = 1_000_000

/** "tags=v*,newest=10,days=30,pulled-days=7": which tags, and what keeps them. */
export function parseRetentionRule(text: string): RetentionRule {
  const rule = { tags: '*', keepNewest: 0, keepDays: 0, keepPulledDays: 0 }
  for (const part of text.split(',')) {
    const at = part.indexOf('=')
    const [key, value] = [part.slice(0, Math.max(0, at)), part.slice(at + 1)]
    if (key === 'tags' && value !== '') rule.tags = value
    else if (isCount(key)) rule[COUNTS[key]] = parseInteger('--keep', value, 1, MOST)
    else throw refuse('--keep', text, "is not a rule: write it as 'tags=v*,newest=10,days=30,pulled-days=7'")
  }
  if (rule.keepNewest + rule.keepDays + rule.keepPulledDays === 0)
    throw refuse('--keep', text, 'keeps nothing: say newest=, days= or pulled-days=')
  return rule
}

/** The same back. */
export function formatRetentionRule(rule: RetentionRule): string {
  const counts = Object.entries(COUNTS).filter(([, field]) => rule[field] > 0)
  return [`tags=${rule.tags}`, ...counts.map(([key, field]) => `${key}=${rule[field]}`)].join(',')
}

function isCount(key: string): key is keyof typeof COUNTS {
  return Object.hasOwn(COUNTS, key)
}
