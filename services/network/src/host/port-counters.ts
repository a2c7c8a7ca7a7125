import { type Answer, NLM_F_DUMP_INTR } from '../kernel/message.ts'
import { hasCode, NETLINK_ROUTE, NetlinkSocket } from '../kernel/netlink-socket.ts'
import { dumpLinkCounters, getLink, parseLinkCounters, parseLinkName } from '../kernel/rtnetlink/link.ts'
import type { Endpoint } from '../sandbox/sandbox.ts'
import { type InterfaceCounters, NOTHING_YET, seenFromOtherEnd, sumOf } from '../traffic/counters.ts'

const TRIES = 5

/**
 * What went through the wires of sandboxes, read at the ends that the host has: one list of all costs less than entering a
 * single namespace.
 */
export class PortCounters implements Disposable {
  readonly #reading = NetlinkSocket.open(NETLINK_ROUTE)
  readonly #leaving = NetlinkSocket.open(NETLINK_ROUTE)
  /** By the id of the network. */
  readonly #departed = new Map<string, InterfaceCounters>()

  /** As seen from inside, by the name of the port. Off the event loop. */
  async all(): Promise<Map<string, InterfaceCounters>> {
    const counters = new Map<string, InterfaceCounters>()
    for (const answer of await this.#dump()) {
      const found = parseLinkCounters(answer)
      if (found !== undefined) counters.set(parseLinkName(answer), seenFromOtherEnd(found))
    }
    return counters
  }

  /** Remembers what went through a port that is about to go; one that is gone is no error. */
  leave({ portName, networkId }: Endpoint): void {
    try {
      const [last] = this.#leaving
        .request(`read the counters of ${portName}`, [getLink(portName)])
        .map(parseLinkCounters)
      if (last === undefined) return
      const before = this.#departed.get(networkId) ?? NOTHING_YET
      this.#departed.set(networkId, sumOf(before, seenFromOtherEnd(last)))
    } catch (error) {
      if (!hasCode(error, 'ENODEV')) throw error
    }
  }

  /** Of all ports that left since this process began, by the id of the network. */
  departed(): ReadonlyMap<string, InterfaceCounters> {
    return this.#departed
  }

  /** For a network that is gone. */
  forget(networkId: string): void {
    this.#departed.delete(networkId)
  }

  [Symbol.dispose](): void {
    this.#reading[Symbol.dispose]()
    this.#leaving[Symbol.dispose]()
  }

  async #dump(): Promise<Answer[]> {
    for (let tries = 0; tries < TRIES; tries++) {
      const answers = await this.#reading.requestAsync('read the counters of interfaces', [dumpLinkCounters()])
      // The last try is taken as it is: an interface that came or went meanwhile may be missing.
      if (tries === TRIES - 1 || answers.every(({ flags }) => (flags & NLM_F_DUMP_INTR) === 0)) return answers
    }
    return []
  }
}
