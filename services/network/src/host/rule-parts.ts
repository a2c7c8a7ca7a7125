import { type Address, addressBytes, isIpv6 as isOfIpv6, maskOf, type SubnetOf } from '../ipam/address.ts'
import {
  compare,
  connectionState,
  counter,
  type Expression,
  loadConnectionState,
  loadMeta,
  loadPayload,
  maskBits,
  verdict,
} from '../kernel/nftables/expression.ts'

/** Parts that rules of several chains share. */

const NFPROTO_IPV4 = Uint8Array.of(2)
const NFPROTO_IPV6 = Uint8Array.of(10)

export const ETHERTYPE_IPV4 = Uint8Array.of(0x08, 0x00)
export const ETHERTYPE_ARP = Uint8Array.of(0x08, 0x06)
export const ETHERTYPE_IPV6 = Uint8Array.of(0x86, 0xdd)
export const ICMPV6 = Uint8Array.of(58)

// Offsets in the headers.
export const ETHER_SOURCE = 6
export const IPV4_SOURCE = 12
export const IPV4_DESTINATION = 16
export const IPV6_SOURCE = 8
export const IPV6_DESTINATION = 24

export const isIpv4: readonly Expression[] = [loadMeta('networkProtocol', 0), compare(0, 'equal', NFPROTO_IPV4)]

export const isIpv6: readonly Expression[] = [loadMeta('networkProtocol', 0), compare(0, 'equal', NFPROTO_IPV6)]

/** Of a frame. */
export const protocolIs = (etherType: Uint8Array): readonly Expression[] => [
  loadMeta('protocol', 0),
  compare(0, 'equal', etherType),
]

/** What is sent by an address of the subnet. */
export const fromSubnet = (subnet: SubnetOf<Address>): readonly Expression[] => [
  ...(isOfIpv6(subnet.base)
    ? [...isIpv6, loadPayload('network', IPV6_SOURCE, 16, 0)]
    : [...isIpv4, loadPayload('network', IPV4_SOURCE, 4, 0)]),
  maskBits(0, 0, maskOf(subnet)),
  compare(0, 'equal', addressBytes(subnet.base)),
]

export function stateIs(...states: readonly (keyof typeof connectionState)[]): readonly Expression[] {
  const bits = states.reduce((sum, state) => sum | connectionState[state], 0)
  return [
    loadConnectionState(0),
    maskBits(0, 0, Uint8Array.of(bits, 0, 0, 0)),
    compare(0, 'notEqual', Uint8Array.of(0, 0, 0, 0)),
  ]
}

export const dropAndCount: readonly Expression[] = [counter(), verdict('drop')]
