import { invalid } from '@caisson/api'
import type { AddressWish, Bridge } from '../network/network.ts'
import { contains, formatIpv4, formatSubnet, type Ipv4, overlap, parseSubnet, type Subnet, subnetSize } from './ipv4.ts'

export type AddressPlan = Pick<Bridge, 'subnet' | 'gateway' | 'range' | 'auxiliary'>

const SHORTEST_PREFIX = 8
// A gateway and one container.
const LONGEST_PREFIX = 30

/** This host, its loopback, link-local with the metadata of clouds, multicast, and what is reserved (RFC 6890). */
const UNUSABLE = ['0.0.0.0/8', '127.0.0.0/8', '169.254.0.0/16', '224.0.0.0/3'].flatMap(
  (text) => parseSubnet(text) ?? [],
)

/** Throws SUBNET_INVALID for one that can be no network of containers. */
export function requireUsable(subnet: Subnet): void {
  if (subnet.prefixLength < SHORTEST_PREFIX || subnet.prefixLength > LONGEST_PREFIX)
    throw invalidSubnet(subnet, `its prefix must be /${SHORTEST_PREFIX} to /${LONGEST_PREFIX}`)
  const reserved = UNUSABLE.find((other) => overlap(other, subnet))
  if (reserved !== undefined) throw invalidSubnet(subnet, `${formatSubnet(reserved)} is not for networks`)
}

/** What is wanted of a subnet, completed. Throws GATEWAY_INVALID, IP_RANGE_INVALID, AUXILIARY_ADDRESS_INVALID. */
export function planAddresses(subnet: Subnet, wish: AddressWish): AddressPlan {
  const auxiliary = Object.entries(wish.auxiliary)
  const taken = new Set(auxiliary.map(([, address]) => address))
  for (const [name, address] of auxiliary)
    if (!isForHosts(subnet, address))
      throw outside('AUXILIARY_ADDRESS_INVALID', `the address of ${name}`, address, subnet)
  if (taken.size !== auxiliary.length)
    throw invalid('auxiliary_addresses name an address twice: give each its own', {
      reason: 'AUXILIARY_ADDRESS_INVALID',
    })
  const range = wish.range ?? subnet
  if (range.prefixLength < subnet.prefixLength || !contains(subnet, range.base))
    throw invalid(`ip_range ${formatSubnet(range)} is not a part of ${formatSubnet(subnet)}`, {
      reason: 'IP_RANGE_INVALID',
    })
  return { subnet, gateway: gatewayOf(subnet, wish.gateway, taken), range, auxiliary: wish.auxiliary }
}

function gatewayOf(subnet: Subnet, wanted: Ipv4 | undefined, taken: ReadonlySet<Ipv4>): Ipv4 {
  if (wanted === undefined) return firstFree(subnet, taken)
  if (!isForHosts(subnet, wanted)) throw outside('GATEWAY_INVALID', 'the gateway', wanted, subnet)
  if (taken.has(wanted))
    throw invalid(`the gateway ${formatIpv4(wanted)} is one of auxiliary_addresses: leave it out there`, {
      reason: 'GATEWAY_INVALID',
    })
  return wanted
}

function firstFree(subnet: Subnet, taken: ReadonlySet<Ipv4>): Ipv4 {
  for (let address = subnet.base + 1; isForHosts(subnet, address); address++) if (!taken.has(address)) return address
  throw invalid(`auxiliary_addresses leave no address of ${formatSubnet(subnet)} for the gateway`, {
    reason: 'GATEWAY_INVALID',
  })
}

/** Neither the first nor the last address, which mean the subnet itself and everybody in it. */
const isForHosts = (subnet: Subnet, address: Ipv4): boolean =>
  address > subnet.base && address < subnet.base + subnetSize(subnet) - 1

const invalidSubnet = (subnet: Subnet, why: string) =>
  invalid(`the subnet ${formatSubnet(subnet)} cannot be used: ${why}`, { reason: 'SUBNET_INVALID' })

const outside = (reason: string, what: string, address: Ipv4, subnet: Subnet) =>
  invalid(`${what}, ${formatIpv4(address)}, is not an address for hosts of ${formatSubnet(subnet)}`, { reason })
