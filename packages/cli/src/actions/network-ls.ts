import { Network } from '@caisson/api/network'
import { listAllNetworks } from '../listing.ts'
import { parseFilters } from '../parse/pairs.ts'
import { refuse } from '../parse/refusal.ts'
import type { Action } from '../spec.ts'

const FILTERS = ['id', 'name', 'label', 'driver', 'dangling'] as const

/** Lists networks, by name. */
export const networkLs: Action = async ({ engine, out }, _args, options) => {
  const filters = parseFilters(options.list('filter'), FILTERS)
  const dangling = filters.get('dangling')?.at(-1)
  if (dangling !== undefined && dangling !== 'true' && dangling !== 'false')
    throw refuse('--filter dangling', dangling, 'is neither true nor false')
  const found = await listAllNetworks(await engine.networks(), {
    filter: {
      ids: filters.get('id') ?? [],
      names: filters.get('name') ?? [],
      labels: filters.get('label') ?? [],
    },
    drivers: filters.get('driver') ?? [],
    dangling: dangling === undefined ? undefined : dangling === 'true',
  })
  const networks = found.toSorted((one, other) => (one.name < other.name ? -1 : 1))
  const idOf = ({ id }: Network): string => (options.maybeFlag('trunc') === false ? id : id.slice(0, 12))
  if (options.flag('quiet')) for (const network of networks) out.line(idOf(network))
  else if (out.json) out.document(networks.map(Network.toJSON))
  else
    out.table(networks, [
      { head: 'NETWORK ID', cell: idOf },
      { head: 'NAME', cell: ({ name }) => name },
      { head: 'DRIVER', cell: ({ driver }) => driver },
      { head: 'SUBNET', cell: ({ subnets }) => subnets.map(({ subnet }) => subnet).join(',') || '-' },
      { head: 'INTERNAL', cell: ({ internal }) => (internal ? 'yes' : '-') },
      { head: 'CONTAINERS', cell: ({ endpoints }) => String(endpoints) },
    ])
  return 0
}
