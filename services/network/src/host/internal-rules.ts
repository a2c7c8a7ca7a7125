import type { Message } from '../kernel/message.ts'
import {
  compare,
  type Expression,
  interfaceName,
  loadMeta,
  loadPayload,
  lookup,
  lookupVerdict,
  verdict,
} from '../kernel/nftables/expression.ts'
import { addElements, appendRule, createChain, createSet, type TableName } from '../kernel/nftables/object.ts'
import type { BridgeNetwork } from '../network/network.ts'
import { dropAndCount, ICMPV6, isIpv6, stateIs } from './rule-parts.ts'

/** What internal networks are kept from, as messages: pure. */

const INTERNAL = 'internal'
const inside = { name: 'inside' } as const
const input = { name: 'input', base: { type: 'filter', hook: 'input', priority: 0 } } as const

const isInternal = (side: 'interfaceIn' | 'interfaceOut'): readonly Expression[] => [
  loadMeta(side, 0),
  lookup(INTERNAL, 0),
]

/**
 * The set of internal bridges; a chain that only lets through what the map `pairs` knows, which is that of one network;
 * and no new connection from them to the host, behind which a proxy or a resolver would lead outside.
 */
export function internalObjects(
  table: TableName,
  networks: readonly BridgeNetwork[],
  pairs: string,
  setId: number,
): Message[] {
  const bridges = networks.filter(({ bridge }) => bridge.internal).map(({ bridge }) => interfaceName(bridge.name))
  return [
    createSet(table, { name: INTERNAL, key: ['interface'] }, setId),
    ...addElements(
      table,
      INTERNAL,
      bridges.map((key) => ({ key })),
    ),
    createChain(table, inside),
    appendRule(table, inside.name, [loadMeta('interfaceIn', 0), loadMeta('interfaceOut', 4), lookupVerdict(pairs, 0)]),
    appendRule(table, inside.name, dropAndCount),
    createChain(table, input),
    appendRule(table, input.name, [
      ...isInternal('interfaceIn'),
      ...stateIs('established', 'related'),
      verdict('accept'),
    ]),
    // Neighbour discovery, which belongs to no connection: the host and a container answer each other.
    ...[135, 136].map((type) =>
      appendRule(table, input.name, [
        ...isInternal('interfaceIn'),
        ...isIpv6,
        loadMeta('layer4Protocol', 0),
        compare(0, 'equal', ICMPV6),
        loadPayload('transport', 0, 1, 0),
        compare(0, 'equal', Uint8Array.of(type)),
        verdict('accept'),
      ]),
    ),
    appendRule(table, input.name, [...isInternal('interfaceIn'), ...dropAndCount]),
  ]
}

/** For the beginning of the chain `forward`: not even an established connection leads in or out. */
export const internalForwardRules = (table: TableName, forward: string): Message[] =>
  (['interfaceIn', 'interfaceOut'] as const).map((side) =>
    appendRule(table, forward, [...isInternal(side), verdict({ goto: inside.name })]),
  )
