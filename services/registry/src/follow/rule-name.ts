import { invalid } from '@caisson/api'

const NAME = /^[a-z0-9][a-z0-9_-]{0,63}$/

/** Name of a webhook or a replication. Throws INVALID. */
export function checkRuleName(text: string): string {
  if (NAME.test(text)) return text
  throw invalid(`${JSON.stringify(text.slice(0, 80))} is no name: use up to 64 lower-case letters, digits, - and _`, {
    details: { field: 'name' },
  })
}
