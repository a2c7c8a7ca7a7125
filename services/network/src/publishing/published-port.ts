import { type Address, isIpv6 } from '../ipam/address.ts'
import type { Ipv4 } from '../ipam/ipv4.ts'
import type { Ipv6 } from '../ipam/ipv6.ts'

export const transports = ['tcp', 'udp', 'sctp'] as const
export type Transport = (typeof transports)[number]

/** Ports of the host, one behind the other. */
export type HostPorts = {
  readonly transport: Transport
  /** Undefined: every address of the host; 0 and 0n: every one of IPv4, of IPv6. */
  readonly hostAddress: Address | undefined
  readonly hostPort: number
  readonly count: number
}

/** Ports of the host that lead to as many ports inside. */
export type PublishedPort = HostPorts & { readonly containerPort: number }

/** As asked: `hostPort` 0 is one that is free. Checked at the edge. */
export type PortWish = PublishedPort

/** Where published ports lead: address and bridge port of a sandbox, and those for IPv6 if it has that. */
export type Target = {
  readonly address: Ipv4
  readonly portName: string
  readonly ipv6: { readonly address: Ipv6; readonly portName: string } | undefined
}

export const isSameTarget = (one: Target, other: Target): boolean =>
  one.address === other.address &&
  one.portName === other.portName &&
  one.ipv6?.address === other.ipv6?.address &&
  one.ipv6?.portName === other.ipv6?.portName

/** What one sandbox publishes, and where it is. */
export type Publication = Target & {
  readonly sandboxId: string
  readonly ports: readonly PublishedPort[]
}

export const lastOf = ({ hostPort, count }: HostPorts): number => hostPort + count - 1

/** Every address of its family. */
export const isEvery = (address: Address): boolean => address === 0 || address === 0n

/** Whether it is published on some address of the family. */
export const isOfFamily = ({ hostAddress }: HostPorts, family: 'ipv4' | 'ipv6'): boolean =>
  hostAddress === undefined || isIpv6(hostAddress) === (family === 'ipv6')

/** Whether two addresses to publish on have one in common. */
export function share(one: Address | undefined, other: Address | undefined): boolean {
  if (one === undefined || other === undefined || one === other) return true
  return isIpv6(one) === isIpv6(other) && (isEvery(one) || isEvery(other))
}

/** Whether a packet could be meant for both. */
export const clash = (one: HostPorts, other: HostPorts): boolean =>
  one.transport === other.transport &&
  share(one.hostAddress, other.hostAddress) &&
  one.hostPort <= lastOf(other) &&
  other.hostPort <= lastOf(one)

export const isSameHostSide = (one: HostPorts, other: HostPorts): boolean =>
  one.transport === other.transport &&
  one.hostAddress === other.hostAddress &&
  one.hostPort === other.hostPort &&
  one.count === other.count

export const isSamePort = (one: PublishedPort, other: PublishedPort): boolean =>
  isSameHostSide(one, other) && one.containerPort === other.containerPort
