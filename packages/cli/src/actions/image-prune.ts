import { now, toTimestamp } from '@caisson/api'
import { confirm } from '../confirm.ts'
import { decimalBytes } from '../output/units.ts'
import { parseFilters } from '../parse/pairs.ts'
import { parseTime } from '../parse/time.ts'
import type { Action } from '../spec.ts'
import { familiar } from './images.ts'

const FILTERS = ['until', 'label', 'label!'] as const

/** Removes images that nothing needs. */
export const imagePrune: Action = async ({ engine, out, signal }, _args, options) => {
  const filters = parseFilters(options.list('filter'), FILTERS)
  const until = filters.get('until')?.at(-1)
  const all = options.flag('all')
  const dryRun = options.flag('dryRun')
  const request = {
    all,
    dryRun,
    filter: { ids: [], names: [], labels: filters.get('label') ?? [] },
    withoutLabels: filters.get('label!') ?? [],
    until: until === undefined ? undefined : toTimestamp(parseTime('--filter until', until, now())),
  }
  const question = `Remove all images ${all ? 'that no container needs' : 'without a name'}?`
  if (!dryRun && !options.flag('force') && !(await confirm(question, '--force', signal))) return 0
  const { untagged, deleted, freedBytes } = await (await engine.images()).prune(request, { signal })
  if (out.json) {
    out.document({ untagged, deleted, freedBytes, dryRun })
    return 0
  }
  for (const name of untagged) out.line(`untagged: ${familiar(name)}`)
  for (const one of deleted) out.line(`deleted: ${one}`)
  out.line(`${dryRun ? 'would free' : 'freed'} ${decimalBytes(freedBytes)}`)
  return 0
}
