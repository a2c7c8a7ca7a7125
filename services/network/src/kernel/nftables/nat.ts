import { be32, string } from '../attribute.ts'
import { type Expression, type Register, register } from './expression.ts'

/** Steps of rules that send connections elsewhere. */

const NFT_NAT_DNAT = 1
const protocols = { ipv4: 2, ipv6: 10 } as const
const NFT_FIB_RESULT_ADDRTYPE = 3
const NFTA_FIB_F_DADDR = 2
const NFT_CT_STATUS = 2

/** RTN_LOCAL, as addressType loads it. */
export const LOCAL_ADDRESS = Uint8Array.of(2, 0, 0, 0)

/** IPS_DST_NAT, as connectionStatus loads it. */
export const DESTINATION_CHANGED = Uint8Array.of(0x20, 0, 0, 0)

/** Loads what kind of address the destination is to this host (4 bytes, the machine's order). */
export const loadAddressType = (to: Register): Expression => ({
  name: 'fib',
  attributes: [register(1, to), be32(2, NFT_FIB_RESULT_ADDRTYPE), be32(3, NFTA_FIB_F_DADDR)],
})

/** Loads the status bits of the packet's connection (4 bytes, the machine's order). */
export const loadConnectionStatus = (to: Register): Expression => ({
  name: 'ct',
  attributes: [register(1, to), be32(2, NFT_CT_STATUS)],
})

/** Loads the value that the map has for the key; without one the rule does not match. */
export const lookupValue = (map: string, from: Register, to: Register): Expression => ({
  name: 'lookup',
  attributes: [string(1, map), register(2, from), register(3, to)],
})

/** Sends a connection to the address in a register, and to the port in one; without: the port stays as it is. */
export const destinationNat = (family: 'ipv4' | 'ipv6', address: Register, port?: Register): Expression => ({
  name: 'nat',
  attributes: [
    be32(1, NFT_NAT_DNAT),
    be32(2, protocols[family]),
    register(3, address),
    ...(port === undefined ? [] : [register(5, port)]),
  ],
})
