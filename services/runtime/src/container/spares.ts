import type { IdRanges } from '../identity/id-ranges.ts'
import { newId } from '../identity/identity.ts'
import type { PreparedRoot, Roots, Sandboxes } from '../ports.ts'
import { assemble } from './assemble.ts'
import type { Container, IdRange, Sandbox } from './container.ts'
import type { Discards } from './discards.ts'
import type { Monitored } from './monitored.ts'
import { Parked } from './parked.ts'
import { sandboxRequest } from './sandbox-request.ts'
import { fitOf, kindOf, type SpareWish } from './spare-wish.ts'
import type { ContainerSpec } from './spec.ts'

export interface SpareDeps {
  readonly roots: Roots
  readonly sandboxes: Sandboxes
  readonly ranges: IdRanges
  readonly discards: Discards
  /** Makes up a name and keeps it. */
  readonly reserveName: () => { name: string } & Disposable
  /** Launches a container but for its program. */
  readonly launch: (container: Container, sandbox: Sandbox, holdsOutput: boolean) => Monitored
}

/** What was made ahead for a container. */
export interface Taken {
  readonly id: string
  readonly name: string
  readonly range: IdRange
  readonly root: PreparedRoot
  readonly sandbox: Sandbox
  /** It waits to be let go already. */
  readonly parked?: Parked | undefined
}

/** What a spare has before anything else of it is there. */
interface Begun extends Pick<Taken, 'id' | 'name' | 'range'> {
  readonly reservation: Disposable
}

interface Spare extends Begun, Taken {
  readonly madeMs: number
  /** Whether its image is still what was asked for. */
  readonly isCurrent: () => boolean
}

/** How long a spare is kept: for bursts of short containers, not for later. */
const KEPT_MS = 150
const EXPIRY_MS = 50
/** When fewer are there or begun, some more are begun. */
const FEW = 4
const MORE = 4
/** How many are launched ahead of those that run. */
const MOST_PARKED = 2

/**
 * Roots and sandboxes for the next containers of a burst of short ones from the same image, made several at once; and when
 * the same is run again and again, they are launched but for their program. One whose image is not what its name stands for
 * any more is never given away.
 */
export class Spares implements Disposable {
  readonly #deps: SpareDeps
  readonly #shelves = new Map<string, Spare[]>()
  /** Of those that are being made or launched, by id. */
  readonly #making = new Map<string, { readonly kind: string; readonly isParking: boolean }>()
  /** What was run last, by its kind. */
  readonly #last = new Map<string, string | undefined>()
  #timer: NodeJS.Timeout | undefined
  #isDisposed = false

  constructor(deps: SpareDeps) {
    this.#deps = deps
  }

  /** Whether something belongs to a spare. */
  has(id: string): boolean {
    return this.#making.has(id) || [...this.#shelves.values()].some((shelf) => shelf.some((spare) => spare.id === id))
  }

  /** What was made ahead for such a container, if there is something; what comes next is begun behind it. */
  take(wish: SpareWish): Taken | undefined {
    const kind = kindOf(wish)
    if (kind === undefined) return undefined
    const fits = fitOf(wish)
    const isRepeat = fits !== undefined && this.#last.get(kind) === fits
    this.#last.set(kind, fits)
    const spare = this.#pick(kind, fits)
    if (!spare) return undefined
    spare.reservation[Symbol.dispose]()
    setImmediate(() => {
      if (isRepeat) this.#parkOne(kind, wish, fits)
      if (this.#count(kind) < FEW) this.#make(kind, wish, MORE)
    })
    return spare
  }

  /** Begins a spare for containers like this one, unless there are some. */
  stock(wish: SpareWish): void {
    const kind = kindOf(wish)
    if (kind !== undefined && this.#count(kind) < FEW) this.#make(kind, wish, 1)
  }

  [Symbol.dispose](): void {
    this.#isDisposed = true
    clearTimeout(this.#timer)
    this.#expire(Number.POSITIVE_INFINITY)
  }

  /** Those of a kind that are there or begun. */
  #count(kind: string): number {
    const begun = [...this.#making.values()].filter((making) => making.kind === kind)
    return begun.length + (this.#shelves.get(kind)?.length ?? 0)
  }

  /** One that is launched, or else the oldest. Those that are of no use any more are given back. */
  #pick(kind: string, fits: string | undefined): Spare | undefined {
    const shelf = this.#shelves.get(kind) ?? []
    const [useful, useless] = partition(
      shelf,
      (spare) => spare.isCurrent() && (!spare.parked || isUseful(spare.parked, fits)),
    )
    for (const spare of useless) this.#giveBack(spare)
    const picked = useful.find(({ parked }) => parked) ?? useful[0]
    this.#shelves.set(
      kind,
      useful.filter((spare) => spare !== picked),
    )
    return picked
  }

  /** What cannot be made is not told here: who needs it will be told why. */
  #make(kind: string, { spec }: SpareWish, count: number): void {
    const begun = this.#isDisposed
      ? []
      : Array.from({ length: count }, () => this.#begin()).filter((one) => one !== undefined)
    if (begun.length === 0) return
    for (const { id } of begun) this.#making.set(id, { kind, isParking: false })
    void this.#prepared(begun, spec).then((spares) => {
      for (const { id } of begun) this.#making.delete(id)
      for (const spare of spares ?? []) this.#put(kind, spare)
      if (!spares) for (const one of begun) this.#giveBack(one)
    })
  }

