import { isIP } from 'node:net'

/** An EXPOSE word, read. */
export interface ExposedPorts {
  readonly first: number
  readonly last: number
  readonly protocol: 'tcp' | 'udp' | 'sctp'
  /** As written: "TCP". */
  readonly writtenProtocol: string
  /** It names an address or port of the host, which EXPOSE has no use for. */
  readonly hasHost: boolean
}

const PROTOCOLS = ['tcp', 'udp', 'sctp'] as const

/** Reads "80", "80/udp", "8000-8010/tcp"; and "[ip:][host port:]port", whose host part is passed over. Undefined for others. */
export function parseExposed(text: string): ExposedPorts | undefined {
  const parts = text.split(':')
  const container = parts.pop() ?? ''
  const hostPort = parts.pop() ?? ''
  const address = parts.join(':').replace(/^\[(.*)\]$/, '$1')
  if (address !== '' && isIP(address) === 0) return undefined
  const slash = container.indexOf('/')
  const writtenProtocol = slash < 0 ? '' : container.slice(slash + 1)
  const lower = writtenProtocol.toLowerCase()
  const protocol = lower === '' ? 'tcp' : PROTOCOLS.find((name) => name === lower)
  const range = readRange(slash < 0 ? container : container.slice(0, slash))
  const hostRange = hostPort === '' ? undefined : readRange(hostPort)
  if (protocol === undefined || range === undefined || (hostPort !== '' && hostRange === undefined)) return undefined
  if (hostRange !== undefined && !fits(range, hostRange)) return undefined
  return { ...range, protocol, writtenProtocol, hasHost: text.includes(':') }
}

/** "80/tcp" for each port. */
export function listPorts({ first, last, protocol }: ExposedPorts): string[] {
  return Array.from({ length: last - first + 1 }, (_, n) => `${first + n}/${protocol}`)
}

function readRange(text: string): { first: number; last: number } | undefined {
  const match = /^([0-9]{1,5})(?:-([0-9]{1,5}))?$/.exec(text)
  if (match === null) return undefined
  const first = Number(match[1])
  const last = Number(match[2] ?? match[1])
  return first <= last && last <= 65_535 ? { first, last } : undefined
}

/** As many host ports as ports, or one port somewhere in a range of the host. */
function fits(range: { first: number; last: number }, host: { first: number; last: number }): boolean {
  const length = range.last - range.first
  return length === 0 || length === host.last - host.first
}
