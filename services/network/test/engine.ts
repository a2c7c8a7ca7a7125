import { execFileSync, spawnSync } from 'node:child_process'
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { createLogger, EventLog, Store } from '@caisson/service-kit'
import { configSchema, type NetworkConfig } from '../src/config.ts'
import { networkEvents } from '../src/events.ts'
import { Host } from '../src/host/host.ts'
import type { NameServer } from '../src/names/ports.ts'
import type { NetworkRequest } from '../src/network/network.ts'
import { engineTag } from '../src/network/networks.ts'
import type { Attachment, SandboxRequest, SandboxWish } from '../src/sandbox/sandbox.ts'
import { createNetworkService, type NetworkService } from '../src/service.ts'
import { migrations } from '../src/store/migrations.ts'
import { forwardingMemory, NetworkStore } from '../src/store/network-store.ts'
import { FakeNameServer } from './fake-name-server.ts'

/** The service on a real kernel and a real database below `root`, without gRPC. Dispose: as when it is killed. */
export type TestEngine = Disposable & {
  readonly service: NetworkService
  readonly host: Host
  readonly store: NetworkStore
  readonly events: EventLog
  readonly tag: string
}

/** Names are told to `nameServer`. */
export function startEngine(
  root: string,
  config: Partial<NetworkConfig> = {},
  nameServer: NameServer = new FakeNameServer(),
): TestEngine {
  mkdirSync(join(root, 'run'), { recursive: true })
  const stack = new DisposableStack()
  const db = stack.use(new Store(join(root, 'network.db'), migrations))
  const events = new EventLog(db, { service: 'network', hostName: 'test', retention: 10_000 })
  const log = createLogger('network', 'fatal')
  const tag = engineTag(join(root, 'run'))
  const host = stack.use(new Host({ tag, pinFolder: join(root, 'run/netns'), forwarding: forwardingMemory(db), log }))
  const store = new NetworkStore(db)
  const service = createNetworkService({
    store,
    host,
    nameServer,
    events: networkEvents(events),
    log,
    tag,
    config: { ...configSchema.parse({}), ...config },
  })
  service.reconcile()
  stack.use(host.watchFirewall(() => service.restoreFirewall()))
  return { service, host, store, events, tag, [Symbol.dispose]: () => stack.dispose() }
}

export const plainAttachment: Attachment = {
  network: '',
  address: undefined,
  mac: undefined,
  interfaceName: undefined,
  aliases: [],
  gatewayPriority: 0,
}

export const networkRequest = (name: string, partial: Partial<NetworkRequest> = {}): NetworkRequest => ({
  name,
  addresses: { subnet: undefined, gateway: undefined, range: undefined, auxiliary: {} },
  internal: false,
  mtu: undefined,
  labels: {},
  options: {},
  bridgeName: undefined,
  isolated: false,
  masquerade: true,
  requestId: '',
  ...partial,
})

export const bridgeWish: SandboxWish = {
  mode: 'bridge',
  namespacePath: undefined,
  attachments: [plainAttachment],
}

/** A wish to be connected to these networks. */
export const wishOf = (first: Partial<Attachment>, ...others: Partial<Attachment>[]): SandboxWish => ({
  mode: 'bridge',
  namespacePath: undefined,
  attachments: [{ ...plainAttachment, ...first }, ...others.map((each) => ({ ...plainAttachment, ...each }))],
})

export const request = (id: string, wish: SandboxWish = bridgeWish): SandboxRequest => ({
  id,
  name: id,
  hostname: id,
  labels: {},
  dns: { servers: [], search: [], options: [], extraHosts: {} },
  ports: [],
  wish,
})

/** Standard output of a command; throws with its errors when it fails. */
export const run = (command: string): string =>
  execFileSync('sh', ['-c', command], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] })

export const inside = (path: string, command: string): string => run(`nsenter --net=${path} ${command}`)

/** Whether the command ends with 0. */
export const succeeds = (command: string): boolean => spawnSync('sh', ['-c', command], { stdio: 'ignore' }).status === 0

export const pings = (path: string, address: string): boolean =>
  succeeds(`nsenter --net=${path} busybox ping -c 1 -W 1 ${address}`)
