import { confirm } from '../confirm.ts'
import { eachName } from '../each-name.ts'
import { decimalBytes } from '../output/units.ts'
import { parseFilters } from '../parse/pairs.ts'
import type { Action } from '../spec.ts'

/** Removes volumes. */
export const volumeRm: Action = async (context, args, options) => {
  const volumes = await context.engine.volumes()
  const force = options.flag('force')
  return eachName(context, args, async (name) => {
    await volumes.remove({ name, force }, { signal: context.signal })
    return undefined
  })
}

/** Removes volumes that no container uses. */
export const volumePrune: Action = async ({ engine, out, signal }, _args, options) => {
  const labels = parseFilters(options.list('filter'), ['label']).get('label') ?? []
  const all = options.flag('all')
  const question = `Remove all ${all ? '' : 'anonymous '}volumes that no container uses, with their content?`
  if (!options.flag('force') && !(await confirm(question, '--force', signal))) return 0
  const filter = { ids: [], names: [], labels }
  const { removed, freedBytes } = await (await engine.volumes()).prune({ filter, all }, { signal, deadlineMs: 0 })
  if (out.json) out.document({ removed, freedBytes })
  else {
    for (const name of removed) out.line(name)
    out.line(`freed ${decimalBytes(freedBytes)}`)
  }
  return 0
}
