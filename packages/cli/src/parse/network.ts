import { isIP } from 'node:net'
import type { Partially } from '@caisson/api'
import type { NetworkPolicy } from '@caisson/api/container'
import { type Attachment, type PortMapping, Protocol, SandboxMode } from '@caisson/api/network'
import { parseInteger } from './numbers.ts'
import { refuse } from './refusal.ts'

/** --network none, host, bridge, container:NAME, or networks; `own` is what --ip and the like say of the first. */
export function parseNetwork(
  values: readonly string[],
  own: Partially<Attachment> | undefined = undefined,
): Partially<NetworkPolicy> {
  const [first, ...more] = values
  if (first === undefined || (first === 'bridge' && more.length === 0))
    return { mode: SandboxMode.BRIDGE, ...(own === undefined ? {} : { attachments: [own] }) }
  const alone = aloneMode(first)
  if (alone && more.length > 0) throw refuse('--network', first, 'cannot be combined with other networks')
  if (alone && own !== undefined) throw refuse('--network', first, 'has no address, MAC address or aliases')
  if (alone) return alone
  for (const name of values)
    if (aloneMode(name) || name === '') throw refuse('--network', name, 'cannot be combined with other networks')
  const attachments = values.map((value, index) => (index === 0 ? both(attachmentOf(value), own) : attachmentOf(value)))
  return { mode: SandboxMode.BRIDGE, attachments }
}

/** What was said twice has the second value, and aliases add up. */
function both(one: Partially<Attachment>, other: Partially<Attachment> = {}): Partially<Attachment> {
  const aliases = [...(one.aliases ?? []), ...(other.aliases ?? [])]
  return { ...one, ...other, ...(aliases.length === 0 ? {} : { aliases }) }
}

/** NAME, or NAME:ip=ADDRESS,mac=ADDRESS,priority=NUMBER,interface=NAME,alias=NAME,alias=NAME. */
function attachmentOf(value: string): Partially<Attachment> {
  const at = value.indexOf(':')
  if (at < 0) return { network: value }
  const words = new Map<string, string>()
  const aliases: string[] = []
  for (const word of value.slice(at + 1).split(',')) {
    const [key = '', ...rest] = word.split('=')
    if (!ATTACHMENT_WORDS.includes(key) || rest.length === 0 || words.has(key))
      throw refuse('--network', value, `is not NAME:WORD=VALUE,...: the words are ${ATTACHMENT_WORDS.join(', ')}`)
    if (key === 'alias') aliases.push(rest.join('='))
    else words.set(key, rest.join('='))
  }
  const priority = words.get('priority')
  return {
    network: value.slice(0, at),
    ipv4Address: words.get('ip'),
    macAddress: words.get('mac'),
    interfaceName: words.get('interface'),
    aliases: aliases.length === 0 ? undefined : aliases,
    gatewayPriority:
      priority === undefined ? undefined : parseInteger('--network priority', priority, -0x8000_0000, 0x7fff_ffff),
  }
}

const ATTACHMENT_WORDS: readonly string[] = ['ip', 'mac', 'priority', 'interface', 'alias']

function aloneMode(value: string): Partially<NetworkPolicy> | undefined {
  if (value === 'none') return { mode: SandboxMode.NONE }
  if (value === 'host') return { mode: SandboxMode.HOST }
  if (!value.startsWith('container:')) return undefined
  const container = value.slice('container:'.length)
  if (container === '') throw refuse('--network', value, 'names no container')
  return { mode: SandboxMode.SHARED, container }
}

const PROTOCOLS: Readonly<Record<string, Protocol>> = { tcp: Protocol.TCP, udp: Protocol.UDP, sctp: Protocol.SCTP }
const PORT = /^(?:(?:(\[[^\]]*\]|[^:[\]]*):)?([\d-]*):)?(\d+(?:-\d+)?)(?:\/([a-z]+))?$/

/** -p [[ADDRESS:]HOSTPORT:]PORT[/PROTOCOL]; ports may be ranges, 8000-8010, of the same length on both sides. */
export function parsePort(value: string): Partially<PortMapping> {
  const found = PORT.exec(value)
  const protocol = PROTOCOLS[found?.[4] ?? 'tcp']
  if (!found?.[3] || protocol === undefined)
    throw refuse(
      '--publish',
      value,
      'is not a port mapping: write it as 8080:80, 127.0.0.1:8080:80/tcp or [::1]:53:53/udp',
    )
  const address = (found[1] ?? '').replace(/^\[|\]$/g, '')
  if (address !== '' && isIP(address) === 0)
    throw refuse('--publish', value, `has '${address}' where an address of the host belongs`)
  const inner = range(value, found[3])
  const outer = found[2] ? range(value, found[2]) : { first: 0, count: inner.count }
  if (outer.count !== inner.count) throw refuse('--publish', value, 'has ranges of different lengths')
  return { protocol, hostAddress: address, hostPort: outer.first, containerPort: inner.first, count: inner.count }
}

function range(value: string, text: string): { first: number; count: number } {
  const [first = Number.NaN, last = first, ...rest] = text.split('-').map(Number)
  if (rest.length > 0 || !(first >= 1 && last >= first && last <= 65_535))
    throw refuse('--publish', value, 'has a port that is not within 1 to 65535')
  return { first, count: last - first + 1 }
}
