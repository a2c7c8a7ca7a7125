import { join } from 'node:path'
import { Channel, layoutOf, type ServiceClient } from '@caisson/api'
import { NetworksDefinition, type Sandbox, SandboxesDefinition } from '@caisson/api/network'
import { createLogger, EventLog, Store, serve } from '@caisson/service-kit'
import { configSchema, type NetworkConfig } from '../src/config.ts'
import { networkEvents } from '../src/events.ts'
import { createNetworkService, type NetworkService } from '../src/service.ts'
import { migrations } from '../src/store/migrations.ts'
import { NetworkStore } from '../src/store/network-store.ts'
import type { FakeHost } from './fake-host.ts'
import { FakeNameServer } from './fake-name-server.ts'

const descriptors = join(import.meta.dirname, '../../../packages/api/src/gen/descriptors.binpb')

/** The service over gRPC on a real database below `root`, with a host in memory. Disposing ends it as a kill would. */
export type Served = AsyncDisposable & {
  readonly service: NetworkService
  readonly store: NetworkStore
  readonly events: EventLog
  readonly nameServer: FakeNameServer
  readonly sandboxes: ServiceClient<typeof SandboxesDefinition>
  readonly networks: ServiceClient<typeof NetworksDefinition>
}

export async function serveOn(
  root: string,
  host: FakeHost,
  sizes: Partial<NetworkConfig> = { poolSize: 0, barePoolSize: 0 },
): Promise<Served> {
  await using stack = new AsyncDisposableStack()
  const log = createLogger('network', 'fatal')
  const db = stack.use(new Store(join(root, 'network.db'), migrations))
  const store = new NetworkStore(db)
  const events = new EventLog(db, { service: 'network', hostName: 'test', retention: 1_000 })
  const config = { ...configSchema.parse({}), ...sizes }
  const nameServer = new FakeNameServer()
  const service = createNetworkService({
    store,
    host,
    nameServer,
    events: networkEvents(events),
    log,
    tag: '000000',
    config,
  })
  service.useHostNameServers(host.resolvConf())
  service.reconcile()
  const layout = { ...layoutOf(root), runDir: root }
  const register = service.register
  stack.use(await serve({ service: 'network', layout, log, events, stopGraceMs: 500, descriptors, register }))
  const channel = stack.use(new Channel(`unix://${join(root, 'network.sock')}`))
  const open = stack.move()
  return {
    service,
    store,
    events,
    nameServer,
    sandboxes: channel.client(SandboxesDefinition),
    networks: channel.client(NetworksDefinition),
    [Symbol.asyncDispose]: () => open.disposeAsync(),
  }
}

/** Two networks, and an internal one. */
export async function makeThreeNetworks({ networks }: Pick<Served, 'networks'>): Promise<void> {
  for (const [index, name] of ['front', 'back'].entries())
    await networks.create({ name, subnets: [{ subnet: `10.${index + 1}.0.0/24` }] })
  await networks.create({ name: 'vault', internal: true, subnets: [{ subnet: '10.9.0.0/24' }] })
}

/** Its id, as the host in memory has it. */
export const namespaceOf = ({ namespacePath }: Sandbox): string => namespacePath.split('/').at(-1) ?? ''
