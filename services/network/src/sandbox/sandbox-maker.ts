import { invalid, now } from '@caisson/api'
import { type Files, filesAlone, filesOfHost, filesOn } from '../names/files.ts'
import type { Names } from '../names/names.ts'
import type { Networks } from '../network/networks.ts'
import type { Publications } from '../publishing/publications.ts'
import type { PublishedPort } from '../publishing/published-port.ts'
import { UNLIMITED } from '../shaping/bandwidth.ts'
import type { Bandwidths } from '../shaping/bandwidths.ts'
import type { Connection, Endpoints } from './endpoints.ts'
import { findSandbox } from './find-sandbox.ts'
import type { NamespacePool } from './namespace-pool.ts'
import type { HostPort, SandboxEvents, SandboxStore } from './ports.ts'
import { type Attachment, type Namespace, type Sandbox, type SandboxRequest, targetOf } from './sandbox.ts'

export type SandboxMakerOptions = {
  readonly store: SandboxStore
  readonly host: HostPort
  readonly events: SandboxEvents
  readonly networks: Networks
  readonly endpoints: Endpoints
  readonly namespaces: NamespacePool
  readonly publications: Publications
  readonly bandwidths: Bandwidths
  readonly names: Names
  readonly fallbackDns: readonly string[]
}

/** Where a sandbox is, and what it is told of that. */
type Surroundings = Files & Pick<Sandbox, 'namespace' | 'hostname' | 'dns'>

/** Makes sandboxes: ports first, then a namespace with its limits, then the record, then names. Leaves nothing when it fails. */
export class SandboxMaker {
  readonly #options: SandboxMakerOptions

  constructor(options: SandboxMakerOptions) {
    this.#options = options
  }

  async make(request: SandboxRequest, fingerprint: string, requestId: string): Promise<Sandbox> {
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
            wish.attachments.map((attachment) => this.connection(attachment)),
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

  #shared(sandboxId: string): Surroundings {
    const { namespace, resolvConf, hosts, hostname, dns } = findSandbox(this.#options.store, sandboxId)
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

  /** To a network that sandboxes can be connected to; by its id or name. */
  connection(wish: Attachment): Connection {
    return { network: this.#options.networks.connectable(wish.network), wish }
  }
}
