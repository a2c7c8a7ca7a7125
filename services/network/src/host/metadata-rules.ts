import type { Message } from '../kernel/message.ts'
import {
  compare,
  type Expression,
  interfaceName,
  loadMeta,
  loadPayload,
  lookup,
} from '../kernel/nftables/expression.ts'
import { appendRule, createSet, type TableName } from '../kernel/nftables/object.ts'
import { type BridgeNetwork, METADATA_OPTION } from '../network/network.ts'
import type { SetOfNetworks } from './network-rules.ts'
import { dropAndCount, IPV4_DESTINATION, isIpv4 } from './rule-parts.ts'

/** What keeps containers from the credentials of the machine itself, which most clouds give out, as messages: pure. */

const IPV6_DESTINATION = 24
const NFPROTO_IPV6 = Uint8Array.of(10)

const toIpv4 = (...address: number[]): readonly Expression[] => [
  ...isIpv4,
  loadPayload('network', IPV4_DESTINATION, 4, 0),
  compare(0, 'equal', Uint8Array.from(address)),
]

const toIpv6 = (address: string): readonly Expression[] => [
  loadMeta('networkProtocol', 0),
  compare(0, 'equal', NFPROTO_IPV6),
  loadPayload('network', IPV6_DESTINATION, 16, 0),
  compare(0, 'equal', Buffer.from(address, 'hex')),
]

/** Most clouds; tasks of ECS; AWS over IPv6, fd00:ec2::254. */
const toMetadata: readonly (readonly Expression[])[] = [
  toIpv4(169, 254, 169, 254),
  toIpv4(169, 254, 170, 2),
  toIpv6('fd000ec2000000000000000000000254'),
]

/** The bridges whose containers are kept from them. */
const KEPT_FROM = 'without_metadata'

export const metadataObjects = (table: TableName, setId: number): Message[] => [
  createSet(table, { name: KEPT_FROM, key: ['interface'] }, setId),
]

/** What one network brings to the set. */
export const keptFromMetadata = ({ bridge, options }: BridgeNetwork): SetOfNetworks => ({
  set: KEPT_FROM,
  elements: options[METADATA_OPTION] === 'allow' ? [] : [{ key: interfaceName(bridge.name) }],
})

/** For a chain at prerouting: before anything is translated. */
export const metadataRules = (table: TableName, chain: string): Message[] =>
  toMetadata.map((isThere) =>
    appendRule(table, chain, [loadMeta('interfaceIn', 0), lookup(KEPT_FROM, 0), ...isThere, ...dropAndCount]),
  )
