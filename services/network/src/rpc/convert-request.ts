import { invalid, unimplemented } from '@caisson/api'
import {
  type Attachment as AttachmentMessage,
  type CreateSandboxRequest,
  type DnsConfig as DnsMessage,
  SandboxMode,
} from '@caisson/api/network'
import { type Ipv4, parseIpv4, parseMac } from '../ipam/ipv4.ts'
import { HOST_GATEWAY } from '../names/hosts-file.ts'
import type { Attachment, DnsConfig, SandboxRequest, SandboxWish } from '../sandbox/sandbox.ts'
import {
  dnsName,
  hostName,
  ipAddress,
  labels,
  networkReference,
  optionalHostName,
  optionalInterfaceName,
  optionalName,
  optionalNamespacePath,
  resolverWord,
  sandboxId,
} from './checks.ts'
import { optionalBandwidth } from './convert-bandwidth.ts'
import { portsOf } from './convert-ports.ts'

const MOST_ATTACHMENTS = 32
const MOST_ALIASES = 64
const MOST_NAME_SERVERS = 8
const MOST_DNS_WORDS = 32
const MOST_EXTRA_HOSTS = 1_024

/** Checks and converts a request. Throws `invalid-argument`, and `unimplemented` for what this version does not do. */
export function sandboxRequestOf(message: CreateSandboxRequest, publishAddress?: Ipv4): SandboxRequest {
  refuseUnimplemented(message)
  const bandwidth = optionalBandwidth(message)
  return {
    id: sandboxId(message.id),
    name: optionalName(message.name),
    hostname: optionalHostName(message.hostname),
    labels: labels(message.labels),
    dns: dnsOf(message.dns),
    ports: portsOf(message.ports, publishAddress),
    wish: wishOf(message),
    ...(bandwidth !== undefined && { bandwidth }),
  }
}

function refuseUnimplemented(message: CreateSandboxRequest): void {
  const missing = [...message.attachments.flatMap(missingOf)]
  refuseMissing(missing)
}

/** What is empty is not missing. */
function refuseMissing(words: readonly string[]): void {
  const missing = new Set(words.filter((word) => word !== ''))
  if (missing.size > 0)
    throw unimplemented(`this version of the network service does not know ${[...missing].join(', ')} yet`)
}

const missingOf = (attachment: AttachmentMessage): string[] => [
  attachment.ipv6Address === '' ? '' : 'IPv6 addresses',
  Object.keys(attachment.driverOptions).length === 0 ? '' : 'options of the driver for an attachment',
]

function wishOf(message: CreateSandboxRequest): SandboxWish {
  const namespacePath = optionalNamespacePath(message.namespacePath)
  const { mode, attachments } = message
  const connected = mode === SandboxMode.UNSPECIFIED || mode === SandboxMode.BRIDGE
  if (!connected && attachments.length > 0) throw invalid('attachments go with mode BRIDGE only')
  if (!connected && message.ports.length > 0) throw invalid('ports go with mode BRIDGE only')
  if (!connected && (message.egressBitsPerSecond > 0 || message.ingressBitsPerSecond > 0))
    throw invalid('limits of bandwidth go with mode BRIDGE only')
  if (mode !== SandboxMode.SHARED && message.sharedSandboxId !== '')
    throw invalid('shared_sandbox_id goes with mode SHARED only')
  if ((mode === SandboxMode.HOST || mode === SandboxMode.SHARED) && namespacePath !== undefined)
    throw invalid('namespace_path goes with the modes NONE and BRIDGE only')
  switch (mode) {
    case SandboxMode.NONE:
      return { mode: 'none', namespacePath }
    case SandboxMode.HOST:
      return { mode: 'host' }
    case SandboxMode.SHARED:
      if (asksForNames(message.dns))
        throw invalid('dns does not go with mode SHARED: names are resolved as in the sandbox that is shared', {
          details: { field: 'dns' },
        })
      return { mode: 'shared', sandboxId: sandboxId(message.sharedSandboxId) }
    case SandboxMode.UNSPECIFIED:
    case SandboxMode.BRIDGE:
      return { mode: 'bridge', namespacePath, attachments: attachmentsOf(attachments) }
    default:
      throw invalid(`mode ${String(mode)} is not known: the client is newer than this service`)
  }
}

