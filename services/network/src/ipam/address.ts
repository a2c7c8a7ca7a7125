import { formatIpv4, type Ipv4, ipv4Bytes, ipv4OfBytes, parseIpv4 } from './ipv4.ts'
import { formatIpv6, type Ipv6, ipv6Bytes, ipv6OfBytes, parseIpv6 } from './ipv6.ts'

/** Addresses and subnets of both families. An address tells its family by its type. */
export type Address = Ipv4 | Ipv6

/** `base` has no bits behind the prefix. */
export type SubnetOf<A extends Address> = { readonly base: A; readonly prefixLength: number }
export type AnySubnet = SubnetOf<Address>

export const isIpv6 = (address: Address): address is Ipv6 => typeof address === 'bigint'

export const bitsOf = (address: Address): 32 | 128 => (isIpv6(address) ? 128 : 32)

export const parseAddress = (text: string): Address | undefined => parseIpv4(text) ?? parseIpv6(text)

export const formatAddress = (address: Address): string => (isIpv6(address) ? formatIpv6(address) : formatIpv4(address))

export const addressBytes = (address: Address): Uint8Array =>
  isIpv6(address) ? ipv6Bytes(address) : ipv4Bytes(address)

/** Of four bytes, or of sixteen. */
export const addressOfBytes = (bytes: Uint8Array): Address =>
  bytes.length === 4 ? ipv4OfBytes(bytes) : ipv6OfBytes(bytes)

/** The address that lies so many behind this one. */
export function plus<A extends Address>(address: A, count: bigint): A
export function plus(address: Address, count: bigint): Address {
  return isIpv6(address) ? address + count : address + Number(count)
}

/** How many addresses it spans. */
export const sizeOf = ({ base, prefixLength }: AnySubnet): bigint => 1n << BigInt(bitsOf(base) - prefixLength)

export const lastOf = <A extends Address>(subnet: SubnetOf<A>): A => plus(subnet.base, sizeOf(subnet) - 1n)

/** The subnet of this length that an address lies in. */
export function subnetAround<A extends Address>(address: A, prefixLength: number): SubnetOf<A>
export function subnetAround(address: Address, prefixLength: number): SubnetOf<Address> {
  const free = BigInt(bitsOf(address) - prefixLength)
  const base = (BigInt(address) >> free) << free
  return { base: isIpv6(address) ? base : Number(base), prefixLength }
}

/** address/length with no bits behind the prefix; undefined for anything else. */
export function parseSubnet(text: string): AnySubnet | undefined {
  const [address = '', length = '', ...rest] = text.split('/')
  const base = parseAddress(address)
  if (base === undefined || rest.length > 0 || !/^(0|[1-9]\d{0,2})$/.test(length)) return undefined
  const prefixLength = Number(length)
  if (prefixLength > bitsOf(base) || subnetAround(base, prefixLength).base !== base) return undefined
  return { base, prefixLength }
}

export const formatSubnet = ({ base, prefixLength }: AnySubnet): string => `${formatAddress(base)}/${prefixLength}`

export const isIpv4Subnet = (subnet: AnySubnet): subnet is SubnetOf<Ipv4> => !isIpv6(subnet.base)
export const isIpv6Subnet = (subnet: AnySubnet): subnet is SubnetOf<Ipv6> => isIpv6(subnet.base)

export const contains = (subnet: AnySubnet, address: Address): boolean =>
  isIpv6(subnet.base) === isIpv6(address) && address >= subnet.base && address <= lastOf(subnet)

export const overlap = (one: AnySubnet, other: AnySubnet): boolean =>
  contains(one, other.base) || contains(other, one.base)

/** Neither the first nor the last address, which mean the subnet itself and everybody in it, or routers of it. */
export const isForHosts = (subnet: AnySubnet, address: Address): boolean =>
  contains(subnet, address) && address !== subnet.base && address !== lastOf(subnet)

/** The netmask as bytes. */
export const maskOf = ({ base, prefixLength }: AnySubnet): Uint8Array => {
  const bits = bitsOf(base)
  const ones = ((1n << BigInt(bits)) - 1n) ^ ((1n << BigInt(bits - prefixLength)) - 1n)
  return addressBytes(isIpv6(base) ? ones : Number(ones))
}
