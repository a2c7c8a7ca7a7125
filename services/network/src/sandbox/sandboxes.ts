import { alreadyExists, failedPrecondition, invalid, notFound, now } from '@caisson/api'
import { type Files, filesAlone, filesOfHost, filesOn } from '../names/files.ts'
import type { Names } from '../names/names.ts'
import { fingerprintOf } from '../network/fingerprint.ts'
import type { Networks } from '../network/networks.ts'
import type { Publications } from '../publishing/publications.ts'
import type { PortWish, PublishedPort, Target } from '../publishing/published-port.ts'
import { type Bandwidth, UNLIMITED } from '../shaping/bandwidth.ts'
import type { Bandwidths } from '../shaping/bandwidths.ts'
import type { InterfaceTraffic, Traffic } from '../traffic/traffic.ts'
import type { Connection, Endpoints } from './endpoints.ts'
import type { NamespacePool } from './namespace-pool.ts'
import type { HostPort, SandboxEvents, SandboxStore } from './ports.ts'
import {
  type Attachment,
  type Endpoint,
  gatewayOf,
  type Namespace,
  type Sandbox,
  type SandboxRequest,
  type Wire,
} from './sandbox.ts'
import { Turns } from './turns.ts'

export type SandboxesOptions = {
  readonly store: SandboxStore
  readonly host: HostPort
  readonly events: SandboxEvents
  readonly networks: Networks
  readonly endpoints: Endpoints
  readonly namespaces: NamespacePool
  readonly publications: Publications
  readonly bandwidths: Bandwidths
  readonly traffic: Traffic
  readonly names: Names
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

  /**
   * Connects a living sandbox to one more network. Throws NOT_CONNECTABLE for one that has no networks of its own, and
   * what Endpoints.connect throws.
   */
  connect(id: string, attachment: Attachment, requestId: string): Promise<Sandbox> {
    return this.#turns.run(id, async () => {
      const { namespaces, events } = this.#options
      const sandbox = this.get(id)
      const namespace = this.#connectable(sandbox)
      if (!this.#options.host.isAlive(namespace.id)) throw namespaceGone(id)
      const connection = this.#connection(attachment)
      await namespaces.connect(namespace, connection, (endpoint) => {
        this.#rewriteFiles(sandbox, namespace, [...namespace.endpoints, endpoint])
        events.sandboxConnected(sandbox, endpoint, requestId)
      })
      await this.#limitNew(this.get(id), requestId)
      return this.#reintroduced(this.#retargeted(id))
    })
  }

  /**
   * Takes a sandbox out of a network; out of its last one, it publishes nothing any more. Throws NOT_CONNECTED, and
   * NAMESPACE_GONE unless `force` is set.
   */
  disconnect(id: string, reference: string, force: boolean, requestId: string): Promise<Sandbox> {
    return this.#turns.run(id, async () => {
      const { endpoints, events, host, names, networks, publications } = this.#options
      const sandbox = this.get(id)
      const namespace = this.#connectable(sandbox)
      const { id: networkId, name } = networks.find(reference)
      const wire = endpoints.wiresOf(namespace).find(({ network }) => network.id === networkId)
      if (wire === undefined)
        throw failedPrecondition('NOT_CONNECTED', `sandbox ${id} is not connected to the network ${name}`)
      if (!force && !host.isAlive(namespace.id)) throw namespaceGone(id)
      // Nothing leads to an address that somebody else may have next.
      const others = endpoints.wiresOf(namespace).filter(({ network }) => network.id !== networkId)
      publications.retarget(id, targetOf(others))
      names.leave(wire.endpoint)
      try {
        await endpoints.disconnect(namespace, wire, () => {
          this.#rewriteFiles(
            sandbox,
            namespace,
            others.map(({ endpoint }) => endpoint),
          )
          events.sandboxDisconnected(sandbox, wire.endpoint, requestId)
        })
      } finally {
        this.#reintroduced(this.get(id))
      }
      return this.get(id)
    })
  }

  /** Removes it with its namespace, unless another sandbox shares that. One that is not there is no error. */
  delete(id: string, requestId: string): Promise<void> {
    return this.#turns.run(id, async () => {
      const { store, events, names, namespaces, publications, bandwidths } = this.#options
      const sandbox = store.sandbox(id)
      if (sandbox === undefined) return
      const { namespace } = sandbox
      const unused = namespace !== undefined && store.usersOf(namespace.id) === 1 ? namespace : undefined
      // The kernel first: what a crash leaves of the record is found without its namespace at the next start.
      publications.withdraw(id)
      bandwidths.forget(id)
      if (sandbox.mode === 'bridge') for (const endpoint of namespace?.endpoints ?? []) names.leave(endpoint)
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
    return this.update(id, { ports, bandwidth: {} }, requestId)
  }

  /** Changes what it publishes and its limits, or nothing. Throws as publish, NOT_LIMITABLE and NAMESPACE_GONE. */
  update(id: string, { ports, bandwidth }: SandboxChange, requestId: string): Promise<Sandbox> {
    return this.#turns.run(id, async () => {
      const sandbox = this.get(id)
      const before = this.#options.bandwidths.of(id)
      const limited = bandwidth.egress !== undefined || bandwidth.ingress !== undefined
      if (limited) await this.#limit(sandbox, { ...before, ...bandwidth }, requestId)
      try {
        if (ports !== undefined) await this.#publish(sandbox, ports, requestId)
      } catch (error) {
        if (limited) await this.#limit(sandbox, before, requestId)
        throw error
      }
      return sandbox
    })
  }

  /** After a start: limits that somebody took away stand again. Never rejects. */
  async restoreLimits(): Promise<void> {
    const { bandwidths, store } = this.#options
    for (const id of bandwidths.limited())
      await this.#turns.run(id, async () => {
        const namespace = store.sandbox(id)?.namespace
        if (namespace !== undefined) await bandwidths.restore(id, this.#inside(namespace))
      })
  }

  /** How many sandboxes are connected, by the id of the network. */
  connected(): Map<string, number> {
    return this.#options.store.connected()
  }

  /** Of each interface of these sandboxes, or of all; those that are gone are left out. */
  counters(ids: readonly string[]): Promise<InterfaceTraffic[]> {
    return this.#options.traffic.of(ids.length > 0 ? ids.map((id) => this.get(id)) : this.list())
  }

  async #make(request: SandboxRequest, fingerprint: string, requestId: string): Promise<Sandbox> {
    const { publications } = this.#options
    const { wish } = request
    if (wish.mode === 'host') return this.#record(request, fingerprint, requestId, this.#onHost(request), [])
    if (wish.mode === 'shared') return this.#record(request, fingerprint, requestId, this.#shared(wish.sandboxId), [])
    // First, so that nothing was begun when somebody else has one of them.
    const ports = await publications.claim(request.id, request.ports)
    try {
      return await this.#makeOwn(request, wish, (namespace) =>
        this.#record(request, fingerprint, requestId, this.#own(request, namespace), ports),
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
    const { namespaces, publications, bandwidths, endpoints } = this.#options
    const namespace =
      wish.mode === 'none'
        ? await namespaces.takeBare(wish.namespacePath)
        : await namespaces.takeWired(
            wish.attachments.map((attachment) => this.#connection(attachment)),
            wish.namespacePath,
          )
    try {
      await bandwidths.apply(namespace.id, endpoints.wiresOf(namespace), request.bandwidth ?? UNLIMITED)
      return record(namespace)
    } catch (error) {
      bandwidths.forget(request.id)
      // Nothing leads to an address that somebody else may have next.
      publications.withdraw(request.id)
      namespaces.discard(namespace)
      throw error
    }
  }

  async #publish(sandbox: Sandbox, ports: readonly PortWish[], requestId: string): Promise<void> {
    const { publications, events, endpoints } = this.#options
    const { id, mode, namespace } = sandbox
    const target = mode === 'bridge' && namespace && targetOf(endpoints.wiresOf(namespace))
    if (!target)
      throw failedPrecondition(
        'NOTHING_TO_PUBLISH',
        `sandbox ${id} is on no network: only one of mode BRIDGE publishes ports`,
      )
    await publications.replace(id, target, ports, () => events.sandboxUpdated(sandbox, requestId))
  }

  async #limit(sandbox: Sandbox, bandwidth: Bandwidth, requestId: string): Promise<void> {
    const { bandwidths, events, host } = this.#options
    const { id, mode, namespace } = sandbox
    if (mode !== 'bridge' || namespace === undefined)
      throw failedPrecondition('NOT_LIMITABLE', `sandbox ${id} has no networks of its own: only mode BRIDGE has limits`)
    if (!host.isAlive(namespace.id)) throw namespaceGone(id)
    await bandwidths.change(id, this.#inside(namespace), bandwidth, () => events.sandboxUpdated(sandbox, requestId))
  }

  /** The newest endpoint has the limits of the sandbox, or is gone again. */
  async #limitNew(sandbox: Sandbox, requestId: string): Promise<void> {
    const { bandwidths, endpoints, events } = this.#options
    const { namespace } = sandbox
    const wire = namespace && endpoints.wiresOf(namespace).at(-1)
    if (namespace === undefined || wire === undefined) return
    try {
      await bandwidths.apply(namespace.id, [wire], bandwidths.of(sandbox.id))
    } catch (error) {
      await endpoints.disconnect(namespace, wire, () => events.sandboxDisconnected(sandbox, wire.endpoint, requestId))
      throw error
    }
  }

  #inside(namespace: Namespace) {
    return { namespaceId: namespace.id, wires: this.#options.endpoints.wiresOf(namespace) }
  }

  /** Its published ports lead where its way out is now. */
  #retargeted(id: string): Sandbox {
    const { endpoints, publications } = this.#options
    const sandbox = this.get(id)
    if (sandbox.namespace) publications.retarget(id, targetOf(endpoints.wiresOf(sandbox.namespace)))
    return sandbox
  }

  #connection(wish: Attachment): Connection {
    return { network: this.#options.networks.connectable(wish.network), wish }
  }

  /** The namespace of a sandbox that may be connected and disconnected. */
  #connectable({ id, mode, namespace }: Sandbox): Namespace {
    if (mode === 'bridge' && namespace !== undefined) return namespace
    throw failedPrecondition(
      'NOT_CONNECTABLE',
      mode === 'shared'
        ? `sandbox ${id} uses the network of another one: connect that one`
        : `sandbox ${id} was made with the network mode ${mode}: it has no networks`,
    )
  }

  #shared(sandboxId: string): Surroundings {
    const { namespace, resolvConf, hosts, hostname, dns } = this.get(sandboxId)
    if (namespace !== undefined) return { namespace, resolvConf, hosts, hostname, dns }
    throw invalid(`sandbox ${sandboxId} is in the host's network: use mode HOST to join it`)
  }

  #record(
    request: SandboxRequest,
    fingerprint: string,
    requestId: string,
    surroundings: Surroundings,
    ports: readonly PublishedPort[],
  ): Sandbox {
    const { store, events, names, publications, bandwidths, endpoints } = this.#options
    const { namespace } = surroundings
    const wires = namespace === undefined ? [] : endpoints.wiresOf(namespace)
    const target = targetOf(wires)
    const sandbox: Sandbox = {
      id: request.id,
      name: request.name,
      mode: request.wish.mode,
      labels: request.labels,
      ...surroundings,
      createdAt: now(),
      request: fingerprint,
    }
    store.passing(() => {
      store.insertSandbox(sandbox)
      if (request.bandwidth !== undefined) bandwidths.record(request.id, request.bandwidth)
      if (target !== undefined) publications.publish({ sandboxId: request.id, ...target, ports })
      events.sandboxCreated(sandbox, requestId)
    })
    if (sandbox.mode === 'bridge') names.introduce(sandbox, wires)
    return sandbox
  }

  #onHost({ dns, hostname }: SandboxRequest): Surroundings {
    return { namespace: undefined, hostname, dns, ...filesOfHost(this.#options.host, { dns }) }
  }

  #own({ dns, hostname, wish }: SandboxRequest, namespace: Namespace): Surroundings {
    const { host, endpoints, fallbackDns } = this.#options
    const wanted = { hostname, dns }
    const files =
      wish.mode === 'bridge'
        ? filesOn(host, endpoints.wiresOf(namespace), wanted)
        : filesAlone(host, wanted, fallbackDns)
    return { namespace, ...wanted, ...files }
  }

  /** Within the transaction that changes its endpoints to these. */
  #rewriteFiles(sandbox: Sandbox, namespace: Namespace, present: readonly Endpoint[]): void {
    const { endpoints, host, store } = this.#options
    store.setFiles(namespace.id, filesOn(host, endpoints.wiresOf({ ...namespace, endpoints: present }), sandbox))
  }

  /** Its names and what it may look up are those of its connections. */
  #reintroduced(sandbox: Sandbox): Sandbox {
    const { endpoints, names } = this.#options
    if (sandbox.namespace) names.introduce(sandbox, endpoints.wiresOf(sandbox.namespace))
    return sandbox
  }
}

/** What is undefined stays as it is. */
export type SandboxChange = {
  readonly ports: readonly PortWish[] | undefined
  readonly bandwidth: Partial<Bandwidth>
}
/** Where a sandbox is, and what it is told of that. */
type Surroundings = Files & Pick<Sandbox, 'namespace' | 'hostname' | 'dns'>

/** Where published ports lead: through the network of the default route, or the first one. */
function targetOf(wires: readonly Wire[]): Target | undefined {
  const endpoint = (gatewayOf(wires) ?? wires[0])?.endpoint
  return endpoint && { address: endpoint.address, portName: endpoint.portName }
}

const namespaceGone = (id: string) =>
  failedPrecondition('NAMESPACE_GONE', `the network namespace of sandbox ${id} is gone: delete the sandbox`)
