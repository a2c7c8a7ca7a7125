import type { Logger } from '@caisson/service-kit'
import { eachAnswer, type Message } from '../kernel/message.ts'
import { native } from '../kernel/native.ts'
import { hasCode, NETLINK_NETFILTER, NetlinkSocket } from '../kernel/netlink-socket.ts'
import { isTableRemoval, parseTable } from '../kernel/nftables/dump.ts'
import { addElements, deleteElements, deleteTable, dumpTables, type TableName } from '../kernel/nftables/object.ts'
import { transaction } from '../kernel/nftables/transaction.ts'
import type { BridgeNetwork } from '../network/network.ts'
import type { Publication } from '../publishing/published-port.ts'
import type { Endpoint } from '../sandbox/sandbox.ts'
import { addNetworkTo, firewallMessages, LEASES, leaseElement, tablesOf } from './firewall-rules.ts'
import { deleteNetwork } from './network-rules.ts'
import { addPorts, deletePorts } from './port-elements.ts'

const NFNLGRP_NFTABLES = 7

/**
 * This engine's own tables of nf_tables. They are owned by this socket where the kernel can do that (Linux 6.9): nobody
 * else can flush or change them, and they stay when the service ends, until its next run takes them over.
 */
export class Firewall implements Disposable {
  readonly #socket = NetlinkSocket.open(NETLINK_NETFILTER)
  readonly #tag: string
  readonly #log: Logger
  #owned: boolean
  #programmed = false

  /** `owned`: false where the kernel is known to have no owned tables. */
  constructor(tag: string, log: Logger, options: { owned: boolean } = { owned: true }) {
    this.#tag = tag
    this.#log = log
    this.#owned = options.owned
  }

  /** Replaces all rules in one transaction; without networks there are no tables. */
  program(
    networks: readonly BridgeNetwork[],
    endpoints: readonly Endpoint[],
    published: readonly Publication[] = [],
  ): void {
    try {
      this.#replace(networks, endpoints, published)
    } catch (error) {
      if (!this.#owned || !hasCode(error, 'ENOTSUP', 'EOPNOTSUPP', 'EINVAL')) throw error
      this.#log.warn('this kernel cannot protect the firewall rules from others (Linux 6.9 can): they are only watched')
      this.#owned = false
      this.#replace(networks, endpoints, published)
    }
    this.#programmed = networks.length > 0
  }

  /** One more network. False: the rules do not stand, or not as they were made, and have to be replaced. */
  addNetwork(network: BridgeNetwork): boolean {
    return this.#changeNetwork('add a network', addNetworkTo(tablesOf(this.#tag).route, network))
  }

  /** As addNetwork. */
  removeNetworks(networks: readonly BridgeNetwork[]): boolean {
    const { route } = tablesOf(this.#tag)
    return this.#changeNetwork(
      'remove networks',
      networks.flatMap((network) => deleteNetwork(route, network)),
    )
  }

  admit(endpoint: Endpoint): void {
    const { guard } = tablesOf(this.#tag)
    this.#socket.request('admit an endpoint', transaction(addElements(guard, LEASES, [leaseElement(endpoint)])))
  }

  /** What is not admitted, or not any more, is no error. */
  expel(endpoint: Endpoint): void {
    const { guard } = tablesOf(this.#tag)
    try {
      this.#socket.request('expel an endpoint', transaction(deleteElements(guard, LEASES, [leaseElement(endpoint)])))
    } catch (error) {
      if (!hasCode(error, 'ENOENT')) throw error
    }
  }

  /** Changes what is published in one transaction. ENOENT: something removed is not there, and nothing has changed. */
  publish(removed: readonly Publication[], added: readonly Publication[]): void {
    const { route } = tablesOf(this.#tag)
    const changes = [...deletePorts(route, removed), ...addPorts(route, added)]
    if (changes.length > 0) this.#socket.request('change the published ports', transaction(changes))
  }

  /** Which of the tables stand. */
  standing(): TableName[] {
    return Object.values(tablesOf(this.#tag)).filter((table) =>
      this.#socket
        .dump('list tables', dumpTables(table.family))
        .some((answer) => parseTable(answer)?.name === table.name),
    )
  }

  /** Calls back whenever somebody else removed one of the tables. */
  watch(onLoss: () => void): Disposable {
    const look = (datagram: Uint8Array | null): void => {
      if (datagram !== null && !this.#tellsOfRemoval(datagram)) return
      if (this.#programmed && this.standing().length < 2) onLoss()
    }
    const subscription = native.subscribe(NETLINK_NETFILTER, [NFNLGRP_NFTABLES], look)
    return { [Symbol.dispose]: () => native.unsubscribe(subscription) }
  }

  [Symbol.dispose](): void {
    this.#socket[Symbol.dispose]()
  }

  #changeNetwork(operation: string, changes: readonly Message[]): boolean {
    if (!this.#programmed) return false
    try {
      this.#socket.request(operation, transaction(changes))
      return true
    } catch (error) {
      if (hasCode(error, 'ENOENT', 'EEXIST', 'EBUSY', 'ENOTEMPTY')) return false
      throw error
    }
  }

  #tellsOfRemoval(datagram: Uint8Array): boolean {
    const { name } = tablesOf(this.#tag).route
    for (const answer of eachAnswer(datagram))
      if (isTableRemoval(answer) && parseTable(answer)?.name === name) return true
    return false
  }

  #replace(
    networks: readonly BridgeNetwork[],
    endpoints: readonly Endpoint[],
    published: readonly Publication[],
  ): void {
    const before = this.standing().map(deleteTable)
    const after =
      networks.length > 0 ? firewallMessages(this.#tag, networks, endpoints, published, { owned: this.#owned }) : []
    if (before.length + after.length > 0)
      this.#socket.request('replace the firewall rules', transaction([...before, ...after]))
  }
}
