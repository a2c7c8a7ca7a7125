import { CaissonError } from '@caisson/api'
import type { IdRanges } from '../identity/id-ranges.ts'
import { newId } from '../identity/identity.ts'
import type { PreparedRoot, Roots, Sandboxes } from '../ports.ts'
import type { IdRange, Sandbox } from './container.ts'
import type { Discards } from './discards.ts'
import { sandboxRequest } from './sandbox-request.ts'
import type { ContainerSpec } from './spec.ts'

export interface SpareDeps {
  readonly roots: Roots
  readonly sandboxes: Sandboxes
  readonly ranges: IdRanges
  readonly discards: Discards
  /** Makes up a name and keeps it. */
  readonly reserveName: () => { name: string } & Disposable
}

/** What was made ahead for a container, and what has to hold before it may run. */
export interface Taken {
  readonly id: string
  readonly name: string
  readonly range: IdRange
  readonly root: PreparedRoot
  readonly sandbox: Sandbox
  /** Resolves when the image is still what its name stands for. STALE_SPARE when it is not. */
  readonly confirmed: Promise<void>
}

interface Spare extends Omit<Taken, 'confirmed'> {
  readonly name: string
  readonly reservation: Disposable
  readonly madeMs: number
}

/** How long a spare is kept: for bursts of short containers, not for later. */
const KEPT_MS = 150
const EXPIRY_MS = 50
/** Spares for one kind of container. */
const MOST = 4

/** Why a spare may not be used: its image has changed. */
export const STALE_SPARE = 'STALE_SPARE'

/**
 * Roots and sandboxes for the next containers of a burst of short ones from the same image: while one starts, the next is
 * prepared. What an image's name stands for is asked anew every time: with the answer the root of the next spare comes.
 */
export class Spares implements Disposable {
  readonly #deps: SpareDeps
  readonly #shelves = new Map<string, Spare[]>()
  readonly #making = new Map<string, string>()
  #timer: NodeJS.Timeout | undefined
  #isDisposed = false

  constructor(deps: SpareDeps) {
    this.#deps = deps
  }

  /** Whether something belongs to a spare. */
  has(id: string): boolean {
    return this.#making.has(id) || [...this.#shelves.values()].some((shelf) => shelf.some((spare) => spare.id === id))
  }

  /** What was made ahead for such a container, if there is something; the next one is begun. */
  take(name: string, spec: ContainerSpec, signal: AbortSignal): Taken | undefined {
    const kind = kindOf(name, spec)
    const spare = kind === undefined ? undefined : this.#shelves.get(kind)?.pop()
    if (kind === undefined || !spare) return undefined
    const next = this.#make(kind, spec, signal)
    if (!next) {
      this.#put(kind, spare)
      return undefined
    }
    spare.reservation[Symbol.dispose]()
    const confirmed = next.then((root) => {
      if (!isSame(root, spare.root)) throw new CaissonError('aborted', 'the image has changed', { reason: STALE_SPARE })
    })
    confirmed.catch(() => {})
    return { ...spare, confirmed }
  }

  /** Begins a spare for containers like this one, unless there are enough. */
  stock(name: string, spec: ContainerSpec): void {
    const kind = kindOf(name, spec)
    if (kind === undefined) return
    const begun = [...this.#making.values()].filter((other) => other === kind).length
    if (begun + (this.#shelves.get(kind)?.length ?? 0) < MOST) this.#make(kind, spec, FOREVER)?.catch(() => {})
  }

  [Symbol.dispose](): void {
    this.#isDisposed = true
    clearTimeout(this.#timer)
    this.#expire(Number.POSITIVE_INFINITY)
  }

  /** The root of a new spare, as soon as it is there. Undefined when no range of ids is left. */
  #make(kind: string, spec: ContainerSpec, signal: AbortSignal): Promise<PreparedRoot> | undefined {
    if (this.#isDisposed) return undefined
    const { roots, sandboxes, discards } = this.#deps
    const range = this.#rangeIfAny()
    if (!range) return undefined
    const id = newId()
    const reservation = this.#deps.reserveName()
    this.#making.set(id, kind)
    const use = { writable: !spec.readOnlyRoot, volatile: true }
    const root = roots.prepare(id, spec.image, spec.platform, use, signal)
    const sandbox = sandboxes.create(sandboxRequest(id, reservation.name, spec), FOREVER)
    void Promise.allSettled([root, sandbox]).then(([madeRoot, madeSandbox]) => {
      this.#making.delete(id)
      if (madeRoot.status === 'fulfilled' && madeSandbox.status === 'fulfilled' && !this.#isDisposed) {
        const made = { id, range, name: reservation.name, reservation, madeMs: performance.now() }
        this.#put(kind, { ...made, root: madeRoot.value, sandbox: madeSandbox.value })
      } else {
        reservation[Symbol.dispose]()
        discards.discardSoon({ id, range })
      }
    })
    return root
  }

  #rangeIfAny(): IdRange | undefined {
    try {
      return this.#deps.ranges.take()
    } catch {
      // A container without a spare will say so.
      return undefined
    }
  }

  #put(kind: string, spare: Spare): void {
    const shelf = this.#shelves.get(kind) ?? []
    this.#shelves.set(kind, shelf)
    shelf.unshift(spare)
    this.#timer ??= setTimeout(() => {
      this.#timer = undefined
      this.#expire(performance.now() - KEPT_MS)
    }, EXPIRY_MS).unref()
  }

  /** Gives back what is older than a time. */
  #expire(beforeMs: number): void {
    for (const [kind, shelf] of [...this.#shelves]) {
      const old = shelf.filter(({ madeMs }) => madeMs <= beforeMs)
      const kept = shelf.filter(({ madeMs }) => madeMs > beforeMs)
      this.#shelves.delete(kind)
      for (const { id, range, reservation } of old) {
        reservation[Symbol.dispose]()
        this.#deps.discards.discardSoon({ id, range })
      }
      for (const spare of kept.toReversed()) this.#put(kind, spare)
    }
  }
}

const FOREVER = new AbortController().signal

/** Containers of one kind can have each other's spares. Undefined: what they are given depends on more than that. */
function kindOf(name: string, spec: ContainerSpec): string | undefined {
  const { network, namespaces } = spec
  const { dns, mode } = network
  const isPlain =
    spec.autoRemove &&
    spec.storageBytes === undefined &&
    namespaces.user === 'private' &&
    spec.hostname === '' &&
    spec.domainname === '' &&
    Object.keys(spec.labels).length === 0 &&
    network.attachments.length === 0 &&
    !network.ports &&
    !network.publishAll &&
    mode !== 'shared' &&
    [dns.servers, dns.search, dns.options, Object.keys(dns.extraHosts)].every((list) => list.length === 0)
  // On a network others find it by its name.
  if (!isPlain || (name !== '' && mode === 'bridge')) return undefined
  return JSON.stringify([spec.image, spec.platform, spec.readOnlyRoot, mode])
}

function isSame(one: PreparedRoot, other: PreparedRoot): boolean {
  return one.image.id === other.image.id && one.image.digest === other.image.digest
}