function attachmentsOf(messages: readonly AttachmentMessage[]): readonly [Attachment, ...Attachment[]] {
  if (messages.length > MOST_ATTACHMENTS)
    throw invalid(`there are ${messages.length} attachments: a sandbox connects to ${MOST_ATTACHMENTS} at most`, {
      details: { field: 'attachments' },
    })
  const [first, ...others] = messages.map(attachmentOf)
  return [first ?? attachmentOf(), ...others]
}

/** Checks and converts; none is the default network with everything chosen. */
function attachmentOf(message?: AttachmentMessage): Attachment {
  return {
    network: networkReference(message?.network ?? ''),
    address: optional('ipv4_address', message?.ipv4Address ?? '', parseIpv4, 'an IPv4 address'),
    mac: optional(
      'mac_address',
      message?.macAddress ?? '',
      parseMac,
      'a unicast MAC address such as 02:42:0a:58:00:02',
    ),
    interfaceName: optionalInterfaceName(message?.interfaceName ?? ''),
    aliases: aliases(message?.aliases ?? []),
    gatewayPriority: message?.gatewayPriority ?? 0,
  }
}

/** Of Connect: checks and converts. Throws `unimplemented` for what this version does not do. */
export function connectionOf(message: AttachmentMessage | undefined): Attachment {
  if (message === undefined) return attachmentOf()
  refuseMissing(missingOf(message))
  return attachmentOf(message)
}

function aliases(names: readonly string[]): readonly string[] {
  if (names.length <= MOST_ALIASES) return [...new Set(names.map((name) => dnsName('aliases', name)))]
  throw invalid(`there are ${names.length} aliases: an attachment has ${MOST_ALIASES} at most`, {
    details: { field: 'aliases' },
  })
}

function optional<T>(
  field: string,
  text: string,
  parse: (text: string) => T | undefined,
  wanted: string,
): T | undefined {
  if (text === '') return undefined
  const value = parse(text)
  if (value !== undefined) return value
  throw invalid(`${field} ${JSON.stringify(text)} is not ${wanted}`, { details: { field } })
}

function atMost(field: string, values: readonly string[], most: number): void {
  if (values.length > most)
    throw invalid(`${field} has ${values.length} entries: there may be ${most} at most`, { details: { field } })
}

const asksForNames = (dns: DnsMessage | undefined): boolean =>
  dns !== undefined &&
  dns.servers.length + dns.search.length + dns.options.length + Object.keys(dns.extraHosts).length > 0

function dnsOf(message: DnsMessage | undefined): DnsConfig {
  if (message === undefined) return { servers: [], search: [], options: [], extraHosts: {} }
  const { servers, search, options, extraHosts } = message
  atMost('dns.servers', servers, MOST_NAME_SERVERS)
  atMost('dns.search', search, MOST_DNS_WORDS)
  atMost('dns.options', options, MOST_DNS_WORDS)
  atMost('dns.extra_hosts', Object.keys(extraHosts), MOST_EXTRA_HOSTS)
  return {
    servers: servers.map((server) => ipAddress('dns.servers', server)),
    search: search.map((domain) => resolverWord('dns.search', domain)),
    options: options.map((option) => resolverWord('dns.options', option)),
    extraHosts: Object.fromEntries(
      Object.entries(extraHosts).map(([name, address]) => [
        hostName('dns.extra_hosts', name),
        address === HOST_GATEWAY ? address : ipAddress('dns.extra_hosts', address),
      ]),
    ),
  }
}
