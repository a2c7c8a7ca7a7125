import { ipv4Bytes } from '../ipam/ipv4.ts'
import type { Message } from '../kernel/message.ts'
import {
  compare,
  counter,
  type Expression,
  interfaceName,
  loadMeta,
  loadPayload,
  lookup,
  lookupVerdict,
  masquerade,
  verdict,
} from '../kernel/nftables/expression.ts'
import {
  addElements,
  appendRule,
  type Chain,
  concatenate,
  createChain,
  createSet,
  createTable,
  type Element,
  type TableName,
} from '../kernel/nftables/object.ts'
import type { BridgeNetwork } from '../network/network.ts'
import type { Publication } from '../publishing/published-port.ts'
import type { Endpoint } from '../sandbox/sandbox.ts'
import { internalForwardRules, internalObjects } from './internal-rules.ts'
import { metadataObjects, metadataRules } from './metadata-rules.ts'
import { addNetwork, BRIDGES, networkObjects, networkRules, PAIRS } from './network-rules.ts'
import { addPorts } from './port-elements.ts'
import { hairpinRule, isForwarded, portRules } from './port-rules.ts'
import { dropAndCount, fromSubnet, IPV4_SOURCE, stateIs } from './rule-parts.ts'

/**
 * What the firewall says, as messages: pure. Two tables an engine: one that forwards between networks and outside, and one
 * that watches the ports of the bridges.
 */

export const BRIDGE_PREFIX = 'csn'
export const PORT_PREFIX = 'csp'

export type Tables = { readonly route: TableName; readonly guard: TableName }

export const tablesOf = (tag: string): Tables => ({
  route: { family: 'inet', name: `caisson_${tag}` },
  guard: { family: 'bridge', name: `caisson_${tag}` },
})

const ETHERTYPE_IPV4 = Uint8Array.of(0x08, 0x00)
const ETHERTYPE_ARP = Uint8Array.of(0x08, 0x06)
// Ethernet addresses of six bytes, IPv4 addresses of four (RFC 826).
const ARP_OVER_ETHERNET = Uint8Array.of(0x00, 0x01, 0x08, 0x00, 6, 4)

// Offsets in the headers.
const ETHER_SOURCE = 6
const ETHER_TYPE = 12
const ARP_SENDER_MAC = 8
const ARP_SENDER_ADDRESS = 14

const chains = {
  raw: { name: 'raw', base: { type: 'filter', hook: 'prerouting', priority: -300 } },
  forward: { name: 'forward', base: { type: 'filter', hook: 'forward', priority: 0 } },
  postrouting: { name: 'postrouting', base: { type: 'nat', hook: 'postrouting', priority: 100 } },
  ports: { name: 'ports', base: { type: 'filter', hook: 'prerouting', priority: -300 } },
} as const satisfies Record<string, Chain>

// Sets of the tables.
export const LEASES = 'leases'

const fromBridge: readonly Expression[] = [loadMeta('interfaceIn', 0), lookup(BRIDGES, 0)]
const toBridge: readonly Expression[] = [loadMeta('interfaceOut', 0), lookup(BRIDGES, 0)]

/** What leaves a network for outside gets the host's address. */
const masqueradeRule = ({ bridge }: BridgeNetwork): readonly Expression[] => [
  ...fromSubnet(bridge.subnet),
  loadMeta('interfaceOut', 0),
  compare(0, 'notEqual', interfaceName(bridge.name)),
  counter(),
  masquerade(),
]

/** What the table says of one network. */
export const addNetworkTo = (table: TableName, network: BridgeNetwork): Message[] =>
  addNetwork(table, network, [
    ...(network.bridge.masquerade && !network.bridge.internal ? [masqueradeRule(network)] : []),
    hairpinRule(network),
  ])

