import type { Address, SubnetOf } from '../ipam/address.ts'
import type { Ipv4 } from '../ipam/ipv4.ts'
import type { Ipv6 } from '../ipam/ipv6.ts'

/** A network that sandboxes connect to. `host` and `none` only have a name. */
export type Network = {
  /** 64 hexadecimal digits. */
  readonly id: string
  readonly name: string
  readonly driver: 'bridge' | 'host' | 'none'
  readonly builtin: boolean
  readonly labels: Readonly<Record<string, string>>
  /** Of the driver, as they were given. */
  readonly options: Readonly<Record<string, string>>
  /** Nanoseconds since 1970. */
  readonly createdAt: bigint
  /** Of driver bridge only. */
  readonly bridge: Bridge | undefined
  /** What it was made from, to tell a retry; undefined when nobody said an id. */
  readonly origin: Origin | undefined
}

export type Origin = {
  readonly requestId: string
  /** The request as text. */
  readonly request: string
}

/** Addresses of one family. */
export type Addresses<A extends Address> = {
  readonly subnet: SubnetOf<A>
  /** The bridge's own address. */
  readonly gateway: A
  /** Where addresses are taken from when none is wanted. */
  readonly range: SubnetOf<A>
  /** Never given out. */
  readonly auxiliary: Readonly<Record<string, A>>
}

/** Every network has IPv4. */
export type Bridge = Addresses<Ipv4> & {
  /** Of the interface on the host. */
  readonly name: string
  /** Undefined: it has no IPv6. */
  readonly ipv6: Addresses<Ipv6> | undefined
  /** Greatest packet in bytes. */
  readonly mtu: number
  /** Containers on it do not reach one another. */
  readonly isolated: boolean
  /** Nothing leads outside, not even to the host. */
  readonly internal: boolean
  /** What goes outside has the host's address. */
  readonly masquerade: boolean
}

export type BridgeNetwork = Network & { readonly bridge: Bridge }

export const isBridgeNetwork = (network: Network): network is BridgeNetwork => network.bridge !== undefined

/** Of each family. */
export const subnetsOf = ({ subnet, ipv6 }: Bridge): SubnetOf<Address>[] =>
  ipv6 === undefined ? [subnet] : [subnet, ipv6.subnet]

export const DEFAULT_NETWORK = 'bridge'

/** Checked at the edge. */
export type NetworkRequest = {
  readonly name: string
  readonly addresses: AddressWish<Ipv4>
  /** Undefined: no IPv6. */
  readonly ipv6: AddressWish<Ipv6> | undefined
  readonly internal: boolean
  /** Undefined: that of the interface that leads outside. */
  readonly mtu: number | undefined
  readonly labels: Readonly<Record<string, string>>
  readonly options: Readonly<Record<string, string>>
  /** Undefined: one of the engine's own names. */
  readonly bridgeName: string | undefined
  readonly isolated: boolean
  readonly masquerade: boolean
  /** Empty: not said. */
  readonly requestId: string
}

/** What is undefined is chosen. Without a subnet nothing else is said. */
export type AddressWish<A extends Address> = {
  readonly subnet: SubnetOf<A> | undefined
  readonly gateway: A | undefined
  readonly range: SubnetOf<A> | undefined
  readonly auxiliary: Readonly<Record<string, A>>
}
