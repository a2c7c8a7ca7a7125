import { formatIpv4 } from '../ipam/ipv4.ts'
import type { BridgeNetwork } from '../network/network.ts'
import type { Endpoint } from '../sandbox/sandbox.ts'

/** Every address of an endpoint as text, that of IPv4 first. */
export const addressesOf = ({ address }: Pick<Endpoint, 'address'>): string[] => [formatIpv4(address)]

/** Every address of the host on a network as text, that of IPv4 first. */
export const gatewayAddressesOf = ({ bridge }: Pick<BridgeNetwork, 'bridge'>): string[] => [formatIpv4(bridge.gateway)]
