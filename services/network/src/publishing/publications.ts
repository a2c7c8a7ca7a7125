import type { Logger } from '@caisson/service-kit'
import { Claims, type ReservedPorts } from './claims.ts'
import { describePorts } from './describe.ts'
import type { PublishingHost, PublishingStore } from './ports.ts'
import {
  isSameHostSide,
  isSamePort,
  type PortWish,
  type Publication,
  type PublishedPort,
  type Target,
} from './published-port.ts'

export type PublicationsOptions = {
  readonly host: PublishingHost
  readonly store: PublishingStore
  readonly log: Logger
  readonly reserved?: readonly ReservedPorts[]
}

/** What the sandboxes of this host publish: who has which port, and the rules that send connections there. */
export class Publications {
  readonly #options: PublicationsOptions
  readonly #claims: Claims
  /** What the host's rules say, by sandbox. */
  readonly #live = new Map<string, Publication>()

  constructor(options: PublicationsOptions) {
    this.#options = options
    this.#claims = new Claims(options.host, options.reserved)
  }

  /** After a start: these are published already, whatever the host thinks of it. Their ports are taken again. */
  load(): void {
    for (const publication of this.#options.store.publications()) {
      this.#live.set(publication.sandboxId, publication)
      for (const port of publication.ports) void this.#retake(publication.sandboxId, port)
    }
  }

  /** What the rules have to say. */
  live(): Publication[] {
    return [...this.#live.values()]
  }

  of(sandboxId: string): readonly PublishedPort[] {
    return this.#live.get(sandboxId)?.ports ?? []
  }

  /** Makes ports a sandbox's own before there is one; no port leads there yet. Throws as Claims.take. */
  claim(sandboxId: string, wishes: readonly PortWish[]): Promise<PublishedPort[]> {
    return this.#claims.take(sandboxId, wishes)
  }

  /** Sends connections there, once it is ready. Part of the transaction that records the sandbox. */
  publish(publication: Publication): void {
    if (publication.ports.length === 0) return
    this.#options.store.setPublished(publication)
    this.#options.host.publish([], [publication])
    this.#live.set(publication.sandboxId, publication)
  }

  /**
   * Puts a new list in place of the old one in one step; what stays the same is not touched. `record` is part of the
   * transaction. Throws as Claims.take.
   */
  async replace(sandboxId: string, target: Target, wishes: readonly PortWish[], record: () => void): Promise<void> {
    const before = this.of(sandboxId)
    const goes = before.filter((port) => !wishes.some((wish) => isSameHostSide(wish, port)))
    const comes = wishes.filter((wish) => !before.some((port) => isSameHostSide(wish, port)))
    const taken = await this.#claims.take(sandboxId, comes, goes)
    const stays = wishes.filter((wish) => !comes.includes(wish))
    try {
      this.#options.store.passing(() => {
        record()
        this.#change(sandboxId, target, [...stays, ...taken])
      })
    } catch (error) {
      await this.#claims.giveBack(sandboxId, taken, goes)
      throw error
    }
  }

  /** Sends the same connections to another place of the sandbox; without one, it publishes nothing any more. */
  retarget(sandboxId: string, target: Target | undefined): void {
    const { store, host } = this.#options
    const before = this.#live.get(sandboxId)
    if (before === undefined) return
    if (before.address === target?.address && before.portName === target.portName) return
    const after = target && { ...before, ...target }
    store.passing(() => {
      store.setPublished(after ?? { ...before, ports: [] })
      host.publish([before], after ? [after] : [])
    })
    this.#live.delete(sandboxId)
    if (after) this.#live.set(sandboxId, after)
    else this.#claims.release(sandboxId)
  }

  /** Ends it: nothing leads there any more, and others may have the ports. Nothing to end is no error. */
  withdraw(sandboxId: string): void {
    const publication = this.#live.get(sandboxId)
    if (publication !== undefined) this.#options.host.publish([publication], [])
    this.#live.delete(sandboxId)
    this.#claims.release(sandboxId)
  }

  #change(sandboxId: string, target: Target, ports: readonly PublishedPort[]): void {
    const { store, host } = this.#options
    const before = this.of(sandboxId)
    const only = (some: readonly PublishedPort[], others: readonly PublishedPort[]): Publication => ({
      ...target,
      sandboxId,
      ports: some.filter((port) => !others.some((other) => isSamePort(port, other))),
    })
    store.setPublished({ ...target, sandboxId, ports })
    host.publish([only(before, ports)], [only(ports, before)])
    if (ports.length > 0) this.#live.set(sandboxId, { ...target, sandboxId, ports })
    else this.#live.delete(sandboxId)
  }

  async #retake(sandboxId: string, port: PublishedPort): Promise<void> {
    const refusal = await this.#claims.retake(sandboxId, port)
    if (refusal === undefined) return
    this.#options.log.warn(
      { sandbox: sandboxId, err: refusal },
      `${describePorts(port)} could not be held against processes of the host: it is published all the same`,
    )
  }
}
