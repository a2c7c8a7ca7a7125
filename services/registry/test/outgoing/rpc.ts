import { join } from 'node:path'
import { Channel, RpcServer, type ServiceClient } from '@caisson/api'
import { ReplicationsDefinition, UpstreamsDefinition, WebhooksDefinition } from '@caisson/api/registry'
import { startRegistry, type TestRegistry, type TestRegistryOptions } from '../registry.ts'

export interface ServedRegistry extends TestRegistry {
  readonly webhooks: ServiceClient<typeof WebhooksDefinition>
  readonly replications: ServiceClient<typeof ReplicationsDefinition>
  readonly upstreams: ServiceClient<typeof UpstreamsDefinition>
}

/** Fast enough for tests. */
export const HASTY = { timeoutSeconds: 0.5, firstRetrySeconds: 0.02, mostRetrySeconds: 0.2, refreshSeconds: 0.1 }

/** A registry with its administration over a real socket. */
export async function serveRegistry(options: TestRegistryOptions = {}): Promise<ServedRegistry> {
  await using stack = new AsyncDisposableStack()
  const config = { outgoing: HASTY, ...options.config }
  const registry = stack.use(await startRegistry({ ...options, config }))
  const server = new RpcServer({ ended: () => {} })
  registry.service.register(server)
  const path = join(registry.dir, 'rpc.sock')
  await server.listenUnix(path)
  stack.defer(() => server.stop(100))
  const channel = stack.use(new Channel(`unix://${path}`))
  const clients = {
    webhooks: channel.client(WebhooksDefinition),
    replications: channel.client(ReplicationsDefinition),
    upstreams: channel.client(UpstreamsDefinition),
  }
  const owned = stack.move()
  return { ...registry, ...clients, [Symbol.asyncDispose]: () => owned.disposeAsync() }
}
