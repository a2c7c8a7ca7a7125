import { ipv6Bytes } from '../ipam/ipv6.ts'
import type { Message } from '../kernel/message.ts'
import {
  compare,
  counter,
  type Expression,
  interfaceName,
  loadMeta,
  loadPayload,
  maskBits,
  masquerade,
  verdict,
} from '../kernel/nftables/expression.ts'
import {
  DESTINATION_CHANGED,
  destinationNat,
  LOCAL_ADDRESS,
  loadAddressType,
  loadConnectionStatus,
  lookupValue,
} from '../kernel/nftables/nat.ts'
import {
  appendRule,
  type Chain,
  createChain,
  createSet,
  type SetDefinition,
  type TableName,
} from '../kernel/nftables/object.ts'
import { type BridgeNetwork, subnetsOf } from '../network/network.ts'
import {
  fromSubnet,
  IPV4_DESTINATION,
  IPV4_SOURCE,
  IPV6_DESTINATION,
  IPV6_SOURCE,
  isIpv4,
  isIpv6,
} from './rule-parts.ts'

/**
 * How published ports get to their sandboxes, as messages: pure. Each mapping is an element of one of three maps a family, so the
 * number of mappings costs a packet nothing. A range whose ports keep their numbers is one element of `spans`. One that
 * shifts them is an element a port: nf_tables cannot add to a port, and a nat to a range of ports does not keep the
 * offset on any kernel (it takes the first one that is free).
 */

/** The maps of one family, and how a packet of it is read. */
export type PortFamily = {
  readonly isOfFamily: readonly Expression[]
  readonly name: 'ipv4' | 'ipv6'
  readonly spans: string
  readonly at: string
  readonly any: string
  readonly published: Chain
  /** Of an address, in bytes and registers. */
  readonly bytes: number
  readonly registers: number
  readonly destination: number
}

export const portFamilies = {
  ipv4: {
    isOfFamily: isIpv4,
    name: 'ipv4',
    spans: 'published_spans',
    at: 'published_at',
    any: 'published_any',
    published: { name: 'published' },
    bytes: 4,
    registers: 1,
    destination: IPV4_DESTINATION,
  },
  ipv6: {
    isOfFamily: isIpv6,
    name: 'ipv6',
    spans: 'published_spans_ipv6',
    at: 'published_at_ipv6',
    any: 'published_any_ipv6',
    published: { name: 'published_ipv6' },
    bytes: 16,
    registers: 4,
    destination: IPV6_DESTINATION,
  },
} as const satisfies Record<string, PortFamily>

const setsOf = ({ name, spans, at, any }: PortFamily): SetDefinition[] => [
  { name: spans, key: [name, 'protocol', 'port'], data: [name], ranges: true },
  { name: at, key: [name, 'protocol', 'port'], data: [name, 'port'] },
  { name: any, key: ['protocol', 'port'], data: [name, 'port'] },
]

const LOOPBACK = { net: Uint8Array.of(127, 0, 0, 0), mask: Uint8Array.of(255, 0, 0, 0) }
const IPV6_LOOPBACK = ipv6Bytes(1n)
const NOTHING = Uint8Array.of(0, 0, 0, 0)
const DESTINATION_PORT = 2

const chains = {
  martians: { name: 'martians', base: { type: 'filter', hook: 'prerouting', priority: -300 } },
  arriving: { name: 'published_in', base: { type: 'nat', hook: 'prerouting', priority: -100 } },
  leaving: { name: 'published_out', base: { type: 'nat', hook: 'output', priority: -100 } },
} as const satisfies Record<string, Chain>

const loopback = (offset: number, comparison: 'equal' | 'notEqual'): readonly Expression[] => [
  loadPayload('network', offset, 4, 0),
  maskBits(0, 0, LOOPBACK.mask),
  compare(0, comparison, LOOPBACK.net),
]

const toThisHost: readonly Expression[] = [loadAddressType(0), compare(0, 'equal', LOCAL_ADDRESS)]

