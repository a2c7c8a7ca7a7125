import { type PortMapping, Protocol } from '@caisson/api/network'

const PROTOCOLS: Readonly<Record<number, string>> = { [Protocol.UDP]: 'udp', [Protocol.SCTP]: 'sctp' }

const span = (first: number, count: number): string => (count > 1 ? `${first}-${first + count - 1}` : String(first))

/** The port of the host: 0.0.0.0:8080, or 127.0.0.1:8000-8010. */
export function hostSide({ hostAddress, hostPort, count }: PortMapping): string {
  const host = hostAddress.includes(':') ? `[${hostAddress}]` : hostAddress || '0.0.0.0'
  return `${host}:${span(hostPort, count)}`
}

/** The port inside: 80/tcp. */
export const containerSide = ({ containerPort, count, protocol }: PortMapping): string =>
  `${span(containerPort, count)}/${PROTOCOLS[protocol] ?? 'tcp'}`
