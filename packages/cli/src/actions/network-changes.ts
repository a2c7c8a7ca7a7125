import { Sandbox } from '@caisson/api/network'
import { confirm } from '../confirm.ts'
import type { Context } from '../context.ts'
import { eachName } from '../each-name.ts'
import { parseInteger } from '../parse/numbers.ts'
import { parseFilters } from '../parse/pairs.ts'
import type { Action } from '../spec.ts'

/** Removes networks. */
export const networkRm: Action = async (context, args) => {
  const networks = await context.engine.networks()
  return eachName(context, args, async (network) => {
    await networks.delete({ network }, { signal: context.signal })
    return undefined
  })
}

/** Removes networks that nothing uses. */
export const networkPrune: Action = async ({ engine, out, signal }, _args, options) => {
  const labels = parseFilters(options.list('filter'), ['label']).get('label') ?? []
  const question = 'Remove all networks that no container is on?'
  if (!options.flag('force') && !(await confirm(question, '--force', signal))) return 0
  const filter = { ids: [], names: [], labels }
  const { removed } = await (await engine.networks()).prune({ filter }, { signal })
  if (out.json) out.document({ removed })
  else for (const id of removed) out.line(id)
  return 0
}

/** Connects a running container to one more network. */
export const networkConnect: Action = async (context, [network = '', container = ''], options) => {
  const attachment = {
    network,
    ipv4Address: options.text('ip') ?? '',
    macAddress: options.text('macAddress') ?? '',
    aliases: options.list('alias'),
    gatewayPriority: options.parsed('gwPriority', parsePriority) ?? 0,
  }
  const sandboxId = await idOf(context, container)
  const sandbox = await (await context.engine.sandboxes()).connect(
    { sandboxId, attachment },
    { signal: context.signal },
  )
  if (context.out.json) context.out.document(Sandbox.toJSON(sandbox))
  return 0
}

/** Takes a running container out of a network. */
export const networkDisconnect: Action = async (context, [network = '', container = ''], options) => {
  const sandboxId = await idOf(context, container)
  const sandbox = await (await context.engine.sandboxes()).disconnect(
    { sandboxId, network, force: options.flag('force') },
    { signal: context.signal },
  )
  if (context.out.json) context.out.document(Sandbox.toJSON(sandbox))
  return 0
}

const parsePriority = (value: string): number => parseInteger('--gw-priority', value, -0x8000_0000, 0x7fff_ffff)

/** A sandbox has the id of its container. */
async function idOf({ engine, signal }: Context, container: string): Promise<string> {
  return (await (await engine.containers()).get({ container }, { signal })).id
}
