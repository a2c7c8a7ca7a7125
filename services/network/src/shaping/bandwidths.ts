import type { Logger } from '@caisson/service-kit'
import type { Wire } from '../sandbox/sandbox.ts'
import { type Bandwidth, isUnlimited, UNLIMITED } from './bandwidth.ts'
import type { ShapingHost, ShapingStore } from './ports.ts'

export type BandwidthsOptions = {
  readonly host: ShapingHost
  readonly store: ShapingStore
  readonly log: Logger
}

/** The limits of the sandboxes of this host: each interface of one has the limits of the sandbox. */
export class Bandwidths {
  readonly #options: BandwidthsOptions
  readonly #bySandbox = new Map<string, Bandwidth>()

  constructor(options: BandwidthsOptions) {
    this.#options = options
  }

  /** After a start: what is recorded. */
  load(): void {
    for (const [id, bandwidth] of this.#options.store.bandwidths()) this.#bySandbox.set(id, bandwidth)
  }

  of(sandboxId: string): Bandwidth {
    return this.#bySandbox.get(sandboxId) ?? UNLIMITED
  }

  /** Ids of the sandboxes that have limits. */
  limited(): string[] {
    return [...this.#bySandbox.keys()]
  }

  /** Records them. Part of the transaction that records the sandbox. */
  record(sandboxId: string, bandwidth: Bandwidth): void {
    this.#options.store.setBandwidth(sandboxId, bandwidth)
    if (isUnlimited(bandwidth)) this.#bySandbox.delete(sandboxId)
    else this.#bySandbox.set(sandboxId, bandwidth)
  }

  /** Limits interfaces that have none yet. */
  async apply(namespaceId: string, wires: readonly Wire[], bandwidth: Bandwidth): Promise<void> {
    if (!isUnlimited(bandwidth)) await this.#shape(namespaceId, wires, bandwidth)
  }

  /** Puts other limits in place; when one cannot be, all are as they were. `record` is part of the transaction. */
  async change(
    sandboxId: string,
    inside: { readonly namespaceId: string; readonly wires: readonly Wire[] },
    bandwidth: Bandwidth,
    record: () => void,
  ): Promise<void> {
    const before = this.of(sandboxId)
    try {
      await this.#shape(inside.namespaceId, inside.wires, bandwidth)
      this.#options.store.passing(() => {
        record()
        this.#options.store.setBandwidth(sandboxId, bandwidth)
      })
    } catch (error) {
      await this.restore(sandboxId, inside, before)
      throw error
    }
    if (isUnlimited(bandwidth)) this.#bySandbox.delete(sandboxId)
    else this.#bySandbox.set(sandboxId, bandwidth)
  }

  /** Makes sure that the limits stand, as after a start. What cannot be mended is told, and tried again by the next start. */
  async restore(
    sandboxId: string,
    { namespaceId, wires }: { readonly namespaceId: string; readonly wires: readonly Wire[] },
    bandwidth = this.of(sandboxId),
  ): Promise<void> {
    try {
      await this.#shape(namespaceId, wires, bandwidth)
    } catch (error) {
      this.#options.log.error({ err: error, sandbox: sandboxId }, 'bandwidth limits could not be put in place')
    }
  }

  forget(sandboxId: string): void {
    this.#bySandbox.delete(sandboxId)
  }

  async #shape(namespaceId: string, wires: readonly Wire[], bandwidth: Bandwidth): Promise<void> {
    for (const wire of wires) await this.#options.host.shape(namespaceId, wire, bandwidth)
  }
}
