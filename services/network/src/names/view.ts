import type { DnsConfig, Wire } from '../sandbox/sandbox.ts'
import type { NameView } from './ports.ts'

export const DNS_PORT = 53

/**
 * What a namespace with these connections may look up: its networks in their order, and the world through the name servers
 * that were asked for, or else the host's. With internal networks alone there is no world.
 */
export function viewOf(wires: readonly Wire[], { servers }: Pick<DnsConfig, 'servers'>): NameView {
  const networks = wires.map(({ network }) => network.id)
  if (wires.every(({ network }) => network.bridge.internal)) return { networks, forwardTo: [] }
  if (servers.length === 0) return { networks, forwardTo: 'host' }
  return { networks, forwardTo: servers.map((address) => ({ address, port: DNS_PORT })) }
}
