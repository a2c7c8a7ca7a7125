import type { Logger } from '@caisson/service-kit'
import type { Networks } from '../network/networks.ts'
import type { Publications } from '../publishing/publications.ts'
import type { NamespacePool } from './namespace-pool.ts'
import type { HostPort, SandboxEvents, SandboxStore } from './ports.ts'
import type { Namespace } from './sandbox.ts'

export type ReconcileOptions = {
  readonly store: SandboxStore
  readonly host: HostPort
  readonly events: SandboxEvents
  readonly networks: Networks
  readonly namespaces: NamespacePool
  readonly publications: Publications
  readonly log: Logger
}

/**
 * Makes kernel and records agree after a start, however the last run ended. A pin that nothing records was being made
 * or being deleted: it goes. A record whose namespace is gone (the machine was started anew, a delete was cut off) goes
 * too, with its sandboxes. What is whole on both sides stays as it is, and what waited to be taken waits again.
 */
export function reconcile(options: ReconcileOptions): void {
  const { store, host, networks, namespaces } = options
  networks.load((networkId) => store.namespaces().some((namespace) => namespace.endpoint?.networkId === networkId))
  const recorded = store.namespaces()
  for (const id of host.pins()) if (!recorded.some((namespace) => namespace.id === id)) host.releaseNamespace(id)
  for (const { endpoint } of recorded)
    if (endpoint !== undefined) networks.leases(networks.bridge(endpoint.networkId)).take(endpoint.address)
  options.publications.load()
  // Rules and bridges stand before the ports are looked at, so that a port can be put back on its bridge.
  namespaces.adopt(recorded)
  const whole = recorded.filter((namespace) => isWhole(options, namespace))
  for (const namespace of recorded) if (!whole.includes(namespace)) forgetLost(options, namespace)
  if (!whole.some((namespace) => namespace.endpoint !== undefined)) namespaces.lowerBridges()
  namespaces.shelve(whole.filter((namespace) => store.usersOf(namespace.id) === 0))
}

function isWhole({ host, networks }: ReconcileOptions, namespace: Namespace): boolean {
  return host.isWhole(namespace, namespace.endpoint && networks.bridge(namespace.endpoint.networkId))
}

function forgetLost({ store, events, namespaces, publications, log }: ReconcileOptions, namespace: Namespace): void {
  namespaces.dismantle(namespace)
  const users = store.sandboxes().filter((sandbox) => sandbox.namespace?.id === namespace.id)
  if (users.length > 0) log.warn({ sandboxes: users.map(({ id }) => id) }, 'the namespace of these sandboxes is gone')
  for (const { id } of users) publications.withdraw(id)
  store.passing(() => {
    for (const sandbox of users) {
      store.deleteSandbox(sandbox.id)
      events.sandboxDeleted(sandbox, 'lost', '')
    }
    store.deleteNamespace(namespace.id)
  })
  namespaces.forget(namespace)
}
