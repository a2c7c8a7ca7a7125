import type { RpcServer } from '@caisson/api'
import { NetworksDefinition, SandboxesDefinition } from '@caisson/api/network'
import type { Logger, Measurement } from '@caisson/service-kit'
import type { Ipv4 } from './ipam/ipv4.ts'
import type { AddressPool } from './ipam/subnet-choice.ts'
import { Names } from './names/names.ts'
import type { NameServer } from './names/ports.ts'
import { hostServersOf } from './names/resolv-conf.ts'
import { restoreNames } from './names/restore.ts'
import type { BridgeNetwork } from './network/network.ts'
import { Networks } from './network/networks.ts'
import { StandingNetworks } from './network/standing-networks.ts'
import { UserNetworks } from './network/user-networks.ts'
import type { ReservedPorts } from './publishing/claims.ts'
import { Publications } from './publishing/publications.ts'
import { networksHandlers } from './rpc/networks.ts'
import { sandboxesHandlers } from './rpc/sandboxes.ts'
import { Endpoints } from './sandbox/endpoints.ts'
import { NamespacePool } from './sandbox/namespace-pool.ts'
import type { HostPort, SandboxEvents, SandboxStore } from './sandbox/ports.ts'
import { reconcile } from './sandbox/reconcile.ts'
import { Sandboxes } from './sandbox/sandboxes.ts'
import { Bandwidths } from './shaping/bandwidths.ts'
import { measurementsOf } from './traffic/measurements.ts'
import { Traffic } from './traffic/traffic.ts'

export type NetworkServiceDeps = {
  readonly store: SandboxStore
  readonly host: HostPort
  readonly nameServer: NameServer
  readonly events: SandboxEvents
  readonly log: Logger
  /** Six hexadecimal digits that are this engine's alone on this machine. */
  readonly tag: string
  readonly config: {
    readonly poolSize: number
    readonly barePoolSize: number
    readonly networkPoolSize: number
    readonly addressPools: readonly AddressPool[]
    readonly fallbackDns: readonly string[]
    readonly publishAddress?: Ipv4 | undefined
    readonly reservedPorts: readonly ReservedPorts[]
  }
}

export type NetworkService = {
  readonly networks: Networks
  readonly userNetworks: UserNetworks
  readonly sandboxes: Sandboxes
  readonly publications: Publications
  readonly bandwidths: Bandwidths
  /** Before serving: makes kernel and records agree, and says again who is called what. */
  reconcile(): void
  /** Content of the host's resolv.conf, at the start and whenever it is another. */
  useHostNameServers(resolvConf: string): void
  /** Puts the firewall's rules back when somebody removed them. */
  restoreFirewall(): void
  /** For Prometheus. */
  measure(): Promise<readonly Measurement[]>
  register(server: RpcServer): readonly string[]
  /** Stops working ahead; with no sandbox left, leaves nothing on the host. */
  close(): Promise<void>
}

export function createNetworkService(deps: NetworkServiceDeps): NetworkService {
  const { store, host, nameServer, events, log, tag, config } = deps
  const networks = new Networks({ store, host, events, tag, pools: config.addressPools })
  const publications = new Publications({ store, host, log, reserved: config.reservedPorts })
  const bandwidths = new Bandwidths({ store, host, log })
  const traffic = new Traffic({ host, networks, sandboxes: () => store.sandboxes() })
  const standing = new StandingNetworks({
    host,
    endpoints: () => store.namespaces().flatMap((namespace) => namespace.endpoints),
    published: () => publications.live(),
  })
  const endpoints = new Endpoints({ store, host, networks, tag })
  const names = new Names(nameServer)
  const namespaces = new NamespacePool({
    store,
    host,
    nameServer,
    networks,
    standing,
    endpoints,
    log,
    wiredAhead: config.poolSize,
    bareAhead: config.barePoolSize,
    networkAhead: config.networkPoolSize,
  })
  const vacate = (network: BridgeNetwork): Promise<void> => namespaces.vacate(network)
  const userNetworks = new UserNetworks({ store, host, events, networks, standing, vacate, tag })
  const { fallbackDns, publishAddress } = config
  const parts = { networks, endpoints, namespaces, publications, bandwidths, traffic }
  const sandboxes = new Sandboxes({ store, host, events, ...parts, names, fallbackDns })
  let repairs = 0
  return {
    networks,
    userNetworks,
    sandboxes,
    publications,
    bandwidths,
    reconcile() {
      reconcile({ store, host, events, standing, log, ...parts })
      restoreNames({ store, host, endpoints, nameServer, names, log })
      void sandboxes.restoreLimits()
    },
    useHostNameServers: (resolvConf) => nameServer.setHostServers(hostServersOf(resolvConf, fallbackDns)),
    restoreFirewall() {
      standing.program()
      repairs++
    },
    measure: async () =>
      measurementsOf({
        networks: counted(networks.list().map(({ driver }) => driver)),
        sandboxes: counted(store.sandboxes().map(({ mode }) => mode)),
        ready: store.namespaces().filter(({ id }) => store.usersOf(id) === 0).length,
        publishedPorts: publications
          .live()
          .flatMap(({ ports }) => ports)
          .reduce((sum, { count }) => sum + count, 0),
        repairs,
        traffic: await traffic.all(),
      }),
    register(server) {
      server.register(
        SandboxesDefinition,
        sandboxesHandlers({ sandboxes, networks, publications, bandwidths, host, publishAddress }),
      )
      server.register(NetworksDefinition, networksHandlers({ sandboxes, networks, userNetworks }))
      return [SandboxesDefinition.fullName, NetworksDefinition.fullName]
    },
    async close() {
      const ready = await namespaces.close()
      if (store.sandboxes().some((sandbox) => sandbox.namespace !== undefined)) return
      for (const namespace of ready) namespaces.discard(namespace)
      standing.lowerAll(networks.bridges())
    },
  }
}

/** How often each word is there. */
function counted(words: readonly string[]): Map<string, number> {
  const counts = new Map<string, number>()
  for (const word of words) counts.set(word, (counts.get(word) ?? 0) + 1)
  return counts
}
