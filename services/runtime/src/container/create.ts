import { createHash } from 'node:crypto'
import { alreadyExists, conflict } from '@caisson/api'
import type { ContainerEvents } from '../events.ts'
import type { IdRanges } from '../identity/id-ranges.ts'
import { madeUpName, newId } from '../identity/identity.ts'
import type { PreparedRoot, Roots } from '../ports.ts'
import type { ContainerTable } from '../store/container-table.ts'
import type { RequestTable } from '../store/request-table.ts'
import type { ContainerVolumes, PreparedVolumes } from '../volumes/container-volumes.ts'
import { assemble } from './assemble.ts'
import type { Container, IdRange } from './container.ts'
import type { Discards } from './discards.ts'
import { KeyedMutex } from './mutex.ts'
import { checkUser } from './program.ts'
import type { Registry } from './registry.ts'
import { withSharedNetwork } from './shared-network.ts'
import type { SpareWish } from './spare-wish.ts'
import type { Spares, Taken } from './spares.ts'
import type { ContainerSpec } from './spec.ts'
import type { Transaction } from './transaction.ts'

export interface CreateRequest {
  /** '': one is made up. */
  readonly name: string
  readonly spec: ContainerSpec
  /** '': none. */
  readonly requestId: string
}

export interface CreateDeps {
  readonly transaction: Transaction
  readonly table: ContainerTable
  readonly requests: RequestTable
  readonly events: ContainerEvents
  readonly registry: Registry
  readonly roots: Roots
  readonly ranges: IdRanges
  readonly discards: Discards
  readonly spares: Spares
  readonly volumes: ContainerVolumes
}

/** What a container is known by before anything else of it exists. */
export interface Identity {
  readonly id: string
  readonly name: string
  /** What it is made from; names of other containers in it are ids. */
  readonly spec: ContainerSpec
  readonly range: IdRange | undefined
  /** What was made ahead besides its root. */
  readonly spare?: Pick<Taken, 'sandbox' | 'parked'>
}

/** A container that is not on disk yet. Disposed, it lets go of its volumes: those that are not on disk by then go. */
export interface Draft extends Disposable {
  readonly container: Container
  /** Writes it; inside a transaction. */
  save(container: Container): void
}

/** Makes containers. */
export class Creator {
  readonly #deps: CreateDeps
  readonly #requestMutex = new KeyedMutex()
  readonly #inFlight = new Set<string>()

  constructor(deps: CreateDeps) {
    this.#deps = deps
  }

  /** Makes a container that does not run yet. */
  create(request: CreateRequest, signal: AbortSignal): Promise<Container> {
    return this.once(
      request,
      async (earlier) => earlier,
      async () =>
        this.withDraft(request, signal, async (draft) => {
          const { container, save } = await draft
          this.#deps.transaction(() => save(container))
          return container
        }),
    )
  }

  /**
   * Runs `make`, unless a request with the same id made a container before: then `again` with that. Two at once go one
   * behind the other. REQUEST_ID_REUSED when it asked for something else.
   */
  async once<T>(request: CreateRequest, again: (earlier: Container) => Promise<T>, make: () => Promise<T>): Promise<T> {
    if (request.requestId === '') return make()
    return this.#requestMutex.run(request.requestId, async () => {
      const earlier = this.#deps.requests.find(request.requestId, Date.now())
      if (!earlier) return make()
      if (earlier.digest !== digestOf(request))
        throw conflict(
          'REQUEST_ID_REUSED',
          `the request id ${request.requestId} made something else before: use another`,
        )
      return again(this.#deps.registry.get(earlier.containerId))
    })
  }

  /**
   * Takes a name, an id and an id range, prepares the root, and hands the container to `use`, which has to save it. When
   * `use` throws, everything is given back. `use` gets a promise, so that it can prepare more at the same time. What may be
   * one of a burst gets what was made ahead.
   */
  async withDraft<T>(
    request: CreateRequest,
    signal: AbortSignal,
    use: (draft: Promise<Draft>, identity: Identity) => Promise<T>,
    burst?: Pick<SpareWish, 'holdsOutput'>,
  ): Promise<T> {
    await this.#deps.discards.relieved()
    const spec = withSharedNetwork(this.#deps.registry, request.spec)
    checkUser(spec.process.user, spec.namespaces.user)
    const spare = burst && this.#deps.spares.take({ name: request.name, spec, ...burst })
    const name = this.#chooseName(request.name, spare?.name)
    using _reservation = this.#deps.registry.reserveName(name)
    const identity = spare ? { id: spare.id, name, spec, range: spare.range, spare } : this.#newIdentity(name, spec)
    const { id, range } = identity
    this.#inFlight.add(id)
    const draft = this.#prepare(request, identity, spare?.root, signal)
    // `use` may fail before it looks at it.
    draft.catch(() => {})
    try {
      return await use(draft, identity)
    } catch (error) {
      await draft.catch(() => {})
      await this.#deps.discards.discard({ id, range })
      throw error
    } finally {
      await draft.then(
        (made) => made[Symbol.dispose](),
        () => {},
      )
      this.#inFlight.delete(id)
    }
  }

  /** Whether a container is being made that is not on disk yet. */
  isInFlight(id: string): boolean {
    return this.#inFlight.has(id)
  }

  #newIdentity(name: string, spec: ContainerSpec): Identity {
    const range = spec.namespaces.user === 'private' ? this.#deps.ranges.take() : undefined
    return { id: newId(), name, spec, range }
  }

  #chooseName(wanted: string, spare: string | undefined): string {
    const { registry } = this.#deps
    if (wanted === '') return spare ?? madeUpName((name) => registry.isNameTaken(name))
    if (registry.isNameTaken(wanted))
      throw alreadyExists('container', wanted, 'remove or rename that container, or choose another name')
    return wanted
  }

  async #prepare(
    request: CreateRequest,
    identity: Identity,
    ready: PreparedRoot | undefined,
    signal: AbortSignal,
  ): Promise<Draft> {
    const { spec } = identity
    const { readOnlyRoot, autoRemove, storageBytes } = spec
    const use = { writable: !readOnlyRoot, volatile: autoRemove, storageBytes }
    const prepared = ready ?? (await this.#deps.roots.prepare(identity.id, spec.image, spec.platform, use, signal))
    signal.throwIfAborted()
    const asked = { containerId: identity.id, spec, imageVolumes: prepared.config.volumes }
    const volumes = await this.#deps.volumes.prepare(asked, signal)
    try {
      const container = assemble({ ...identity, spec: { ...spec, mounts: volumes.mounts } }, prepared)
      const save = (current: Container): void => this.#save(current, request, volumes)
      return { container, save, [Symbol.dispose]: () => volumes[Symbol.dispose]() }
    } catch (error) {
      volumes[Symbol.dispose]()
      throw error
    }
  }

  #save(container: Container, request: CreateRequest, volumes: PreparedVolumes): void {
    const { table, events, requests } = this.#deps
    table.insert(container)
    volumes.save(container.id)
    events.created(container, request.requestId)
    if (request.requestId !== '')
      requests.add(request.requestId, { containerId: container.id, digest: digestOf(request) }, Date.now())
  }
}

function digestOf({ name, spec }: CreateRequest): string {
  return createHash('sha256')
    .update(JSON.stringify([name, spec]))
    .digest('hex')
}
