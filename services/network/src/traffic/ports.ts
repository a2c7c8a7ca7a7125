import type { InterfaceCounters } from './counters.ts'

/** What counting needs of this machine. */
export type TrafficHost = {
  /** As seen from inside, of every interface that has its other end on the host, by the name of that port. */
  portCounters(): Promise<ReadonlyMap<string, InterfaceCounters>>
  /** Of all endpoints that were expelled since this process began, by the id of their network. */
  departedCounters(): ReadonlyMap<string, InterfaceCounters>
  /** For a network that is gone. */
  forgetCounters(networkId: string): void
}
