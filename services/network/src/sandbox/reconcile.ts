import type { Logger } from '@caisson/service-kit'
import type { BridgeNetwork } from '../network/network.ts'
import type { Networks } from '../network/networks.ts'
import type { StandingNetworks } from '../network/standing-networks.ts'
import type { Publications } from '../publishing/publications.ts'
import type { Bandwidths } from '../shaping/bandwidths.ts'
import type { Endpoints } from './endpoints.ts'
import type { NamespacePool } from './namespace-pool.ts'
import type { HostPort, SandboxEvents, SandboxStore } from './ports.ts'
import type { Endpoint, Namespace } from './sandbox.ts'

export type ReconcileOptions = {
  readonly store: SandboxStore
  readonly host: HostPort
  readonly events: SandboxEvents
  readonly networks: Networks
  readonly standing: StandingNetworks
  readonly endpoints: Endpoints
  readonly namespaces: NamespacePool
  readonly publications: Publications
  readonly bandwidths: Bandwidths
  readonly log: Logger
}

/**
 * Makes kernel and records agree after a start, however the last run ended. A pin that nothing records was being made
 * or being deleted: it goes. A record whose namespace is gone (the machine was started anew, a delete was cut off) goes
 * too, with its sandboxes. What is whole on both sides stays as it is, and what waited to be taken waits again.
 */
export function reconcile(options: ReconcileOptions): void {
  const { store, host, networks, standing, namespaces } = options
  const recorded = store.namespaces()
  const ids = new Set(recorded.map(({ id }) => id))
  for (const id of host.pins()) if (!ids.has(id)) namespaces.dismantle({ id, endpoints: [] })
  const endpoints = recorded.flatMap((namespace) => namespace.endpoints)
  const used = networksOf(recorded)
  networks.load((networkId) => used.has(networkId))
  options.endpoints.restore(endpoints)
  removeStrays(options, endpoints)
  options.publications.load()
  options.bandwidths.load()
  // Rules and bridges stand before the ports are looked at, so that a port can be put back on its bridge.
  raiseNetworks(options, used)
  const whole = recorded.filter((namespace) => {
    const isWhole = host.isWhole(namespace.id, options.endpoints.wiresOf(namespace))
    if (!isWhole) forgetLost(options, namespace)
    return isWhole
  })
  const alive = networksOf(whole)
  const idle = networks.bridges().filter(({ builtin, id }) => builtin && !alive.has(id))
  if (networks.bridges().length === idle.length) standing.lowerAll(idle)
  else for (const network of idle) standing.drop(network)
  namespaces.shelve(whole.filter((namespace) => store.usersOf(namespace.id) === 0))
}

const networksOf = (namespaces: readonly Namespace[]): ReadonlySet<string> =>
  new Set(namespaces.flatMap(({ endpoints }) => endpoints.map(({ networkId }) => networkId)))

function removeStrays({ host, networks }: ReconcileOptions, endpoints: readonly Endpoint[]): void {
  host.removeStrays({
    bridges: new Set(networks.bridges().map(({ bridge }) => bridge.name)),
    ports: new Set(endpoints.map(({ portName }) => portName)),
  })
}

/** Networks that somebody made stand always, the default one while it is used. */
function raiseNetworks({ networks, standing, log }: ReconcileOptions, used: ReadonlySet<string>): void {
  const isUsed = ({ id }: BridgeNetwork): boolean => used.has(id)
  const wanted = networks.bridges().filter((network) => !network.builtin || isUsed(network))
  standing.raiseAll(wanted, (network, error) => {
    if (isUsed(network)) throw error
    log.error(
      { err: error, network: network.name },
      'a network cannot be brought up: it is tried again when it is used',
    )
  })
}

function forgetLost(
  { store, events, namespaces, publications, bandwidths, log }: ReconcileOptions,
  namespace: Namespace,
): void {
  namespaces.dismantle(namespace)
  const users = store.sandboxes().filter((sandbox) => sandbox.namespace?.id === namespace.id)
  if (users.length > 0) log.warn({ sandboxes: users.map(({ id }) => id) }, 'the namespace of these sandboxes is gone')
  for (const { id } of users) publications.withdraw(id)
  for (const { id } of users) bandwidths.forget(id)
  store.passing(() => {
    for (const sandbox of users) {
      store.deleteSandbox(sandbox.id)
      events.sandboxDeleted(sandbox, 'lost', '')
    }
    store.deleteNamespace(namespace.id)
  })
  namespaces.forget(namespace)
}
