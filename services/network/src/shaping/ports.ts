import type { Wire } from '../sandbox/sandbox.ts'
import type { Bandwidth } from './bandwidth.ts'

/** What shaping needs of this machine. */
export type ShapingHost = {
  /**
   * Makes these the limits of an endpoint in a living namespace, in place of those that it had; no limit leaves none
   * behind. Throws when the interface is gone.
   */
  shape(namespaceId: string, wire: Wire, bandwidth: Bandwidth): Promise<void>
}

/** What survives; each method is part of the transaction around it. */
export type ShapingStore = {
  passing<T>(work: () => T): T
  /** By the id of the sandbox. */
  bandwidths(): Map<string, Bandwidth>
  /** In place of what was there; it goes with the sandbox. Unlimited: none. */
  setBandwidth(sandboxId: string, bandwidth: Bandwidth): void
}
