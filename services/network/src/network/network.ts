import type { Ipv4, Subnet } from '../ipam/ipv4.ts'

/** A network that sandboxes connect to. `host` and `none` only have a name. */
export type Network = {
  /** 64 hexadecimal digits. */
  readonly id: string
  readonly name: string
  readonly driver: 'bridge' | 'host' | 'none'
  readonly builtin: boolean
  readonly labels: Readonly<Record<string, string>>
  /** Nanoseconds since 1970. */
  readonly createdAt: bigint
  /** Of driver bridge only. */
  readonly bridge: Bridge | undefined
}

export type Bridge = {
  /** Of the interface on the host. */
  readonly name: string
  readonly subnet: Subnet
  /** The bridge's own address. */
  readonly gateway: Ipv4
  /** Greatest packet in bytes. */
  readonly mtu: number
  /** Containers on it do not reach one another. */
  readonly isolated: boolean
}

export type BridgeNetwork = Network & { readonly bridge: Bridge }

export const isBridgeNetwork = (network: Network): network is BridgeNetwork => network.bridge !== undefined

export const DEFAULT_NETWORK = 'bridge'
