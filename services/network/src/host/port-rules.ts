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
import type { BridgeNetwork } from '../network/network.ts'
import { fromSubnet, IPV4_DESTINATION, IPV4_SOURCE, isIpv4 } from './rule-parts.ts'

/**
 * How published ports get to their sandboxes, as messages: pure. Each mapping is an element of one of three maps, so the
 * number of mappings costs a packet nothing. A range whose ports keep their numbers is one element of `spans`. One that
 * shifts them is an element a port: nf_tables cannot add to a port, and a nat to a range of ports does not keep the
 * offset on any kernel (it takes the first one that is free).
 */

export const SPANS = 'published_spans'
export const AT = 'published_at'
export const ANY = 'published_any'

const spans: SetDefinition = { name: SPANS, key: ['ipv4', 'protocol', 'port'], data: ['ipv4'], ranges: true }
const at: SetDefinition = { name: AT, key: ['ipv4', 'protocol', 'port'], data: ['ipv4', 'port'] }
const any: SetDefinition = { name: ANY, key: ['protocol', 'port'], data: ['ipv4', 'port'] }

const LOOPBACK = { net: Uint8Array.of(127, 0, 0, 0), mask: Uint8Array.of(255, 0, 0, 0) }
const NOTHING = Uint8Array.of(0, 0, 0, 0)
const DESTINATION_PORT = 2

const chains = {
  published: { name: 'published' },
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

const addressProtocolAndPort: readonly Expression[] = [
  loadPayload('network', IPV4_DESTINATION, 4, 0),
  ...protocolAndPort(1),
]

/**
 * A container that calls the host's address gets back to its own network: its neighbour would answer it directly, past
 * the translation. Whoever comes from the host's loopback has an address that means nothing to the container.
 */
export const hairpinRule = ({ bridge }: BridgeNetwork): readonly Expression[] => [
  ...fromSubnet(bridge.subnet),
  loadMeta('interfaceOut', 0),
  compare(0, 'equal', interfaceName(bridge.name)),
  ...isForwarded,
  counter(),
  masquerade(),
]

/** `postrouting`: a chain of type nat; `fromBridge`, `toBridge`: that the packet comes from a network, or goes to one. */
export function portRules(
  table: TableName,
  around: { postrouting: string; fromBridge: readonly Expression[]; toBridge: readonly Expression[] },
): Message[] {
  const rule = (chain: string, ...expressions: readonly Expression[]): Message => appendRule(table, chain, expressions)
  const { published, martians, arriving, leaving } = chains
  return [
    createSet(table, spans, 11),
    createSet(table, at, 12),
    createSet(table, any, 13),
    ...Object.values(chains).map((chain) => createChain(table, chain)),
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
    rule(published.name, ...addressProtocolAndPort, lookupValue(SPANS, 0, 4), destinationNat(4)),
    rule(published.name, ...addressProtocolAndPort, lookupValue(AT, 0, 4), destinationNat(4, 5)),
    rule(published.name, ...protocolAndPort(0), lookupValue(ANY, 0, 4), destinationNat(4, 5)),
    // From outside nothing is for the loopback, whatever a packet says.
    rule(
      arriving.name,
      ...isIpv4,
      ...loopback(IPV4_DESTINATION, 'notEqual'),
      ...toThisHost,
      verdict({ jump: published.name }),
    ),
    rule(leaving.name, ...isIpv4, ...toThisHost, verdict({ jump: published.name })),
    rule(around.postrouting, ...around.toBridge, ...isIpv4, ...loopback(IPV4_SOURCE, 'equal'), counter(), masquerade()),
  ]
}
