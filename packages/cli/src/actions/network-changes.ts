import { Container } from '@caisson/api/container'
import { confirm } from '../confirm.ts'
import { eachName } from '../each-name.ts'
import { listAll } from '../listing.ts'
import { networksOf } from '../networks-of.ts'
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

/** Removes networks that nothing uses, not even a container that does not run. */
export const networkPrune: Action = async ({ engine, out, signal }, _args, options) => {
  const labels = parseFilters(options.list('filter'), ['label']).get('label') ?? []
  const question = 'Remove all networks that no container uses?'
  if (!options.flag('force') && !(await confirm(question, '--force', signal))) return 0
  const filter = { ids: [], names: [], labels }
  const containers = await listAll(await engine.containers(), { all: true })
  const keep = [...new Set(containers.flatMap(networksOf))]
  const { removed } = await (await engine.networks()).prune({ filter, keep }, { signal })
  if (out.json) out.document({ removed })
  else for (const id of removed) out.line(id)
  return 0
}

/** Connects a container to one more network. */
export const networkConnect: Action = async (context, [network = '', container = ''], options) => {
  const attachment = {
    network,
    ipv4Address: options.text('ip') ?? '',
    macAddress: options.text('macAddress') ?? '',
    aliases: options.list('alias'),
    gatewayPriority: options.parsed('gwPriority', parsePriority) ?? 0,
  }
  const containers = await context.engine.containers()
  const connected = await containers.connectNetwork({ container, attachment }, { signal: context.signal })
  if (context.out.json) context.out.document(Container.toJSON(connected))
  return 0
}

/** Takes a container out of a network. */
export const networkDisconnect: Action = async (context, [network = '', container = ''], options) => {
  const containers = await context.engine.containers()
  const request = { container, network, force: options.flag('force') }
  const left = await containers.disconnectNetwork(request, { signal: context.signal })
  if (context.out.json) context.out.document(Container.toJSON(left))
  return 0
}

const parsePriority = (value: string): number => parseInteger('--gw-priority', value, -0x8000_0000, 0x7fff_ffff)
