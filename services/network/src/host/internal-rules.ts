import type { Message } from '../kernel/message.ts'
import { type Expression, loadMeta, lookup, lookupVerdict, verdict } from '../kernel/nftables/expression.ts'
import { appendRule, createChain, createSet, type TableName } from '../kernel/nftables/object.ts'
import { INTERNAL } from './network-rules.ts'
import { dropAndCount, stateIs } from './rule-parts.ts'

/** What internal networks are kept from, as messages: pure. */

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
export function internalObjects(table: TableName, pairs: string, setId: number): Message[] {
  return [
    createSet(table, { name: INTERNAL, key: ['interface'] }, setId),
    createChain(table, inside),
    appendRule(table, inside.name, [loadMeta('interfaceIn', 0), loadMeta('interfaceOut', 4), lookupVerdict(pairs, 0)]),
    appendRule(table, inside.name, dropAndCount),
    createChain(table, input),
    appendRule(table, input.name, [
      ...isInternal('interfaceIn'),
      ...stateIs('established', 'related'),
      verdict('accept'),
    ]),
    appendRule(table, input.name, [...isInternal('interfaceIn'), ...dropAndCount]),
  ]
}

/** For the beginning of the chain `forward`: not even an established connection leads in or out. */
export const internalForwardRules = (table: TableName, forward: string): Message[] =>
  (['interfaceIn', 'interfaceOut'] as const).map((side) =>
    appendRule(table, forward, [...isInternal(side), verdict({ goto: inside.name })]),
  )
