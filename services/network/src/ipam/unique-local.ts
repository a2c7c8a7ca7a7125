import type { SubnetOf } from './address.ts'
import { type Ipv6, ipv6OfBytes } from './ipv6.ts'

/** The prefix of unique local addresses (RFC 4193, section 3.1) with this random global id of 40 bits. */
export const uniqueLocalPrefix = (globalId: Uint8Array): SubnetOf<Ipv6> => ({
  base: ipv6OfBytes(Uint8Array.of(0xfd, ...globalId.subarray(0, 5), 0, 0, 0, 0, 0, 0, 0, 0, 0, 0)),
  prefixLength: 48,
})
