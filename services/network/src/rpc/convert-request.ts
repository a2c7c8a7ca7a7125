import { invalid, unimplemented } from '@caisson/api'
import {
  type Attachment as AttachmentMessage,
  type CreateSandboxRequest,
  type DnsConfig as DnsMessage,
  SandboxMode,
} from '@caisson/api/network'
import { parseIpv4, parseMac } from '../ipam/ipv4.ts'
import { HOST_GATEWAY } from '../sandbox/files.ts'
import {
  type Attachment,
  DEFAULT_INTERFACE,
  type DnsConfig,
  type SandboxRequest,
  type SandboxWish,
} from '../sandbox/sandbox.ts'
import {
  hostName,
  interfaceNameOr,
  ipAddress,
  labels,
  networkReference,
  optionalHostName,
  optionalName,
  optionalNamespacePath,
  resolverWord,
  sandboxId,
} from './checks.ts'
import { portsOf } from './convert-ports.ts'

/** Checks and converts a request. Throws `invalid-argument`, and `unimplemented` for what this version does not do. */
export function sandboxRequestOf(message: CreateSandboxRequest): SandboxRequest {
  refuseUnimplemented(message)
  return {
    id: sandboxId(message.id),
    name: optionalName(message.name),
    hostname: optionalHostName(message.hostname),
    labels: labels(message.labels),
    dns: dnsOf(message.dns),
    ports: portsOf(message.ports),
    wish: wishOf(message),
  }
}

function refuseUnimplemented(message: CreateSandboxRequest): void {
  const missing = [
    message.attachments.length > 1 ? 'more than one network' : '',
    message.egressBitsPerSecond > 0 || message.ingressBitsPerSecond > 0 ? 'bandwidth limits' : '',
    message.attachments.some((each) => each.ipv6Address !== '') ? 'IPv6 addresses' : '',
    message.attachments.some((each) => Object.keys(each.driverOptions).length > 0) ? 'options of the driver' : '',
  ].filter((text) => text !== '')
  if (missing.length > 0)
    throw unimplemented(`this version of the network service does not know ${missing.join(', ')} yet`)
}

function wishOf(message: CreateSandboxRequest): SandboxWish {
  const namespacePath = optionalNamespacePath(message.namespacePath)
  const { mode, attachments } = message
  const connected = mode === SandboxMode.UNSPECIFIED || mode === SandboxMode.BRIDGE
  if (!connected && attachments.length > 0) throw invalid('attachments go with mode BRIDGE only')
  if (!connected && message.ports.length > 0) throw invalid('ports go with mode BRIDGE only')
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
      return { mode: 'shared', sandboxId: sandboxId(message.sharedSandboxId) }
    case SandboxMode.UNSPECIFIED:
    case SandboxMode.BRIDGE:
      return { mode: 'bridge', namespacePath, attachment: attachmentOf(attachments[0]) }
    default:
      throw invalid(`mode ${String(mode)} is not known: the client is newer than this service`)
  }
}

// Aliases and priorities matter between several networks and to name resolution, which come with those.
function attachmentOf(message: AttachmentMessage | undefined): Attachment {
  return {
    network: networkReference(message?.network ?? ''),
    address: optional('ipv4_address', message?.ipv4Address ?? '', parseIpv4, 'an IPv4 address'),
    mac: optional(
      'mac_address',
      message?.macAddress ?? '',
      parseMac,
      'a unicast MAC address such as 02:42:0a:58:00:02',
    ),
    interfaceName: interfaceNameOr(DEFAULT_INTERFACE, message?.interfaceName ?? ''),
  }
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

function dnsOf(message: DnsMessage | undefined): DnsConfig {
  if (message === undefined) return { servers: [], search: [], options: [], extraHosts: {} }
  const { servers, search, options, extraHosts } = message
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
