import { CaissonError } from '@caisson/api'
import type { Query } from './exchange.ts'

const LARGEST = 1_000
const MOST_LAST = 512

/** What page is asked for by `n` and `last`. Throws UNSUPPORTED for an `n` that is no number. */
export function pageOf(query: Query): { readonly after?: string; readonly limit: number } {
  const text = query.one('n')
  if (text !== undefined && !/^\d{1,9}$/.test(text))
    throw new CaissonError('invalid-argument', 'n is a number: how many are asked for', {
      reason: 'PAGINATION_NUMBER_INVALID',
    })
  const after = query.one('last')?.slice(0, MOST_LAST)
  const limit = text === undefined ? LARGEST : Math.min(Number(text), LARGEST)
  return { limit, ...(after !== undefined && { after }) }
}

/** Value of a Link header to the page behind `last`. */
export function nextLink(path: string, params: Readonly<Record<string, string>>): string {
  return `<${path}?${new URLSearchParams(params).toString()}>; rel="next"`
}
