import { formatSubnet, isIpv6Subnet, parseSubnet, type SubnetOf } from '../ipam/address.ts'
import { formatIpv6, type Ipv6, parseIpv6 } from '../ipam/ipv6.ts'
import type { Addresses } from '../network/network.ts'

/** IPv6 in the database: a number of SQLite has 64 bits, so addresses are text. */

export function ipv6OfText(text: string): Ipv6 {
  const address = parseIpv6(text)
  if (address === undefined) throw new Error(`the database holds ${text} where an IPv6 address belongs`)
  return address
}

export function ipv6SubnetOfText(text: string): SubnetOf<Ipv6> {
  const subnet = parseSubnet(text)
  if (subnet === undefined || !isIpv6Subnet(subnet))
    throw new Error(`the database holds ${text} where an IPv6 subnet belongs`)
  return subnet
}

export const textOfIpv6Addresses = ({ subnet, gateway, range, auxiliary }: Addresses<Ipv6>): string =>
  JSON.stringify({
    subnet: formatSubnet(subnet),
    gateway: formatIpv6(gateway),
    range: formatSubnet(range),
    auxiliary: Object.fromEntries(Object.entries(auxiliary).map(([name, each]) => [name, formatIpv6(each)])),
  })

export function ipv6AddressesOfText(text: string): Addresses<Ipv6> {
  const { subnet, gateway, range, auxiliary } = JSON.parse(text) as Record<string, unknown>
  return {
    subnet: ipv6SubnetOfText(String(subnet)),
    gateway: ipv6OfText(String(gateway)),
    range: ipv6SubnetOfText(String(range)),
    auxiliary: Object.fromEntries(
      Object.entries(auxiliary ?? {}).map(([name, each]) => [name, ipv6OfText(String(each))]),
    ),
  }
}
