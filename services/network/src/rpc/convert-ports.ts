import { invalid, type Partially } from '@caisson/api'
import { type PortMapping, Protocol } from '@caisson/api/network'
import { formatIpv4, type Ipv4, parseIpv4 } from '../ipam/ipv4.ts'
import { describePorts } from '../publishing/describe.ts'
import { clash, type PortWish, type PublishedPort, type Transport } from '../publishing/published-port.ts'

const PORTS = 65_535
const MOST_MAPPINGS = 1_024
const MOST_PORTS = 65_535

const transportOf: ReadonlyMap<Protocol, Transport> = new Map([
  [Protocol.UNSPECIFIED, 'tcp'],
  [Protocol.TCP, 'tcp'],
  [Protocol.UDP, 'udp'],
  [Protocol.SCTP, 'sctp'],
])

const protocolOf: Readonly<Record<Transport, Protocol>> = {
  tcp: Protocol.TCP,
  udp: Protocol.UDP,
  sctp: Protocol.SCTP,
}

/** Checks and converts a list; `usual`: the address where none is said, undefined: every one. Throws `invalid-argument`, PORTS_OVERLAP when two of them are for the same packets. */
export function portsOf(messages: readonly PortMapping[], usual?: Ipv4): PortWish[] {
  if (messages.length > MOST_MAPPINGS)
    throw wrong(`${messages.length} mappings are more than ${MOST_MAPPINGS}: put ports behind one another into a range`)
  const ports = messages.map((message) => portOf(message, usual))
  const all = ports.reduce((sum, { count }) => sum + count, 0)
  if (all > MOST_PORTS) throw wrong(`a container publishes up to ${MOST_PORTS} ports, not ${all}`)
  for (const [index, port] of ports.entries()) {
    const other = ports.slice(0, index).find((each) => port.hostPort !== 0 && each.hostPort !== 0 && clash(each, port))
    if (other !== undefined)
      throw invalid(`${describePorts(port)} is published twice: leave one of them out`, { reason: 'PORTS_OVERLAP' })
  }
  return ports
}

function portOf(
  { protocol, hostAddress, hostPort, containerPort, count }: PortMapping,
  usual: Ipv4 | undefined,
): PortWish {
  const transport = transportOf.get(protocol)
  if (transport === undefined)
    throw wrong(`protocol ${String(protocol)} is not known: the client is newer than this service`)
  const length = count === 0 ? 1 : count
  if (containerPort < 1 || containerPort + length - 1 > PORTS)
    throw wrong(`container_port ${containerPort} and ${length - 1} behind it are not within 1 to ${PORTS}`)
  if (hostPort !== 0 && hostPort + length - 1 > PORTS)
    throw wrong(`host_port ${hostPort} and ${length - 1} behind it are not within 1 to ${PORTS}`)
  return { transport, hostAddress: addressOf(hostAddress, usual), hostPort, containerPort, count: length }
}

function addressOf(text: string, usual: Ipv4 | undefined): Ipv4 | undefined {
  if (text === '') return usual
  if (text === '0.0.0.0') return undefined
  const address = parseIpv4(text)
  if (address === undefined)
    throw wrong(`host_address ${JSON.stringify(text.slice(0, 80))} is not an IPv4 address: networks have no other`)
  return address
}

const wrong = (message: string) => invalid(message, { details: { field: 'ports' } })

export const portMessage = (port: PublishedPort): Partially<PortMapping> => ({
  protocol: protocolOf[port.transport],
  hostAddress: port.hostAddress === undefined ? '' : formatIpv4(port.hostAddress),
  hostPort: port.hostPort,
  containerPort: port.containerPort,
  count: port.count,
})
