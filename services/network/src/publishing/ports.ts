import type { HostPorts, Publication } from './published-port.ts'

/** What publishing needs of this machine. */
export type PublishingHost = {
  /**
   * Keeps these ports from every other process until disposed; of many ports it only sees that nobody has them. Throws
   * PORT_IN_USE with who has it, and ADDRESS_NOT_LOCAL.
   */
  holdPorts(ports: HostPorts): Promise<Disposable>
  /** Ports that are for whoever asks for any. */
  ephemeralPorts(): { readonly first: number; readonly last: number }
  /**
   * Changes, in one step, where connections go. Connections of what was removed end, and flows that began before what was
   * added begin anew. Removing what is not there is no error.
   */
  publish(removed: readonly Publication[], added: readonly Publication[]): void
}

/** What survives; each method is part of the transaction around it. */
export type PublishingStore = {
  passing<T>(work: () => T): T
  publications(): Publication[]
  /** In place of what was there; it goes with the sandbox. */
  setPublished(publication: Publication): void
}
