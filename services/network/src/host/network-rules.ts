import { ipv4Bytes, subnetSize } from '../ipam/ipv4.ts'
import type { Message } from '../kernel/message.ts'
import { type Expression, interfaceName, loadPayload, lookupVerdict } from '../kernel/nftables/expression.ts'
import {
  addElements,
  appendRule,
  concatenate,
  createChain,
  createSet,
  deleteChain,
  deleteElements,
  type Element,
  flushChain,
  type SetDefinition,
  type TableName,
} from '../kernel/nftables/object.ts'
import type { BridgeNetwork } from '../network/network.ts'
import { keptFromMetadata } from './metadata-rules.ts'
import { IPV4_SOURCE, isIpv4, NFPROTO_IPV4 } from './rule-parts.ts'

/**
 * What the rules say of one network, as messages: pure. A network is elements of sets, and a chain of its own for what
 * leaves it, so that one comes and goes without the others being touched, and their number costs a packet nothing.
 */

export const BRIDGES = 'bridges'
export const PAIRS = 'pairs'
export const INTERNAL = 'internal'
const SOURCES = 'sources'

const sources: SetDefinition = { name: SOURCES, key: ['family', 'ipv4'], verdicts: true, ranges: true }

export type SetOfNetworks = { readonly set: string; readonly elements: readonly Element[] }

const ownChain = ({ bridge }: BridgeNetwork): string => `from_${bridge.name}`

function elementsOf(network: BridgeNetwork): readonly SetOfNetworks[] {
  const { subnet, name, isolated, internal } = network.bridge
  const bridge = interfaceName(name)
  const last = subnet.base + subnetSize(subnet) - 1
  const source: Element = {
    key: concatenate([NFPROTO_IPV4, ipv4Bytes(subnet.base)]),
    keyEnd: concatenate([NFPROTO_IPV4, ipv4Bytes(last)]),
    verdict: { jump: ownChain(network) },
  }
  return [
    { set: BRIDGES, elements: [{ key: bridge }] },
    { set: PAIRS, elements: isolated ? [] : [{ key: concatenate([bridge, bridge]), verdict: 'accept' }] },
    { set: INTERNAL, elements: internal ? [{ key: bridge }] : [] },
    { set: SOURCES, elements: [source] },
    keptFromMetadata(network),
  ]
}

/** Where the chain of a network is found by what sends: beside the sets that other files make. */
export const networkObjects = (table: TableName, setId: number): Message[] => [createSet(table, sources, setId)]

/** Leads to the chain of the network that a packet comes from. */
export const networkRules = (table: TableName, postrouting: string): Message[] => [
  appendRule(table, postrouting, [...isIpv4, loadPayload('network', IPV4_SOURCE, 4, 1), lookupVerdict(SOURCES, 0)]),
]

/** `leaving`: the rules for what its addresses send, behind the routing. Known already: it is as it was. */
export const addNetwork = (
  table: TableName,
  network: BridgeNetwork,
  leaving: readonly (readonly Expression[])[],
): Message[] => [
  createChain(table, { name: ownChain(network) }),
  flushChain(table, ownChain(network)),
  ...leaving.map((rule) => appendRule(table, ownChain(network), rule)),
  ...elementsOf(network).flatMap(({ set, elements }) => addElements(table, set, elements)),
]

/** ENOENT when it is not there. */
export const deleteNetwork = (table: TableName, network: BridgeNetwork): Message[] => [
  ...elementsOf(network).flatMap(({ set, elements }) => deleteElements(table, set, elements)),
  flushChain(table, ownChain(network)),
  deleteChain(table, ownChain(network)),
]
