import { isIP } from 'node:net'
import type { DnsConfig } from '../sandbox/sandbox.ts'
import type { Forwarder } from './ports.ts'
import { DNS_PORT } from './view.ts'

/** resolv.conf(5), read and written. */

/** Where the name server of a namespace listens. */
export const RESOLVER_ADDRESS = '127.0.0.11'

// The resolver of the C library asks no more than three.
const MOST_SERVERS = 3

/** Every value of a keyword, in order. */
const valuesOf = (content: string, keyword: string): string[] =>
  content
    .split('\n')
    .map((line) => line.trim().split(/\s+/))
    .filter(([first]) => first === keyword)
    .flatMap(([, ...values]) => values)

export const nameServersOf = (content: string): string[] => valuesOf(content, 'nameserver')

/** The name servers that the host's file names, or else `fallback`. One that is only found by a zone is left out. */
export function hostServersOf(content: string, fallback: readonly string[]): Forwarder[] {
  const named = nameServersOf(content).filter((server) => isIP(server) !== 0 && !server.includes('%'))
  return ofHostOr(named, fallback)
    .slice(0, MOST_SERVERS)
    .map((address) => ({ address, port: DNS_PORT }))
}

/**
 * For a namespace with a name server of its own. A name without dots is asked as it is before search domains are tried,
 * unless an option says otherwise: names of containers have none.
 */
export function resolvConfConnected(host: string, { search, options }: DnsConfig): string {
  const wanted = ofHostOr(
    options,
    valuesOf(host, 'options').filter((option) => !isNdots(option)),
  )
  return resolvLines(
    [RESOLVER_ADDRESS],
    ofHostOr(search, searchOf(host)),
    wanted.some(isNdots) ? wanted : [...wanted, 'ndots:0'],
  )
}

/** For a namespace that has only loopback: name servers on the host's loopback are left out, for they are not there. */
export function resolvConfAlone(host: string, dns: DnsConfig, fallback: readonly string[]): string {
  const usable = nameServersOf(host).filter((server) => isIP(server) === 4 && !server.startsWith('127.'))
  return resolvLines(
    ofHostOr(dns.servers, ofHostOr(usable, fallback)),
    ofHostOr(dns.search, searchOf(host)),
    ofHostOr(dns.options, valuesOf(host, 'options')),
  )
}

/** For the host's own namespace: the host's file, unless something else was asked. */
export function resolvConfOfHost(host: string, dns: DnsConfig): string {
  if (dns.servers.length + dns.search.length + dns.options.length === 0) return host
  return resolvLines(
    ofHostOr(dns.servers, nameServersOf(host)),
    ofHostOr(dns.search, searchOf(host)),
    ofHostOr(dns.options, valuesOf(host, 'options')),
  )
}

const isNdots = (option: string): boolean => option.startsWith('ndots:')

const searchOf = (content: string): string[] => valuesOf(content, 'search')

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
