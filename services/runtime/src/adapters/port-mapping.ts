import type { Partially } from '@caisson/api'
import { type PortMapping, Protocol } from '@caisson/api/network'
import type { PortSpec, Transport } from '../container/spec.ts'

/** Published ports between the contract and the domain, for those who ask this service and for the one that it asks. */

const PROTOCOLS: Readonly<Record<Transport, Protocol>> = {
  tcp: Protocol.TCP,
  udp: Protocol.UDP,
  sctp: Protocol.SCTP,
}

/** What the network service has to say about them it says itself. */
export const portIn = ({ protocol, hostAddress, hostPort, containerPort, count }: PortMapping): PortSpec => ({
  transport: protocol === Protocol.UDP ? 'udp' : protocol === Protocol.SCTP ? 'sctp' : 'tcp',
  hostAddress,
  hostPort,
  containerPort,
  count: count === 0 ? 1 : count,
})

export const portOut = ({ transport, ...port }: PortSpec): Partially<PortMapping> => ({
  ...port,
  protocol: PROTOCOLS[transport],
})
