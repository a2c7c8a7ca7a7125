import { invalid } from '@caisson/api/error'

export type Format = 'table' | 'json'

/** Reads --format. */
export function parseFormat(value: string | undefined): Format {
  if (value === undefined || value === 'table') return 'table'
  if (value === 'json') return 'json'
  const why = value.includes('{{') ? 'Go templates are not supported' : `${value} is not a format`
  throw invalid(`--format: ${why}: use table, or json and a tool such as jq`, { reason: 'INVALID_FORMAT' })
}
