import { invalid } from '@caisson/api'
import type { Subnet as SubnetMessage } from '@caisson/api/network'
import {
  type Address,
  type AnySubnet,
  formatSubnet,
  isIpv4Subnet,
  isIpv6,
  isIpv6Subnet,
  parseAddress,
  parseSubnet,
  type SubnetOf,
} from '../ipam/address.ts'
import type { Ipv4 } from '../ipam/ipv4.ts'
import type { Ipv6 } from '../ipam/ipv6.ts'
import type { AddressWish } from '../network/network.ts'
import { auxiliaryName } from './checks.ts'

const MOST_AUXILIARY = 256

const field = 'subnets'
const nothing = { subnet: undefined, gateway: undefined, range: undefined, auxiliary: {} } as const

/**
 * What is wanted of each family: IPv4 always, IPv6 when it is switched on. Throws SUBNET_INVALID, TOO_MANY_SUBNETS for a
 * second one of a family, IPV6_OFF, and `invalid-argument` for what does not go together.
 */
export function addressWishesOf(
  messages: readonly SubnetMessage[],
  ipv6: boolean,
): { addresses: AddressWish<Ipv4>; ipv6: AddressWish<Ipv6> | undefined } {
  const wishes = messages.filter(isSaid).map(wishOf)
  const [ipv4Wish, secondIpv4] = wishes.filter((wish) => isOf(wish, isIpv4Subnet))
  const [ipv6Wish, secondIpv6] = wishes.filter((wish) => isOf(wish, isIpv6Subnet))
  const second = secondIpv4 ?? secondIpv6
  if (second !== undefined)
    throw invalid(`${formatSubnet(second.subnet)} is one subnet too many: a network has one of IPv4 and one of IPv6`, {
      reason: 'TOO_MANY_SUBNETS',
      details: { field },
    })
  if (ipv6Wish !== undefined && !ipv6)
    throw invalid(`${formatSubnet(ipv6Wish.subnet)} is of IPv6, which is off: set ipv6, or leave that subnet out`, {
      reason: 'IPV6_OFF',
      details: { field: 'ipv6' },
    })
  return {
    addresses: ipv4Wish === undefined ? nothing : narrowed(ipv4Wish, isIpv4Subnet, isIpv4Address),
    ipv6: ipv6 ? (ipv6Wish === undefined ? nothing : narrowed(ipv6Wish, isIpv6Subnet, isIpv6)) : undefined,
  }
}

type Wish = {
  readonly subnet: AnySubnet
  readonly gateway: Address | undefined
  readonly range: AnySubnet | undefined
  readonly auxiliary: Readonly<Record<string, Address>>
}

const isIpv4Address = (address: Address): address is Ipv4 => !isIpv6(address)

const isOf = (wish: Wish, isFamily: (subnet: AnySubnet) => boolean): boolean => isFamily(wish.subnet)

const isSaid = ({ subnet, gateway, ipRange, auxiliaryAddresses }: SubnetMessage): boolean =>
  `${subnet}${gateway}${ipRange}` !== '' || Object.keys(auxiliaryAddresses).length > 0

function wishOf({ subnet, gateway, ipRange, auxiliaryAddresses }: SubnetMessage): Wish {
  if (subnet === '')
    throw invalid('gateway, ip_range and auxiliary_addresses go with a subnet: name it, too', { details: { field } })
  const auxiliary = Object.entries(auxiliaryAddresses)
  if (auxiliary.length > MOST_AUXILIARY)
    throw invalid(`a subnet has ${MOST_AUXILIARY} auxiliary_addresses at most: use ip_range to keep more`, {
      details: { field },
    })
  return {
    subnet: subnetOf('subnet', subnet),
    gateway: gateway === '' ? undefined : addressOf('gateway', gateway),
    range: ipRange === '' ? undefined : subnetOf('ip_range', ipRange),
    auxiliary: Object.fromEntries(
      auxiliary.map(([name, address]) => [auxiliaryName(name), addressOf('auxiliary_addresses', address)]),
    ),
  }
}

/** With everything of the family of its subnet. */
function narrowed<A extends Address>(
  { subnet, gateway, range, auxiliary }: Wish,
  isSubnet: (subnet: AnySubnet) => subnet is SubnetOf<A>,
  isAddress: (address: Address) => address is A,
): AddressWish<A> {
  const one = (what: string, address: Address): A => {
    if (isAddress(address)) return address
    throw invalid(`the ${what} of ${formatSubnet(subnet)} is of the other family of addresses`, { details: { field } })
  }
  if (!isSubnet(subnet) || (range !== undefined && !isSubnet(range)))
    throw invalid(`the ip_range of ${formatSubnet(subnet)} is of the other family of addresses`, { details: { field } })
  return {
    subnet,
    gateway: gateway === undefined ? undefined : one('gateway', gateway),
    range,
    auxiliary: Object.fromEntries(
      Object.entries(auxiliary).map(([name, address]) => [name, one('auxiliary_addresses', address)]),
    ),
  }
}

function subnetOf(what: string, text: string): AnySubnet {
  const subnet = parseSubnet(text)
  if (subnet !== undefined) return subnet
  throw invalid(
    `${what} ${JSON.stringify(text.slice(0, 80))} is not a subnet such as 10.1.0.0/16 or fd00:1::/64, without bits behind its prefix`,
    { reason: 'SUBNET_INVALID', details: { field: what } },
  )
}

function addressOf(what: string, text: string): Address {
  const address = parseAddress(text)
  if (address !== undefined) return address
  throw invalid(`${what} ${JSON.stringify(text.slice(0, 80))} is not an IP address`, { details: { field: what } })
}
