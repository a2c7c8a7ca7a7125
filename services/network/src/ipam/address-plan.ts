import { invalid } from '@caisson/api'
import type { Addresses, AddressWish } from '../network/network.ts'
import {
  type Address,
  type AnySubnet,
  contains,
  formatAddress,
  formatSubnet,
  isForHosts,
  isIpv6,
  overlap,
  parseSubnet,
  plus,
  type SubnetOf,
} from './address.ts'

// The longest hold a gateway and one container.
const PREFIXES = { ipv4: { shortest: 8, longest: 30 }, ipv6: { shortest: 16, longest: 126 } } as const

/**
 * This host, its loopback, link-local with the metadata of clouds, multicast, and what is reserved, translated or to be
 * thrown away (RFC 6890, RFC 4291).
 */
const UNUSABLE = [
  '0.0.0.0/8',
  '127.0.0.0/8',
  '169.254.0.0/16',
  '224.0.0.0/3',
  '::/8',
  '100::/64',
  'fe80::/10',
  'fec0::/10',
  'ff00::/8',
].flatMap((text) => parseSubnet(text) ?? [])

/** Throws SUBNET_INVALID for one that can be no network of containers. */
export function requireUsable(subnet: AnySubnet): void {
  const { shortest, longest } = PREFIXES[isIpv6(subnet.base) ? 'ipv6' : 'ipv4']
  if (subnet.prefixLength < shortest || subnet.prefixLength > longest)
    throw invalidSubnet(subnet, `its prefix must be /${shortest} to /${longest}`)
  const reserved = UNUSABLE.find((other) => overlap(other, subnet))
  if (reserved !== undefined) throw invalidSubnet(subnet, `${formatSubnet(reserved)} is not for networks`)
}

/** What is wanted of a subnet, completed. Throws GATEWAY_INVALID, IP_RANGE_INVALID, AUXILIARY_ADDRESS_INVALID. */
export function planAddresses<A extends Address>(subnet: SubnetOf<A>, wish: AddressWish<A>): Addresses<A> {
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

function gatewayOf<A extends Address>(subnet: SubnetOf<A>, wanted: A | undefined, taken: ReadonlySet<A>): A {
  if (wanted === undefined) return firstFree(subnet, taken)
  if (!isForHosts(subnet, wanted)) throw outside('GATEWAY_INVALID', 'the gateway', wanted, subnet)
  if (taken.has(wanted))
    throw invalid(`the gateway ${formatAddress(wanted)} is one of auxiliary_addresses: leave it out there`, {
      reason: 'GATEWAY_INVALID',
    })
  return wanted
}

function firstFree<A extends Address>(subnet: SubnetOf<A>, taken: ReadonlySet<A>): A {
  for (let address = plus(subnet.base, 1n); isForHosts(subnet, address); address = plus(address, 1n))
    if (!taken.has(address)) return address
  throw invalid(`auxiliary_addresses leave no address of ${formatSubnet(subnet)} for the gateway`, {
    reason: 'GATEWAY_INVALID',
  })
}

const invalidSubnet = (subnet: AnySubnet, why: string) =>
  invalid(`the subnet ${formatSubnet(subnet)} cannot be used: ${why}`, { reason: 'SUBNET_INVALID' })

const outside = (reason: string, what: string, address: Address, subnet: AnySubnet) =>
  invalid(`${what}, ${formatAddress(address)}, is not an address for hosts of ${formatSubnet(subnet)}`, { reason })
