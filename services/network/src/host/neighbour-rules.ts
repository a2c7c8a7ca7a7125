import { ipv6Bytes, linkLocalOf } from '../ipam/ipv6.ts'
import type { Message } from '../kernel/message.ts'
import {
  compare,
  type Expression,
  interfaceName,
  loadMeta,
  loadPayload,
  lookup,
  verdict,
} from '../kernel/nftables/expression.ts'
import {
  addElements,
  appendRule,
  concatenate,
  createSet,
  type Element,
  type TableName,
} from '../kernel/nftables/object.ts'
import type { Endpoint } from '../sandbox/sandbox.ts'
import { dropAndCount, ETHER_SOURCE, ETHERTYPE_IPV6, ICMPV6, IPV6_SOURCE, protocolIs } from './rule-parts.ts'

/**
 * What a port of a bridge may say in IPv6, as messages: pure. It sends from the addresses of its container, and in the
 * messages of neighbour discovery (RFC 4861) names no other: neither as what it has, nor with another MAC address.
 */

export const IPV6_LEASES = 'ipv6_leases'

const SOLICITATION = 135
const ADVERTISEMENT = 136

// Offsets in the headers.
const PAYLOAD_LENGTH = 4
const NEXT_HEADER = 6
const TARGET = 8
const OPTION = 24
const OPTION_MAC = 26

// Registers: the interface takes four, its MAC address two, an address of IPv6 four.
const MAC = 4
const ADDRESS = 6

const isIcmp: readonly Expression[] = [
  ...protocolIs(ETHERTYPE_IPV6),
  loadMeta('layer4Protocol', 0),
  compare(0, 'equal', ICMPV6),
]

const typeIs = (type: number): readonly Expression[] => [
  loadPayload('transport', 0, 1, 0),
  compare(0, 'equal', Uint8Array.of(type)),
]

/** Directly behind the header of IPv6, and so long: nothing else can be in it. */
const isPlain = (length: number): readonly Expression[] => [
  loadPayload('network', NEXT_HEADER, 1, 0),
  compare(0, 'equal', ICMPV6),
  loadPayload('network', PAYLOAD_LENGTH, 2, 0),
  compare(0, 'equal', Uint8Array.of(length >>> 8, length & 0xff)),
]

const fromItself: readonly Expression[] = [
  loadMeta('interfaceIn', 0),
  loadPayload('link', ETHER_SOURCE, 6, MAC),
  loadPayload('network', IPV6_SOURCE, 16, ADDRESS),
  lookup(IPV6_LEASES, 0),
]

/** The target is an address of its own: what fromItself loaded stands around it. */
const forItself: readonly Expression[] = [loadPayload('transport', TARGET, 16, ADDRESS), lookup(IPV6_LEASES, 0)]

/** The one option is the MAC address of the link, and its own. */
const withOwnMac = (option: number): readonly Expression[] => [
  loadPayload('transport', OPTION_MAC, 6, MAC),
  lookup(IPV6_LEASES, 0),
  loadPayload('transport', OPTION, 2, 0),
  compare(0, 'equal', Uint8Array.of(option, 1)),
]

const messages: readonly (readonly Expression[])[] = [
  [...typeIs(SOLICITATION), ...isPlain(24), ...fromItself],
  [...typeIs(SOLICITATION), ...isPlain(32), ...fromItself, ...withOwnMac(1)],
  [...typeIs(ADVERTISEMENT), ...isPlain(24), ...fromItself, ...forItself],
  [...typeIs(ADVERTISEMENT), ...isPlain(32), ...fromItself, ...forItself, ...withOwnMac(2)],
]

/** For the chain that watches the ports. `setId` as for createSet. */
export function neighbourRules(
  table: TableName,
  chain: string,
  endpoints: readonly Endpoint[],
  setId: number,
): Message[] {
  const rule = (...expressions: readonly Expression[]): Message => appendRule(table, chain, expressions)
  return [
    createSet(table, { name: IPV6_LEASES, key: ['interface', 'ethernet', 'ipv6'] }, setId),
    ...addElements(table, IPV6_LEASES, endpoints.flatMap(ipv6LeaseElements)),
    ...messages.map((message) => rule(...isIcmp, ...message, verdict('accept'))),
    // From routers (133 asks for them), and what of the above is not true.
    rule(
      ...isIcmp,
      loadPayload('transport', 0, 1, 0),
      compare(0, 'greaterOrEqual', Uint8Array.of(133)),
      compare(0, 'lessOrEqual', Uint8Array.of(137)),
      ...dropAndCount,
    ),
    rule(...protocolIs(ETHERTYPE_IPV6), ...fromItself, verdict('accept')),
  ]
}

/** Port, MAC address and IPv6 address that belong together: that of the network, and that of the link. */
export function ipv6LeaseElements({ portName, mac, ipv6 }: Endpoint): Element[] {
  if (ipv6 === undefined) return []
  return [ipv6, linkLocalOf(mac)].map((address) => ({
    key: concatenate([interfaceName(portName), mac, ipv6Bytes(address)]),
  }))
}
