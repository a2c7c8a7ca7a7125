import { type Descriptor, MEDIA_TYPE } from '@caisson/oci'
import type { Listings } from '../distribution/listings.ts'
import { parseDigestAtEdge, type RepositoryName } from '../distribution/names.ts'
import type { Exchange, Query } from './exchange.ts'
import { JSON_TYPE } from './failures.ts'
import { nextLink, pageOf } from './paging.ts'

const MOST_REFERRERS = 1_000
/** Clients refuse an index that is larger. */
const MOST_BYTES = 4 << 20
const ENVELOPE = 128

/** Tags (end-8). */
export async function sendTags(exchange: Exchange, listings: Listings): Promise<unknown> {
  const { query, reply, repository, spelled } = exchange
  const page = pageOf(query)
  const { items, more } = await listings.tags(repository, page)
  const last = items.at(-1)
  if (more && last !== undefined)
    reply.header('link', nextLink(`/v2/${spelled}/tags/list`, { n: `${page.limit}`, last }))
  return reply.type(JSON_TYPE).send(JSON.stringify({ name: spelled, tags: items }))
}

/** The catalog: repositories that the client may pull from. */
export async function sendCatalog(
  { query, reply }: Pick<Exchange, 'query' | 'reply'>,
  listings: Listings,
  maySee: (repository: RepositoryName) => Promise<boolean>,
): Promise<unknown> {
  const page = pageOf(query)
  const { items, more } = await listings.catalog(page, maySee)
  const last = items.at(-1)
  if (more && last !== undefined) reply.header('link', nextLink('/v2/_catalog', { n: `${page.limit}`, last }))
  return reply.type(JSON_TYPE).send(JSON.stringify({ repositories: items }))
}

/** Referrers (end-12): an index, of what is there. */
export async function sendReferrers(exchange: Exchange, listings: Listings, text: string): Promise<unknown> {
  const { query, reply, repository, spelled } = exchange
  const subject = parseDigestAtEdge(text)
  const artifactType = query.one('artifactType')
  const filter = artifactType === undefined || artifactType === '' ? {} : { artifactType }
  const { items, more } = await listings.referrers(repository, subject, {
    ...filter,
    ...afterOf(query),
    limit: limitOf(query),
  })
  const fitting = fittingIn(items, MOST_BYTES - ENVELOPE)
  const last = fitting.at(-1)?.digest
  if ((more || fitting.length < items.length) && last !== undefined)
    reply.header('link', nextLink(`/v2/${spelled}/referrers/${subject}`, { ...filter, n: `${limitOf(query)}`, last }))
  if ('artifactType' in filter) reply.header('oci-filters-applied', 'artifactType')
  const index = { schemaVersion: 2, mediaType: MEDIA_TYPE.ociIndex, manifests: fitting }
  // As bytes: to a text a charset would be added.
  return reply.header('content-type', MEDIA_TYPE.ociIndex).send(Buffer.from(JSON.stringify(index)))
}

function limitOf(query: Query): number {
  return Math.min(Math.max(pageOf(query).limit, 1), MOST_REFERRERS)
}

const afterOf = (query: Query) => {
  const last = query.one('last')
  return last === undefined ? {} : { after: parseDigestAtEdge(last) }
}

/** As many as fit, and one in any case. */
function fittingIn(items: readonly Descriptor[], bytes: number): readonly Descriptor[] {
  let used = 0
  const count = items.findIndex((item) => {
    used += Buffer.byteLength(JSON.stringify(item)) + 1
    return used > bytes
  })
  return count === -1 ? items : items.slice(0, Math.max(count, 1))
}
