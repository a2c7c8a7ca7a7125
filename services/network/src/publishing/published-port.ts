import type { Ipv4 } from '../ipam/ipv4.ts'

export const transports = ['tcp', 'udp', 'sctp'] as const
export type Transport = (typeof transports)[number]

/** Ports of the host, one behind the other. */
export type HostPorts = {
  readonly transport: Transport
  /** Undefined: every IPv4 address of the host. */
  readonly hostAddress: Ipv4 | undefined
  readonly hostPort: number
  readonly count: number
}

/** Ports of the host that lead to as many ports inside. */
export type PublishedPort = HostPorts & { readonly containerPort: number }

/** As asked: `hostPort` 0 is one that is free. Checked at the edge. */
export type PortWish = PublishedPort

/** Where published ports lead: address and bridge port of a sandbox. */
export type Target = { readonly address: Ipv4; readonly portName: string }

/** What one sandbox publishes, and where it is. */
export type Publication = Target & {
  readonly sandboxId: string
  readonly ports: readonly PublishedPort[]
}

export const lastOf = ({ hostPort, count }: HostPorts): number => hostPort + count - 1

/** Whether a packet could be meant for both. */
export const clash = (one: HostPorts, other: HostPorts): boolean =>
  one.transport === other.transport &&
  (one.hostAddress === undefined || other.hostAddress === undefined || one.hostAddress === other.hostAddress) &&
  one.hostPort <= lastOf(other) &&
  other.hostPort <= lastOf(one)

export const isSameHostSide = (one: HostPorts, other: HostPorts): boolean =>
  one.transport === other.transport &&
  one.hostAddress === other.hostAddress &&
  one.hostPort === other.hostPort &&
  one.count === other.count

export const isSamePort = (one: PublishedPort, other: PublishedPort): boolean =>
  isSameHostSide(one, other) && one.containerPort === other.containerPort
