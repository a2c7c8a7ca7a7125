import type { Ipv4, Subnet } from '../ipam/ipv4.ts'

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

export type Bridge = {
  /** Of the interface on the host. */
  readonly name: string
  readonly subnet: Subnet
  /** The bridge's own address. */
  readonly gateway: Ipv4
  /** Where addresses are taken from when none is wanted. */
  readonly range: Subnet
  /** Never given out. */
  readonly auxiliary: Readonly<Record<string, Ipv4>>
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

/** Its value `allow` lets containers ask the cloud's metadata service, which gives out what the machine may do. */
export const METADATA_OPTION = 'caisson.metadata'

export const DEFAULT_NETWORK = 'bridge'

/** Checked at the edge. */
export type NetworkRequest = {
  readonly name: string
  readonly addresses: AddressWish
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
export type AddressWish = {
  readonly subnet: Subnet | undefined
  readonly gateway: Ipv4 | undefined
  readonly range: Subnet | undefined
  readonly auxiliary: Readonly<Record<string, Ipv4>>
}
