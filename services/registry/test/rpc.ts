import { join } from 'node:path'
import { Channel, RpcServer } from '@caisson/api'
import type { TestRegistry } from './registry.ts'

export interface ServedRpc extends AsyncDisposable {
  readonly channel: Channel
  /** Full names of the services. */
  readonly services: readonly string[]
}

/** The administration of a registry over a real socket in its folder. */
export async function serveRpc(registry: TestRegistry): Promise<ServedRpc> {
  await using stack = new AsyncDisposableStack()
  const server = new RpcServer({ ended: () => {} })
  const services = registry.service.register(server)
  const path = join(registry.dir, 'rpc.sock')
  await server.listenUnix(path)
  stack.defer(() => server.stop(100))
  const channel = stack.use(new Channel(`unix://${path}`))
  const owned = stack.move()
  return { channel, services, [Symbol.asyncDispose]: () => owned.disposeAsync() }
}
