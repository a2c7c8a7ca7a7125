import { alreadyExists, failedPrecondition, invalid, notFound, now } from '@caisson/api'
import type { Networks } from '../network/networks.ts'
import type { Publications } from '../publishing/publications.ts'
import type { PortWish, PublishedPort, Target } from '../publishing/published-port.ts'
import { hostsInside, hostsOfHost, resolvConfInside, resolvConfOfHost } from './files.ts'
import type { NamespacePool } from './namespace-pool.ts'
import type { HostPort, InterfaceCounters, SandboxEvents, SandboxStore } from './ports.ts'
import { type Endpoint, isWired, type Namespace, type Sandbox, type SandboxRequest } from './sandbox.ts'
import { Turns } from './turns.ts'

export type SandboxesOptions = {
  readonly store: SandboxStore
  readonly host: HostPort
  readonly events: SandboxEvents
  readonly networks: Networks
  readonly namespaces: NamespacePool
  readonly publications: Publications
  readonly fallbackDns: readonly string[]
}

/** The sandboxes of this host. */
export class Sandboxes {
  readonly #options: SandboxesOptions
  readonly #turns = new Turns()

  constructor(options: SandboxesOptions) {
    this.#options = options
  }

  /** Makes one, or gives back the one that the same request made before. SANDBOX_EXISTS for another request. */
  create(request: SandboxRequest, requestId: string, signal: AbortSignal): Promise<Sandbox> {
    return this.#turns.run(request.id, async () => {
      signal.throwIfAborted()
      const fingerprint = fingerprintOf(request)
      const existing = this.#options.store.sandbox(request.id)
      if (existing === undefined) return this.#make(request, fingerprint, requestId)
      if (existing.request === fingerprint) return existing
      throw alreadyExists('sandbox', request.id, 'delete it first or choose another id')
    })
  }

  /** Throws SANDBOX_NOT_FOUND. */
  get(id: string): Sandbox {
    const sandbox = this.#options.store.sandbox(id)
    if (sandbox === undefined) throw notFound('sandbox', id)
    return sandbox
  }

  /** In the order of their ids. */
  list(): Sandbox[] {
    return this.#options.store.sandboxes()
  }

  /** Removes it with its namespace, unless another sandbox shares that. One that is not there is no error. */
  delete(id: string, requestId: string): Promise<void> {
    return this.#turns.run(id, async () => {
      const { store, events, namespaces, publications } = this.#options
      const sandbox = store.sandbox(id)
      if (sandbox === undefined) return
      const { namespace } = sandbox
      const unused = namespace !== undefined && store.usersOf(namespace.id) === 1 ? namespace : undefined
      // The kernel first: what a crash leaves of the record is found without its namespace at the next start.
      publications.withdraw(id)
      if (unused !== undefined) namespaces.dismantle(unused)
      store.passing(() => {
        store.deleteSandbox(id)
        if (unused !== undefined) store.deleteNamespace(unused.id)
        events.sandboxDeleted(sandbox, 'asked', requestId)
      })
      if (unused !== undefined) namespaces.forget(unused)
    })
  }

  /**
   * Puts another list in place of what it publishes, in one step. Throws SANDBOX_NOT_FOUND, NOTHING_TO_PUBLISH, and as
   * Claims.take.
   */
  publish(id: string, ports: readonly PortWish[], requestId: string): Promise<Sandbox> {
    return this.#turns.run(id, async () => {
      const { publications, events } = this.#options
      const sandbox = this.get(id)
      const endpoint = sandbox.namespace?.endpoint
      if (sandbox.mode !== 'bridge' || endpoint === undefined)
        throw failedPrecondition(
          'NOTHING_TO_PUBLISH',
          `sandbox ${id} is on no network: only one of mode BRIDGE publishes ports`,
        )
      await publications.replace(id, targetOf(endpoint), ports, () => events.sandboxUpdated(sandbox, requestId))
      return sandbox
    })
  }

  /** Of each interface of these sandboxes, or of all; those of a namespace that is gone are left out. */
  counters(ids: readonly string[]): { sandboxId: string; interfaceName: string; counters: InterfaceCounters }[] {
    const { host } = this.#options
    const sandboxes = ids.length > 0 ? ids.map((id) => this.get(id)) : this.list()
    return sandboxes.flatMap(({ id, namespace }) => {
      if (namespace === undefined || !isWired(namespace) || !host.isAlive(namespace.id)) return []
      const { interfaceName } = namespace.endpoint
      return [{ sandboxId: id, interfaceName, counters: host.counters(namespace.id, interfaceName) }]
    })
  }

  async #make(request: SandboxRequest, fingerprint: string, requestId: string): Promise<Sandbox> {
    const { publications } = this.#options
    const { wish } = request
    if (wish.mode === 'host') return this.#record(request, fingerprint, requestId, undefined, [])
    if (wish.mode === 'shared') return this.#record(request, fingerprint, requestId, this.#shared(wish.sandboxId), [])
    // First, so that nothing was begun when somebody else has one of them.
    const ports = await publications.claim(request.id, request.ports)
    try {
      return await this.#makeOwn(request, wish, (namespace) =>
        this.#record(request, fingerprint, requestId, namespace, ports),
      )
    } catch (error) {
      publications.withdraw(request.id)
      throw error
    }
  }

  async #makeOwn(
    request: SandboxRequest,
    wish: Extract<SandboxRequest['wish'], { mode: 'none' | 'bridge' }>,
    record: (namespace: Namespace) => Sandbox,
  ): Promise<Sandbox> {
    const { namespaces, networks, publications } = this.#options
    const namespace =
      wish.mode === 'none'
        ? await namespaces.takeBare(wish.namespacePath)
        : await namespaces.takeWired(
            networks.bridge(networks.find(wish.attachment.network).id),
            wish.attachment,
            wish.namespacePath,
          )
    try {
      return record(namespace)
    } catch (error) {
      // Nothing leads to an address that somebody else may have next.
      publications.withdraw(request.id)
      namespaces.discard(namespace)
      throw error
    }
  }

  #shared(sandboxId: string): Namespace {
    const { namespace } = this.get(sandboxId)
    if (namespace !== undefined) return namespace
    throw invalid(`sandbox ${sandboxId} is in the host's network: use mode HOST to join it`)
  }

  #record(
    request: SandboxRequest,
    fingerprint: string,
    requestId: string,
    namespace: Namespace | undefined,
    ports: readonly PublishedPort[],
  ): Sandbox {
    const { store, events, publications } = this.#options
    const sandbox: Sandbox = {
      id: request.id,
      name: request.name,
      mode: request.wish.mode,
      labels: request.labels,
      namespace,
      ...this.#files(request, namespace),
      createdAt: now(),
      request: fingerprint,
    }
    store.passing(() => {
      store.insertSandbox(sandbox)
      if (namespace?.endpoint !== undefined)
        publications.publish({ sandboxId: request.id, ...targetOf(namespace.endpoint), ports })
      events.sandboxCreated(sandbox, requestId)
    })
    return sandbox
  }

  #files(request: SandboxRequest, namespace: Namespace | undefined): Pick<Sandbox, 'resolvConf' | 'hosts'> {
    const { host, networks, fallbackDns } = this.#options
    const { dns, hostname } = request
    if (namespace === undefined)
      return { resolvConf: resolvConfOfHost(host.resolvConf(), dns), hosts: hostsOfHost(host.hosts(), dns) }
    const endpoint = namespace.endpoint
    const gateway = endpoint && networks.bridge(endpoint.networkId).bridge.gateway
    return {
      resolvConf: resolvConfInside(host.resolvConf(), dns, fallbackDns),
      hosts: hostsInside({ hostname, address: endpoint?.address, gateway }, dns),
    }
  }
}

const targetOf = ({ address, portName }: Endpoint): Target => ({ address, portName })

/** The request as text; equal requests give equal texts. */
function fingerprintOf(request: SandboxRequest): string {
  return JSON.stringify(request, (_key, value: unknown) => {
    if (value instanceof Uint8Array) return [...value]
    if (typeof value !== 'object' || value === null || Array.isArray(value)) return value
    return Object.fromEntries(Object.entries(value).toSorted(([one], [other]) => (one < other ? -1 : 1)))
  })
}
