import { refuse } from './refusal.ts'

/** NAME=value pairs; NAME alone has an empty value where that is allowed. The last of a name counts. */
export function parsePairs(
  what: string,
  values: readonly string[],
  bare: 'bare names allowed' | 'value needed',
): Record<string, string> {
  return Object.fromEntries(
    values.map((value) => {
      const at = value.indexOf('=')
      if (at === 0 || value === '' || (at < 0 && bare === 'value needed'))
        throw refuse(what, value, 'is not NAME=value')
      return at < 0 ? [value, ''] : [value.slice(0, at), value.slice(at + 1)]
    }),
  )
}

/** --filter KEY=VALUE: values by key. Only the keys in `known` are taken. */
export function parseFilters(
  values: readonly string[],
  known: readonly string[],
): ReadonlyMap<string, readonly string[]> {
  const filters = new Map<string, string[]>()
  for (const value of values) {
    const at = value.indexOf('=')
    const key = value.slice(0, Math.max(0, at))
    if (!known.includes(key))
      throw refuse('--filter', value, `is not a filter: there are ${known.map((one) => `${one}=`).join(', ')}`)
    filters.set(key, [...(filters.get(key) ?? []), value.slice(at + 1)])
  }
  return filters
}
