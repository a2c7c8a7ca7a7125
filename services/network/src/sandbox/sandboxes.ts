import { alreadyExists, failedPrecondition } from '@caisson/api'
import { filesOn } from '../names/files.ts'
import { fingerprintOf } from '../network/fingerprint.ts'
import type { PortWish } from '../publishing/published-port.ts'
import type { Bandwidth } from '../shaping/bandwidth.ts'
import type { InterfaceTraffic, Traffic } from '../traffic/traffic.ts'
import { findSandbox } from './find-sandbox.ts'
import {
  type Attachment,
  type Endpoint,
  type Namespace,
  type Sandbox,
  type SandboxRequest,
  targetOf,
} from './sandbox.ts'
import { SandboxMaker, type SandboxMakerOptions } from './sandbox-maker.ts'
import { Turns } from './turns.ts'

export type SandboxesOptions = SandboxMakerOptions & {
  readonly traffic: Traffic
}

/** The sandboxes of this host. */
export class Sandboxes {
  readonly #options: SandboxesOptions
  readonly #maker: SandboxMaker
  readonly #turns = new Turns()

  constructor(options: SandboxesOptions) {
    this.#options = options
    this.#maker = new SandboxMaker(options)
  }

  /** Makes one, or gives back the one that the same request made before. SANDBOX_EXISTS for another request. */
  create(request: SandboxRequest, requestId: string, signal: AbortSignal): Promise<Sandbox> {
    return this.#turns.run(request.id, async () => {
      signal.throwIfAborted()
      const fingerprint = fingerprintOf(request)
      const existing = this.#options.store.sandbox(request.id)
      if (existing === undefined) return this.#maker.make(request, fingerprint, requestId)
      if (existing.request === fingerprint) return existing
      throw alreadyExists('sandbox', request.id, 'delete it first or choose another id')
    })
  }

  /** Makes several, all or none: throws what create throws for the first that cannot be made. */
  async createAll(requests: readonly SandboxRequest[], requestId: string, signal: AbortSignal): Promise<Sandbox[]> {
    const before = new Set(requests.map(({ id }) => id).filter((id) => this.#options.store.sandbox(id)))
    const made = await Promise.allSettled(requests.map((request) => this.create(request, requestId, signal)))
    const failed = made.find((each) => each.status === 'rejected')
    if (!failed) return made.flatMap((each) => (each.status === 'fulfilled' ? [each.value] : []))
    await Promise.all(requests.filter(({ id }) => !before.has(id)).map(({ id }) => this.delete(id, requestId)))
    throw failed.reason
  }

  /** Throws SANDBOX_NOT_FOUND. */
  get(id: string): Sandbox {
    return findSandbox(this.#options.store, id)
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
      const connection = this.#maker.connection(attachment)
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
      const others = namespace.endpoints.filter(({ id }) => id !== wire.endpoint.id)
      await endpoints.disconnect(namespace, wire, () => {
        this.#rewriteFiles(sandbox, namespace, others)
        events.sandboxDisconnected(sandbox, wire.endpoint, requestId)
      })
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

const namespaceGone = (id: string) =>
  failedPrecondition('NAMESPACE_GONE', `the network namespace of sandbox ${id} is gone: delete the sandbox`)