/** The packet belongs to a connection that was sent on to a sandbox. */
export const isForwarded: readonly Expression[] = [
  loadConnectionStatus(0),
  maskBits(0, 0, DESTINATION_CHANGED),
  compare(0, 'notEqual', NOTHING),
]

const protocolAndPort = (from: number): readonly Expression[] => [
  loadMeta('layer4Protocol', from),
  loadPayload('transport', DESTINATION_PORT, 2, from + 1),
]

/** Behind the rules of other families. */
function publishedRules(family: PortFamily): (readonly Expression[])[] {
  const { spans, at, any, registers, name } = family
  const key = [loadPayload('network', family.destination, family.bytes, 0), ...protocolAndPort(registers)]
  const [address, port] = [VALUE, VALUE + registers]
  return [
    [...key, lookupValue(spans, 0, address), destinationNat(name, address)],
    [...key, lookupValue(at, 0, address), destinationNat(name, address, port)],
    [...protocolAndPort(0), lookupValue(any, 0, address), destinationNat(name, address, port)],
  ]
}

// Behind the longest key, which takes six registers.
const VALUE = 8

/**
 * A container that calls the host's address gets back to its own network: its neighbour would answer it directly, past
 * the translation. Whoever comes from the host's loopback has an address that means nothing to the container.
 */
const hairpinRules = ({ bridge }: BridgeNetwork): (readonly Expression[])[] =>
  subnetsOf(bridge).map((subnet) => [
    ...fromSubnet(subnet),
    loadMeta('interfaceOut', 0),
    compare(0, 'equal', interfaceName(bridge.name)),
    ...isForwarded,
    counter(),
    masquerade(),
  ])

/** `postrouting`: a chain of type nat; `fromBridge`, `toBridge`: that the packet comes from a network, or goes to one. */
export function portRules(
  table: TableName,
  networks: readonly BridgeNetwork[],
  around: { postrouting: string; fromBridge: readonly Expression[]; toBridge: readonly Expression[] },
): Message[] {
  const rule = (chain: string, ...expressions: readonly Expression[]): Message => appendRule(table, chain, expressions)
  const { martians, arriving, leaving } = chains
  const families = Object.values(portFamilies)
  return [
    ...families.flatMap(setsOf).map((set, index) => createSet(table, set, 11 + index)),
    ...[...families.map(({ published }) => published), ...Object.values(chains)].map((chain) =>
      createChain(table, chain),
    ),
    // The bridges route the loopback's addresses once a port is published: nobody inside may use them.
    rule(
      martians.name,
      ...around.fromBridge,
      ...isIpv4,
      ...loopback(IPV4_DESTINATION, 'equal'),
      counter(),
      verdict('drop'),
    ),
    rule(martians.name, ...around.fromBridge, ...isIpv4, ...loopback(IPV4_SOURCE, 'equal'), counter(), verdict('drop')),
    ...families.flatMap((family) => publishedRules(family).map((each) => rule(family.published.name, ...each))),
    // From outside nothing is for the loopback, whatever a packet says.
    rule(
      arriving.name,
      ...isIpv4,
      ...loopback(IPV4_DESTINATION, 'notEqual'),
      ...toThisHost,
      verdict({ jump: portFamilies.ipv4.published.name }),
    ),
    // Of IPv6 the kernel sees to that itself.
    rule(arriving.name, ...isIpv6, ...toThisHost, verdict({ jump: portFamilies.ipv6.published.name })),
    ...families.map(({ isOfFamily, published }) =>
      rule(leaving.name, ...isOfFamily, ...toThisHost, verdict({ jump: published.name })),
    ),
    rule(around.postrouting, ...around.toBridge, ...isIpv4, ...loopback(IPV4_SOURCE, 'equal'), counter(), masquerade()),
    rule(
      around.postrouting,
      ...around.toBridge,
      ...isIpv6,
      loadPayload('network', IPV6_SOURCE, 16, 0),
      compare(0, 'equal', IPV6_LOOPBACK),
      counter(),
      masquerade(),
    ),
    ...networks.flatMap(hairpinRules).map((each) => rule(around.postrouting, ...each)),
  ]
}
