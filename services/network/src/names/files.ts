import type { HostPort } from '../sandbox/ports.ts'
import { gatewayOf, type Sandbox, type Wire } from '../sandbox/sandbox.ts'
import { hostsInside, hostsOfHost } from './hosts-file.ts'
import { resolvConfAlone, resolvConfConnected, resolvConfOfHost } from './resolv-conf.ts'

/** Content for the files of a sandbox. */
export type Files = Pick<Sandbox, 'resolvConf' | 'hosts'>

type Host = Pick<HostPort, 'resolvConf' | 'hosts'>
type Wanted = Pick<Sandbox, 'hostname' | 'dns'>

/** With these connections. With internal networks alone there is nothing of the host's. */
export function filesOn(host: Host, wires: readonly Wire[], { hostname, dns }: Wanted): Files {
  const hostConf = gatewayOf(wires) === undefined ? '' : host.resolvConf()
  return { resolvConf: resolvConfConnected(hostConf, dns), hosts: hostsInside(hostname, wires, dns) }
}

/** With only loopback. */
export const filesAlone = (host: Host, { hostname, dns }: Wanted, fallback: readonly string[]): Files => ({
  resolvConf: resolvConfAlone(host.resolvConf(), dns, fallback),
  hosts: hostsInside(hostname, [], dns),
})

/** In the host's own namespace. */
export const filesOfHost = (host: Host, { dns }: Pick<Sandbox, 'dns'>): Files => ({
  resolvConf: resolvConfOfHost(host.resolvConf(), dns),
  hosts: hostsOfHost(host.hosts(), dns),
})
