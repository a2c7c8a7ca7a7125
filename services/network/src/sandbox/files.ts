import { formatIpv4, type Ipv4, parseIpv4 } from '../ipam/ipv4.ts'
import type { DnsConfig } from './sandbox.ts'

/** Content for /etc/resolv.conf and /etc/hosts: pure, from the host's own files and what was asked. */

export const HOST_GATEWAY = 'host-gateway'

/** Every value of a keyword of resolv.conf(5), in order. */
const valuesOf = (content: string, keyword: string): string[] =>
  content
    .split('\n')
    .map((line) => line.trim().split(/\s+/))
    .filter(([first]) => first === keyword)
    .flatMap(([, ...values]) => values)

export const nameServersOf = (content: string): string[] => valuesOf(content, 'nameserver')

/** Whether a name server of the host can be asked from inside a network that only has IPv4. */
function reachable(server: string): boolean {
  const address = parseIpv4(server)
  return address !== undefined && address >>> 24 !== 127
}

const ofHostOr = (wanted: readonly string[], host: readonly string[]): readonly string[] =>
  wanted.length > 0 ? wanted : host

function resolvLines(servers: readonly string[], search: readonly string[], options: readonly string[]): string {
  const lines = [
    ...servers.map((server) => `nameserver ${server}`),
    // "." alone means: no search list, not even that of the host.
    ...(search.length > 0 && search.join() !== '.' ? [`search ${search.join(' ')}`] : []),
    ...(options.length > 0 ? [`options ${options.join(' ')}`] : []),
  ]
  return lines.map((line) => `${line}\n`).join('')
}

/**
 * For a namespace of its own: name servers on the host's loopback cannot be reached and are left out; when none is left,
 * `fallback` are used.
 */
export function resolvConfInside(host: string, dns: DnsConfig, fallback: readonly string[]): string {
  const usable = nameServersOf(host).filter(reachable)
  const servers = ofHostOr(dns.servers, ofHostOr(usable, fallback))
  return resolvLines(
    servers,
    ofHostOr(dns.search, valuesOf(host, 'search')),
    ofHostOr(dns.options, valuesOf(host, 'options')),
  )
}

/** For the host's own namespace: the host's file, unless something else was asked. */
export function resolvConfOfHost(host: string, dns: DnsConfig): string {
  if (dns.servers.length + dns.search.length + dns.options.length === 0) return host
  return resolvLines(
    ofHostOr(dns.servers, nameServersOf(host)),
    ofHostOr(dns.search, valuesOf(host, 'search')),
    ofHostOr(dns.options, valuesOf(host, 'options')),
  )
}

const LOCAL_HOSTS = `127.0.0.1\tlocalhost
::1\tlocalhost ip6-localhost ip6-loopback
fe00::\tip6-localnet
ff00::\tip6-mcastprefix
ff02::1\tip6-allnodes
ff02::2\tip6-allrouters
`

function extraLines(dns: DnsConfig, gateway: string): string {
  return Object.entries(dns.extraHosts)
    .map(([name, address]) => `${address === HOST_GATEWAY ? gateway : address}\t${name}\n`)
    .join('')
}

/** `address`: its own on its first network, if it has one; `gateway`: the host as seen from there. */
export function hostsInside(
  own: { hostname: string; address: Ipv4 | undefined; gateway: Ipv4 | undefined },
  dns: DnsConfig,
): string {
  const address = own.address === undefined ? '127.0.0.1' : formatIpv4(own.address)
  const gateway = own.gateway === undefined ? '127.0.0.1' : formatIpv4(own.gateway)
  const ownLine = own.hostname === '' ? '' : `${address}\t${own.hostname}\n`
  return LOCAL_HOSTS + extraLines(dns, gateway) + ownLine
}

export const hostsOfHost = (host: string, dns: DnsConfig): string =>
  (host === '' || host.endsWith('\n') ? host : `${host}\n`) + extraLines(dns, '127.0.0.1')