function routeTable(
  table: TableName,
  networks: readonly BridgeNetwork[],
  published: readonly Publication[],
): Message[] {
  const rule = (chain: Chain, ...expressions: readonly Expression[]): Message =>
    appendRule(table, chain.name, expressions)
  return [
    createSet(table, { name: BRIDGES, key: ['interface'] }, 1),
    createSet(table, { name: PAIRS, key: ['interface', 'interface'], verdicts: true }, 2),
    ...networkObjects(table, 5),
    createChain(table, chains.raw),
    createChain(table, chains.forward),
    createChain(table, chains.postrouting),
    ...internalObjects(table, PAIRS, 4),
    ...metadataObjects(table, 6),
    ...metadataRules(table, chains.raw.name),
    ...internalForwardRules(table, chains.forward.name),
    rule(chains.forward, ...toBridge, ...stateIs('established', 'related'), verdict('accept')),
    // Containers of one network; the kernel shows bridged packets here, too (br_netfilter).
    rule(chains.forward, loadMeta('interfaceIn', 0), loadMeta('interfaceOut', 4), lookupVerdict(PAIRS, 0)),
    // Published ports, which are for everybody.
    rule(chains.forward, ...toBridge, ...isForwarded, verdict('accept')),
    rule(chains.forward, ...fromBridge, ...isForwarded, verdict('accept')),
    // Into any network from outside it, those of other engines on this machine included.
    rule(chains.forward, ...toBridge, ...dropAndCount),
    rule(
      chains.forward,
      ...fromBridge,
      loadMeta('interfaceOut', 0),
      compare(0, 'equal', Buffer.from(BRIDGE_PREFIX)),
      ...dropAndCount,
    ),
    rule(chains.forward, ...fromBridge, ...stateIs('invalid'), ...dropAndCount),
    ...networkRules(table, chains.postrouting.name),
    ...portRules(table, { postrouting: chains.postrouting.name, fromBridge, toBridge }),
    ...addPorts(table, published),
    ...networks.flatMap((network) => addNetworkTo(table, network)),
  ]
}

/** Where the packet came in and from which Ethernet address it says it is. */
const portAndMac: readonly Expression[] = [loadMeta('interfaceIn', 0), loadPayload('link', ETHER_SOURCE, 6, 4)]

/** As it stands in the frame: what the kernel calls the protocol of a tagged frame is that behind its tag. */
const protocolIs = (protocol: Uint8Array): readonly Expression[] => [
  loadPayload('link', ETHER_TYPE, 2, 0),
  compare(0, 'equal', protocol),
]

function guardTable(table: TableName, tag: string, endpoints: readonly Endpoint[]): Message[] {
  const rule = (...expressions: readonly Expression[]): Message => appendRule(table, chains.ports.name, expressions)
  return [
    createSet(table, { name: LEASES, key: ['interface', 'ethernet', 'ipv4'] }, 3),
    ...addElements(table, LEASES, endpoints.map(leaseElement)),
    createChain(table, chains.ports),
    rule(loadMeta('interfaceIn', 0), compare(0, 'notEqual', Buffer.from(`${PORT_PREFIX}${tag}`)), verdict('accept')),
    rule(
      ...protocolIs(ETHERTYPE_IPV4),
      ...portAndMac,
      loadPayload('network', IPV4_SOURCE, 4, 6),
      lookup(LEASES, 0),
      verdict('accept'),
    ),
    rule(
      ...protocolIs(ETHERTYPE_ARP),
      loadPayload('network', 0, 6, 0),
      compare(0, 'equal', ARP_OVER_ETHERNET),
      ...portAndMac,
      loadPayload('network', ARP_SENDER_ADDRESS, 4, 6),
      lookup(LEASES, 0),
      loadPayload('network', ARP_SENDER_MAC, 6, 4),
      lookup(LEASES, 0),
      verdict('accept'),
    ),
    // Also IPv6 and router advertisements, DHCP servers, and tagged frames: these networks have none.
    rule(...dropAndCount),
  ]
}

/** Port, MAC address and IPv4 address that belong together. */
export const leaseElement = (endpoint: Endpoint): Element => ({
  key: concatenate([interfaceName(endpoint.portName), endpoint.mac, ipv4Bytes(endpoint.address)]),
})

/** Both tables with everything in them; where they stand already, they must be deleted in the same transaction. */
export function firewallMessages(
  tag: string,
  networks: readonly BridgeNetwork[],
  endpoints: readonly Endpoint[],
  published: readonly Publication[],
  options: { owned: boolean },
): Message[] {
  const { route, guard } = tablesOf(tag)
  return [
    createTable(route, options),
    ...routeTable(route, networks, published),
    createTable(guard, options),
    ...guardTable(guard, tag, endpoints),
  ]
}
