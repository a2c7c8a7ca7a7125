import { isIP } from 'node:net'
import type { Partially } from '@caisson/api'
import type { DnsConfig } from '@caisson/api/network'
import type { OptionValues } from '../option-values.ts'
import { refuse } from './refusal.ts'

/** --dns, --dns-search, --dns-option and --add-host; nothing when none is given. */
export function dnsOf(options: OptionValues): { dns?: Partially<DnsConfig> } {
  const dns = {
    servers: options.list('dns').map(nameServer),
    search: options.list('dnsSearch'),
    options: options.list('dnsOption'),
    extraHosts: parseExtraHosts(options.list('addHost')),
  }
  const isAsked = [dns.servers, dns.search, dns.options, Object.keys(dns.extraHosts)].some(({ length }) => length > 0)
  return isAsked ? { dns } : {}
}

function nameServer(value: string): string {
  if (isIP(value) === 0) throw refuse('--dns', value, 'is not the IP address of a name server')
  return value
}

/** NAME:ADDRESS or NAME=ADDRESS, with an IPv6 address in brackets or without, or host-gateway for the host. */
export function parseExtraHosts(values: readonly string[]): Record<string, string> {
  const hosts = new Map<string, string>()
  for (const value of values) {
    const [, name, text = ''] = /^([^:=]+)[:=](.+)$/.exec(value) ?? []
    const address = text.replace(/^\[(.*)\]$/, '$1')
    if (name === undefined || (address !== HOST_GATEWAY && isIP(address) === 0))
      throw refuse('--add-host', value, `is not NAME:ADDRESS or NAME:${HOST_GATEWAY}`)
    if (hosts.has(name)) throw refuse('--add-host', value, `gives ${name} a second address`)
    hosts.set(name, address)
  }
  return Object.fromEntries(hosts)
}

const HOST_GATEWAY = 'host-gateway'
