import { ipv4Bytes, maskBytes, type Subnet } from '../ipam/ipv4.ts'
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

export const NFPROTO_IPV4 = Uint8Array.of(2)

// Offsets in the header.
export const IPV4_SOURCE = 12
export const IPV4_DESTINATION = 16

export const isIpv4: readonly Expression[] = [loadMeta('networkProtocol', 0), compare(0, 'equal', NFPROTO_IPV4)]

/** What is sent by an address of the subnet. */
export const fromSubnet = ({ base, prefixLength }: Subnet): readonly Expression[] => [
  ...isIpv4,
  loadPayload('network', IPV4_SOURCE, 4, 0),
  maskBits(0, 0, maskBytes(prefixLength)),
  compare(0, 'equal', ipv4Bytes(base)),
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
