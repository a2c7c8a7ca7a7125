import { Volume } from '@caisson/api/volume'
import { listAllVolumes } from '../listing.ts'
import { parseFilters } from '../parse/pairs.ts'
import { refuse } from '../parse/refusal.ts'
import type { Action } from '../spec.ts'

const FILTERS = ['name', 'label', 'driver', 'dangling'] as const
/** Names that were made up are as long as ids. */
const SHOWN = 12

/** Lists volumes, by name. */
export const volumeLs: Action = async ({ engine, out }, _args, options) => {
  const filters = parseFilters(options.list('filter'), FILTERS)
  const dangling = filters.get('dangling')?.at(-1)
  if (dangling !== undefined && !['true', 'false', '1', '0'].includes(dangling))
    throw refuse('--filter dangling', dangling, 'is neither true nor false')
  const volumes = await listAllVolumes(await engine.volumes(), {
    filter: { ids: [], names: filters.get('name') ?? [], labels: filters.get('label') ?? [] },
    driver: filters.get('driver')?.at(-1) ?? '',
    dangling: dangling === undefined ? undefined : dangling === 'true' || dangling === '1',
  })
  const isWhole = options.maybeFlag('trunc') === false
  const nameOf = ({ name, anonymous }: Volume): string => (anonymous && !isWhole ? name.slice(0, SHOWN) : name)
  if (options.flag('quiet')) for (const { name } of volumes) out.line(name)
  else if (out.json) out.document(volumes.map(Volume.toJSON))
  else
    out.table(volumes, [
      { head: 'NAME', cell: nameOf },
      { head: 'DRIVER', cell: ({ driver }) => driver },
      { head: 'CONTAINERS', cell: ({ usedBy }) => String(usedBy.length) },
    ])
  return 0
}
