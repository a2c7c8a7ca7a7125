import { CaissonError } from '@caisson/api/error'
import { Endpoint, Network } from '@caisson/api/network'
import type { Context } from '../context.ts'
import type { Engine } from '../engine.ts'
import { EXIT_OK } from '../exit-code.ts'
import { reportFailure } from '../failure.ts'
import { listAll, listAllSandboxes } from '../listing.ts'
import type { Action } from '../spec.ts'

/** Shows everything that is known of networks, as JSON. */
export const networkInspect: Action = async (context, args) => {
  const documents: unknown[] = []
  let exitCode = EXIT_OK
  for (const name of args)
    try {
      documents.push(await documentOf(context, name))
    } catch (thrown) {
      exitCode = reportFailure(CaissonError.from(thrown), context.out, context.debug)
    }
  context.out.document(documents)
  return exitCode
}

async function documentOf({ engine, signal }: Context, name: string): Promise<unknown> {
  const network = await (await engine.networks()).get({ network: name }, { signal })
  const sandboxes = await listAllSandboxes(await engine.sandboxes(), network.id)
  const names = sandboxes.length > 0 ? await namesOf(engine) : new Map<string, string>()
  const containers = sandboxes.flatMap(({ id, endpoints }) =>
    endpoints
      .filter(({ networkId }) => networkId === network.id)
      .map((endpoint) => [id, { name: names.get(id) ?? '', ...(Endpoint.toJSON(endpoint) as object) }] as const),
  )
  return { ...(Network.toJSON(network) as object), containers: Object.fromEntries(containers) }
}

/** Names of running containers, by id. A network can be looked at while they cannot be asked. */
async function namesOf(engine: Engine): Promise<Map<string, string>> {
  try {
    const containers = await listAll(await engine.containers(), {})
    return new Map(containers.map(({ id, name }) => [id, name]))
  } catch (error) {
    if (CaissonError.from(error).code === 'unavailable') return new Map()
    throw error
  }
}
