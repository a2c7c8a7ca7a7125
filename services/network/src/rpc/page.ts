import { invalid } from '@caisson/api'
import type { Page } from '@caisson/api/common'

const LARGEST = 1_000

/** One page of a list that is in the order of its ids. The token of a page is the last id of the one before. */
export function pageOf<T extends { readonly id: string }>(
  items: readonly T[],
  page: Page | undefined,
): { items: T[]; nextPageToken: string } {
  const token = page?.token ?? ''
  if (token.length > 256)
    throw invalid('page.token is not one that this service gave out', { details: { field: 'page' } })
  const size = page === undefined || page.size === 0 ? LARGEST : Math.min(page.size, LARGEST)
  const rest = items.toSorted((one, other) => (one.id < other.id ? -1 : 1)).filter(({ id }) => id > token)
  const shown = rest.slice(0, size)
  return { items: shown, nextPageToken: rest.length > size ? (shown.at(-1)?.id ?? '') : '' }
}
