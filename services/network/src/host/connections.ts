import { networkInterfaces } from 'node:os'
import { type Address, addressBytes, addressOfBytes, formatAddress } from '../ipam/address.ts'
import {
  type Connection,
  deleteConnection,
  dumpConnectionsMeantFor,
  dumpConnectionsTo,
  parseConnection,
} from '../kernel/conntrack/connection.ts'
import type { Message } from '../kernel/message.ts'
import { hasCode, NETLINK_NETFILTER, NetlinkSocket } from '../kernel/netlink-socket.ts'
import { lastOf, type Publication, type PublishedPort, share } from '../publishing/published-port.ts'
import { protocolNumbers } from './port-elements.ts'

/** What the kernel remembers of connections through published ports; rules only decide about the first packet of each. */
export class Connections implements Disposable {
  readonly #socket = NetlinkSocket.open(NETLINK_NETFILTER)

  /** Ends those that came through these ports. */
  endThrough(publications: readonly Publication[]): void {
    for (const { address: ipv4, ipv6, ports } of publications) {
      if (ports.length === 0) continue
      for (const address of ipv6 === undefined ? [ipv4] : [ipv4, ipv6.address]) {
        const found = this.#list(dumpConnectionsTo(addressBytes(address)))
        this.#end(found.filter((connection) => ports.some((port) => cameThrough(connection, port, address))))
      }
    }
  }

  /** Ends flows of UDP that these ports would not see: a sender that never pauses would stay with the host forever. */
  endPast(publications: readonly Publication[]): void {
    const ports = publications
      .flatMap((publication) => publication.ports)
      .filter(({ transport }) => transport === 'udp')
    if (ports.length === 0) return
    const [only, second] = ports
    const single = second === undefined && only?.count === 1 ? only.hostPort : undefined
    const own = ownAddresses()
    const families = publications.some(({ ipv6 }) => ipv6 !== undefined)
      ? (['ipv4', 'ipv6'] as const)
      : (['ipv4'] as const)
    for (const family of families) {
      const found = this.#list(dumpConnectionsMeantFor(family, protocolNumbers.udp, single))
      this.#end(
        found.filter((connection) => isHosts(connection, own) && ports.some((port) => isMeant(connection, port))),
      )
    }
  }

  [Symbol.dispose](): void {
    this.#socket[Symbol.dispose]()
  }

  #list(dump: Message): Connection[] {
    return this.#socket
      .request('list connections', [dump])
      .map(parseConnection)
      .filter((connection) => connection !== undefined)
  }

  #end(connections: readonly Connection[]): void {
    for (const connection of connections)
      try {
        this.#socket.request('end a connection', [deleteConnection(connection)])
      } catch (error) {
        if (!hasCode(error, 'ENOENT')) throw error
      }
  }
}

function isMeant({ original }: Connection, port: PublishedPort): boolean {
  return (
    original.protocol === protocolNumbers[port.transport] &&
    original.destinationPort >= port.hostPort &&
    original.destinationPort <= lastOf(port) &&
    share(port.hostAddress, addressOfBytes(original.destination))
  )
}

function cameThrough(connection: Connection, port: PublishedPort, address: Address): boolean {
  const inside = connection.original.destinationPort - port.hostPort + port.containerPort
  return (
    isMeant(connection, port) &&
    addressOfBytes(connection.reply.source) === address &&
    connection.reply.sourcePort === inside
  )
}

/** Whether it was meant for the host and stayed there. */
const isHosts = ({ original, reply }: Connection, own: ReadonlySet<string>): boolean =>
  original.destination.equals(reply.source) && own.has(formatAddress(addressOfBytes(original.destination)))

const ownAddresses = (): ReadonlySet<string> =>
  new Set(Object.values(networkInterfaces()).flatMap((all) => (all ?? []).map(({ address }) => address)))
