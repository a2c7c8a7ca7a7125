import type { DnsConfig, Wire } from '../sandbox/sandbox.ts'
import { gatewayOf } from '../sandbox/sandbox.ts'
import { addressesOf, gatewayAddressesOf } from './addresses.ts'
import { firstLabel } from './dns-names.ts'

/** Content for /etc/hosts. */

/** Stands for the addresses of the host in a line that was asked for. */
export const HOST_GATEWAY = 'host-gateway'

const LOOPBACK = '127.0.0.1'

const LOCAL_HOSTS = `127.0.0.1\tlocalhost
::1\tlocalhost ip6-localhost ip6-loopback
fe00::\tip6-localnet
ff00::\tip6-mcastprefix
ff02::1\tip6-allnodes
ff02::2\tip6-allrouters
`

/**
 * For a namespace of its own: the lines that were asked for, and one for each of its addresses with its host name. Without
 * a network both the host and itself are the loopback.
 */
export function hostsInside(hostname: string, wires: readonly Wire[], dns: Pick<DnsConfig, 'extraHosts'>): string {
  const way = (gatewayOf(wires) ?? wires[0])?.network
  const own = wires.flatMap(({ endpoint }) => addressesOf(endpoint))
  const names = hostname.includes('.') ? `${hostname} ${firstLabel(hostname)}` : hostname
  const ownLines = hostname === '' ? [] : (own.length > 0 ? own : [LOOPBACK]).map((address) => `${address}\t${names}\n`)
  return LOCAL_HOSTS + extraLines(dns, way === undefined ? [LOOPBACK] : gatewayAddressesOf(way)) + ownLines.join('')
}

/** For the host's own namespace: its file stays and only gets more lines. */
export const hostsOfHost = (host: string, dns: Pick<DnsConfig, 'extraHosts'>): string =>
  (host === '' || host.endsWith('\n') ? host : `${host}\n`) + extraLines(dns, [LOOPBACK])

const extraLines = ({ extraHosts }: Pick<DnsConfig, 'extraHosts'>, gateway: readonly string[]): string =>
  Object.entries(extraHosts)
    .flatMap(([name, address]) => (address === HOST_GATEWAY ? gateway : [address]).map((each) => `${each}\t${name}\n`))
    .join('')