  /** Undefined when no range of ids is left: a container without a spare will say so. */
  #begin(): Begun | undefined {
    let range: IdRange
    try {
      range = this.#deps.ranges.take()
    } catch {
      return undefined
    }
    const reservation = this.#deps.reserveName()
    return { id: newId(), range, name: reservation.name, reservation }
  }

  async #prepared(begun: readonly Begun[], spec: ContainerSpec): Promise<Spare[] | undefined> {
    const { roots, sandboxes } = this.#deps
    const use = { writable: !spec.readOnlyRoot, volatile: true }
    const ids = begun.map(({ id }) => id)
    const [rooted, networked] = await Promise.allSettled([
      roots.prepareAll(ids, spec.image, spec.platform, use, FOREVER),
      sandboxes.createAll(
        begun.map(({ id, name }) => sandboxRequest(id, name, spec)),
        FOREVER,
      ),
    ])
    if (rooted.status === 'rejected' || networked.status === 'rejected') return undefined
    const { roots: made, isCurrent } = rooted.value
    const madeMs = performance.now()
    const spares = begun.flatMap((one, index) => {
      const [root, sandbox] = [made[index], networked.value[index]]
      return root && sandbox ? [{ ...one, root, sandbox, madeMs, isCurrent: () => isCurrent() }] : []
    })
    return spares.length === begun.length ? spares : undefined
  }

  /** Launches one of the shelf, unless enough are. */
  #parkOne(kind: string, { spec, holdsOutput }: SpareWish, fits: string): void {
    const shelf = this.#shelves.get(kind) ?? []
    const parking = [...this.#making.values()].filter((making) => making.kind === kind && making.isParking)
    const spare = shelf.find(({ parked }) => !parked)
    // Volumes of the image are made with the container.
    if (!spare || spare.root.config.volumes.length > 0) return
    if (parking.length + shelf.filter(({ parked }) => parked).length >= MOST_PARKED) return
    shelf.splice(shelf.indexOf(spare), 1)
    this.#making.set(spare.id, { kind, isParking: true })
    const parked = this.#launch(spare, spec, holdsOutput, fits)
    void (parked?.isReady() ?? Promise.resolve(false)).then((isReady) => {
      this.#making.delete(spare.id)
      if (isReady) this.#put(kind, { ...spare, parked })
      else this.#giveBack({ ...spare, parked })
    })
  }

  #launch(spare: Spare, spec: ContainerSpec, holdsOutput: boolean, fits: string): Parked | undefined {
    try {
      return new Parked(this.#deps.launch(assemble({ ...spare, spec }, spare.root), spare.sandbox, holdsOutput), fits)
    } catch {
      return undefined
    }
  }

  /** Behind the others: the oldest goes first. */
  #put(kind: string, spare: Spare): void {
    if (this.#isDisposed) {
      this.#giveBack(spare)
      return
    }
    this.#shelves.set(kind, [...(this.#shelves.get(kind) ?? []), spare])
    this.#timer ??= setTimeout(() => {
      this.#timer = undefined
      this.#expire(performance.now() - KEPT_MS)
    }, EXPIRY_MS).unref()
  }

  /** Gives back what is older than a time. */
  #expire(beforeMs: number): void {
    for (const [kind, shelf] of [...this.#shelves]) {
      const [old, kept] = partition(shelf, ({ madeMs }) => madeMs <= beforeMs)
      this.#shelves.delete(kind)
      for (const spare of old) this.#giveBack(spare)
      for (const spare of kept) this.#put(kind, spare)
    }
    if (this.#shelves.size === 0) this.#last.clear()
  }

  #giveBack({ id, range, reservation, parked }: Begun & Pick<Taken, 'parked'>): void {
    reservation[Symbol.dispose]()
    this.#deps.discards.discardSoon({ id, range, gone: parked?.end() })
  }
}

const FOREVER = new AbortController().signal

const isUseful = (parked: Parked, fits: string | undefined): boolean => parked.fits === fits && !parked.isOver

function partition<T>(items: readonly T[], test: (item: T) => boolean): [T[], T[]] {
  const { in: inside = [], out: outside = [] } = Object.groupBy(items, (item) => (test(item) ? 'in' : 'out'))
  return [inside, outside]
}
