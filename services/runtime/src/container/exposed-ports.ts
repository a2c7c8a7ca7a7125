import type { ContainerSpec, PortSpec, Transport } from './spec.ts'

const EXPOSED = /^(\d{1,5})(?:-(\d{1,5}))?(?:\/(tcp|udp|sctp))?$/

/**
 * The spec with the ports that its image exposes (80, 53/udp, 8000-8010/tcp) among those it publishes, each on a free port of
 * the host, when it is to publish all. What is published already stays as it is; what is no port is left out.
 */
export function withExposedPorts(spec: ContainerSpec, exposed: readonly string[]): ContainerSpec {
  const { network } = spec
  if (!network.publishAll) return spec
  const named = network.ports ?? []
  const more = exposed.flatMap(parseExposed).filter((port) => !named.some((other) => leadsTo(other, port)))
  return { ...spec, network: { ...network, ports: [...named, ...more] } }
}

function parseExposed(text: string): PortSpec[] {
  const [, first, last = first, transport = 'tcp'] = EXPOSED.exec(text) ?? []
  const [from, to] = [Number(first), Number(last)]
  if (!(from >= 1 && to >= from && to <= 65_535)) return []
  return [
    { transport: transportOf(transport), hostAddress: '', hostPort: 0, containerPort: from, count: to - from + 1 },
  ]
}

const transportOf = (word: string): Transport => (word === 'udp' || word === 'sctp' ? word : 'tcp')

const leadsTo = (one: PortSpec, other: PortSpec): boolean =>
  one.transport === other.transport &&
  one.containerPort <= other.containerPort &&
  other.containerPort + other.count <= one.containerPort + one.count
