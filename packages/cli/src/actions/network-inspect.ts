import { CaissonError } from '@caisson/api/error'
import { Endpoint, Network } from '@caisson/api/network'
import type { Context } from '../context.ts'
import { EXIT_OK } from '../exit-code.ts'
import { reportFailure } from '../failure.ts'
import { listAllSandboxes } from '../listing.ts'
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
  const containers = sandboxes.flatMap(({ id, endpoints }) =>
    endpoints
      .filter(({ networkId }) => networkId === network.id)
      .map((endpoint) => [id, Endpoint.toJSON(endpoint)] as const),
  )
  return { ...(Network.toJSON(network) as object), containers: Object.fromEntries(containers) }
}
